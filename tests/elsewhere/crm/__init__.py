"""A publisher's own Dagster project: it exports users and segments every day, and has a Data Lab check them."""
