"""Media DCRs: what a room of one lab and one seed answers, computed from valid rows; it knows no Dagster.

The rules: docs/spec/media.md. Counts are rounded in `privacy`, and nowhere else.
"""
