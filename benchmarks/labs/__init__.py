"""Synthetic labs of many shapes, for measurements: what they look like, and their files; nothing is measured here.

The same shape, scale and seed give the same bytes. `datalab.sample` makes the lab that people try the product with; the
labs here have the shapes of real exports.
"""

from benchmarks.labs.prepare import SAMPLE, PreparedLab, prepared_lab
from benchmarks.labs.shapes import SHAPES, Ids, Shape, UserIds

__all__ = ["SAMPLE", "SHAPES", "Ids", "PreparedLab", "Shape", "UserIds", "prepared_lab"]
