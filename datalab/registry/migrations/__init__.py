"""How the registry's schema came to be, step by step; run by `datalab.registry.database.Database.migrate`."""
