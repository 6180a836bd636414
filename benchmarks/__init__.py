"""Reproducible measurements, each beside its floor; nothing here is part of the product."""
