"""A synthetic lab of any size, reproducible from its seed; this package does not read or check data.

Names of people, hashes and addresses are invented: no row describes a real person.
"""

from datalab.sample.earlier import SampleWouldReplaceError, refuse_to_replace
from datalab.sample.write import SampleLab, write_sample

__all__ = ["SampleLab", "SampleWouldReplaceError", "refuse_to_replace", "write_sample"]
