"""Reproducible measurements, each compared with its floor; nothing here is part of the product."""
