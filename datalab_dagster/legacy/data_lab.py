"""The vendor's names of its first Data Labs, which are the current names here."""

from datalab_dagster.data_lab.data_lab import DataLab, DataLabConfig, ExistingDataLab
from datalab_dagster.types import DataLabDatasetType, MatchingId, MatchingIdFormat

__all__ = ["DataLab", "DataLabConfig", "DataLabDatasetType", "ExistingDataLab", "MatchingId", "MatchingIdFormat"]
