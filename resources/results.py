"""The options of results, which are settings of the deployment."""

import dagster as dg
from pydantic import Field


class ResultOptions(dg.ConfigurableResource[None]):
    """The options of results; its key is `workspace`, the name that saved run configurations use."""

    statistics_version: int = Field(
        default=2, description="Format of the statistics: 2, or 1 for consumers of the old format"
    )
    minimum_count: int = Field(default=0, description="Counts below it are hidden on the dashboard; 10 for sharing")
