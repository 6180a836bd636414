"""The options of results, which are settings of the deployment."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ResultOptions:
    """The options of results."""

    statistics_version: int = 2
    """Format of the statistics: 2, or 1 for consumers of the old format."""
    minimum_count: int = 0
    """Counts below it are hidden on the dashboard; 10 for sharing."""
