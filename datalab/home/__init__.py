"""The home directory of a deployment: where it is, its settings, its logs, and who runs `datalab up` on it."""
