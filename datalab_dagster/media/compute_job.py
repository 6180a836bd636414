"""The jobs of a room, one per result, with parsed results. `ComputeJob` starts them and waits."""

from __future__ import annotations

import json
import re
from typing import Any, Self

from datalab_dagster.archv2.compute_job import ComputeJob
from datalab_dagster.client import Client
from datalab_dagster.media.api import (
    ComputeInsightsResult,
    CustomAudience,
    DataAttributesResult,
    GetCustomAudiencesResult,
    GetSeedAudiencesResult,
    OverlapStatisticsResult,
)
from datalab_dagster.media.audience_statistics_result import LalAudienceStatistics
from datalab_dagster.media.audiences import Audiences, AudienceType, reference_of
from datalab_dagster.media.errors import NoLookalikeOfThat, NotAnAudience
from datalab_dagster.media.helper import media_action
from datalab_dagster.media.job import MediaJob, wait_for_all
from datalab_dagster.media.report_jobs import (
    MediaAudiencesValidationReportJob,
    MediaBaseAudienceValidationReportsJob,
    MediaDemographicsValidationReportJob,
    MediaMatchingValidationReportJob,
    MediaSegmentsValidationReportJob,
    ValidationReportJob,
)

__all__ = [
    "AudienceType",
    "ComputeJob",
    "MediaAudienceUserListJob",
    "MediaAudiencesValidationReportJob",
    "MediaBaseAudienceValidationReportsJob",
    "MediaDataAttributesJob",
    "MediaDemographicsValidationReportJob",
    "MediaEstimateAudienceSizeJob",
    "MediaGetAudiencesJob",
    "MediaGetCustomAudiencesJob",
    "MediaGetSeedAudiencesJob",
    "MediaInsightsJob",
    "MediaLookalikeAudienceStatisticsJob",
    "MediaMatchingValidationReportJob",
    "MediaModelQualityReportJob",
    "MediaOverlapStatisticsJob",
    "MediaSegmentsValidationReportJob",
    "ValidationReportJob",
]


class MediaInsightsJob(MediaJob):
    """Computes the insights of all seed audiences."""

    def __init__(self, dcr_id: str, client: Client, as_decentriq_admin: bool = False) -> None:
        super().__init__(dcr_id, media_action("computeInsights"), "segments.json", client, as_decentriq_admin)

    def result(self) -> ComputeInsightsResult:
        """Return the insights."""
        return ComputeInsightsResult.model_validate_json(self.get_result())


class MediaOverlapStatisticsJob(MediaJob):
    """Computes the overlap of all seed audiences with the base."""

    def __init__(self, dcr_id: str, client: Client, as_decentriq_admin: bool = False) -> None:
        super().__init__(dcr_id, media_action("computeOverlapStatistics"), "overlap.json", client, as_decentriq_admin)

    def result(self) -> OverlapStatisticsResult:
        """Return the overlap."""
        return OverlapStatisticsResult.model_validate_json(self.get_result())


class MediaDataAttributesJob(MediaJob):
    """Lists the attributes of the base that rules can use."""

    def __init__(self, dcr_id: str, client: Client, as_decentriq_admin: bool = False) -> None:
        super().__init__(dcr_id, media_action("getDataAttributes"), "attributes.json", client, as_decentriq_admin)

    def result(self) -> DataAttributesResult:
        """Return the attributes."""
        return DataAttributesResult.model_validate_json(self.get_result())


class MediaLookalikeAudienceStatisticsJob(MediaJob):
    """Computes the quality of a lookalike model: that of a lookalike audience, or one with the audience as source.

    Raises:
        NoLookalikeOfThat: it is no audience.
    """

    def __init__(self, dcr_id: str, audience: AudienceType, client: Client, as_decentriq_admin: bool = False) -> None:
        reference = reference_of(audience)
        if reference is None:
            raise NoLookalikeOfThat(audience)
        action = media_action("getMultiIdLookalikeAudienceStatistics", audienceRef=reference)
        super().__init__(dcr_id, action, "lookalike_audience.json", client, as_decentriq_admin)

    def result(self) -> LalAudienceStatistics:
        """Return the curve of held-out users."""
        return LalAudienceStatistics.from_dict(json.loads(self.get_result()))


class MediaEstimateAudienceSizeJob(MediaJob):
    """Computes the size of an audience.

    Raises:
        NotAnAudience: it is no audience.
    """

    def __init__(self, dcr_id: str, audience: AudienceType, client: Client, as_decentriq_admin: bool = False) -> None:
        reference = _reference(audience)
        action = media_action("estimateMultiIdAudienceSize", audience={"kind": "REF", "value": reference})
        super().__init__(dcr_id, action, "audience_size.json", client, as_decentriq_admin)

    def result(self) -> dict[str, int | None]:
        """Return ``userId`` and every activation id → size, None if absolute values are hidden."""
        sizes: dict[str, int | None] = json.loads(self.get_result())
        return sizes


class MediaAudienceUserListJob(MediaJob):
    """Computes the activation ids of an audience.

    Raises:
        NotAnAudience: it is no audience.
    """

    def __init__(self, dcr_id: str, audience: AudienceType, client: Client) -> None:
        action = media_action("getAudienceUserList", audienceRef=_reference(audience))
        super().__init__(dcr_id, action, "audience_users.csv", client)

    def result(self) -> list[str]:
        """Return the activation ids, sorted: private."""
        return [line for line in re.split(r"\r?\n", self.get_result().decode()) if line]


class MediaModelQualityReportJob(MediaJob):
    """Computes the quality of the models of all seed audiences."""

    def __init__(self, dcr_id: str, client: Client) -> None:
        super().__init__(dcr_id, media_action("retrieveModelQualityReport"), "model_quality.json", client)

    def result(self) -> dict[str, Any]:
        """Return the report."""
        report: dict[str, Any] = json.loads(self.get_result())
        return report


class MediaGetSeedAudiencesJob(MediaJob):
    """Lists the seed audiences for a user."""

    def __init__(self, dcr_id: str, user: str, client: Client, as_decentriq_admin: bool = False) -> None:
        action = media_action("getSeedAudiences", user=user)
        super().__init__(dcr_id, action, "audiences.json", client, as_decentriq_admin)

    def result(self) -> GetSeedAudiencesResult:
        """Return the seed audiences."""
        return GetSeedAudiencesResult.model_validate_json(self.get_result())


class MediaGetCustomAudiencesJob(MediaJob):
    """Lists the custom audiences that a user may see, and their prerequisites."""

    def __init__(self, dcr_id: str, user: str, client: Client, as_decentriq_admin: bool = False) -> None:
        action = media_action("getCustomAudiences", user=user)
        super().__init__(dcr_id, action, "audiences.json", client, as_decentriq_admin)

    def result(self) -> GetCustomAudiencesResult:
        """Return the custom audiences."""
        return GetCustomAudiencesResult.model_validate_json(self.get_result())


class MediaGetAudiencesJob(MediaJob):
    """Lists the audiences of a participant: custom ones that it owns or that are shared with it, then seed ones."""

    def __init__(
        self, dcr_id: str, user: str, client: Client, participant_id: str, as_decentriq_admin: bool = False
    ) -> None:
        self.user = user
        self.participant_id = participant_id
        self._custom = MediaGetCustomAudiencesJob(dcr_id, user, client, as_decentriq_admin)
        self._seed = MediaGetSeedAudiencesJob(dcr_id, user, client, as_decentriq_admin)
        super().__init__(dcr_id, self._custom.action, self._custom.result_zip_file_name, client, as_decentriq_admin)

    def run(self) -> None:
        """Start both jobs; `job_id` is that of the custom audiences."""
        self._custom.run()
        self._seed.run()
        self.job_id = self._custom.job_id

    def is_complete(self) -> bool:
        """Return whether both jobs have ended."""
        return all([self._custom.is_complete(), self._seed.is_complete()])

    def wait_for_completion(self, timeout: int | None = None, sleep_interval: int = 1) -> Self:
        """Wait until both jobs have ended; see `ComputeJob.wait_for_completion`."""
        wait_for_all(self.client, [self._custom, self._seed], timeout, sleep_interval)
        return self

    def result(self) -> Audiences:
        """Return the audiences; prerequisites of others are left out."""
        custom = [audience for audience in self._custom.result().audiences if self._may_use(audience)]
        return Audiences([*custom, *self._seed.result().audiences])

    def _may_use(self, audience: CustomAudience) -> bool:
        if self.participant_id in (audience.sharedWith or ()):
            return True
        if audience.createdByGroupId is None:
            return audience.createdBy == self.user
        return audience.createdByGroupId == self.participant_id


def _reference(audience: object) -> dict[str, str]:
    reference = reference_of(audience)
    if reference is None:
        raise NotAnAudience(audience)
    return reference
