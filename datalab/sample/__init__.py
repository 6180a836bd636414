"""A synthetic lab of any size, reproducible by its seed; nothing here reads or checks data.

Names of people, hashes and addresses are invented: no row stands for a person.
"""

from datalab.sample.write import SampleLab, write_sample

__all__ = ["SampleLab", "write_sample"]
