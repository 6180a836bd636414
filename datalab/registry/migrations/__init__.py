"""The migrations of the registry's schema; run by `datalab.registry.database.Database.migrate`."""
