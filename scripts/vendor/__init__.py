"""Compares this package with the vendor's own, installed beside it: `make vendor`; the project never imports it."""
