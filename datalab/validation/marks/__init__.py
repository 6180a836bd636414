"""Marks of the errors that people make in files: how many rows show each; only counts leave this room.

A block is examined alone, on any thread. The hints are made of the counts of all blocks by `datalab.validation.hints`.
"""

from datalab.validation.marks.beginning import Beginning
from datalab.validation.marks.counts import FORMS, INVALID, Counts, Mark
from datalab.validation.marks.look import Look

__all__ = ["FORMS", "INVALID", "Beginning", "Counts", "Look", "Mark"]
