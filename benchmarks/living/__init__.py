"""What a living lab costs apart from its data: runs, many labs at once, and doing nothing."""

from benchmarks.living.runs import uploaded

__all__ = ["uploaded"]
