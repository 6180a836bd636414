"""Compares this package with the vendor's, which has its own environment: `make vendor`; never imported elsewhere."""
