"""Runs of labs: requested, started as separate processes, watched, stopped."""
