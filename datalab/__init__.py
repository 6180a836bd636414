"""The domain of the open Data Lab; it knows no Dagster, no web and no SDK."""

__version__ = "0.2.0"
