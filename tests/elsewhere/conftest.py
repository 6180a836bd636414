"""The modules of the project are its own: they are imported in its directory, and not collected here."""

collect_ignore = ["crm"]
