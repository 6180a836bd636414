"""A synthetic lab of any size, reproducible from its seed; this package does not read or check data.

Names of people, hashes and addresses are invented: no row describes a real person.
"""

from datalab.sample.write import SampleLab, write_sample

__all__ = ["SampleLab", "write_sample"]
