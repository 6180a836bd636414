"""The configuration of a lab as scripts write it, and its conversion to a definition. This module creates no lab."""

from __future__ import annotations

from typing import Any

from datalab.lab import LabDefinition
from datalab_dagster.archv2.errors import UnknownCollaborationType
from datalab_dagster.data_lab.configs import IdentifiersConfig, IdType
from datalab_dagster.types import CollaborationType, DataLabDatasetType, MatchingId


class DataLabConfig:
    """The configuration of a lab; the attributes equal the parameters.

    Args:
        name: of the lab.
        has_demographics, has_embeddings, has_segments: which datasets it has in addition to identifiers.
        num_embeddings: numbers in an embedding.
        num_identifiers_columns: 3: ``userId, idName, id``; 2: ``userId, id``; 1: ``userId``.
        identifiers_config: every identifier that the data may contain.
        matching_id: kept for scripts; the builder converts it to an identifiers config.
        collaboration_types: the uses of the lab in Media DCRs; OVERLAP is always on.
        force_spark_validation: accepted and ignored: files of any size are validated the same way.
        drop_invalid_rows: False: any invalid row fails its dataset.
        share_statistics: whether aggregated statistics may be shown to the clean room's administrators.
    """

    def __init__(
        self,
        name: str,
        has_demographics: bool,
        has_embeddings: bool,
        num_embeddings: int,
        has_segments: bool,
        num_identifiers_columns: int,
        identifiers_config: list[IdentifiersConfig] | None = None,
        matching_id: MatchingId | None = None,
        collaboration_types: list[CollaborationType] | None = None,
        force_spark_validation: bool = False,
        drop_invalid_rows: bool = True,
        share_statistics: bool = False,
    ) -> None:
        self.name = name
        self.has_demographics = has_demographics
        self.has_embeddings = has_embeddings
        self.num_embeddings = num_embeddings
        self.has_segments = has_segments
        self.num_identifiers_columns = num_identifiers_columns
        self.identifiers_config = identifiers_config
        self.matching_id = matching_id
        self.collaboration_types = list(collaboration_types or [])
        if CollaborationType.OVERLAP not in self.collaboration_types:
            self.collaboration_types.append(CollaborationType.OVERLAP)
        self.share_statistics = share_statistics
        self._force_spark_validation = force_spark_validation
        self.drop_invalid_rows = drop_invalid_rows

    def to_wire(self, publisher_email: str | None = None) -> dict[str, Any]:
        """Return the lab's definition in wire keys.

        Raises:
            UnknownCollaborationType: one of them does not exist.
        """
        definition: dict[str, Any] = {
            "kind": "dataLab",
            "version": "v0",
            "name": self.name,
            "requireDemographics": self.has_demographics,
            "requireEmbeddings": self.has_embeddings,
            "numEmbeddings": self.num_embeddings,
            "requireSegments": self.has_segments,
            "numIdentifiersColumns": self.num_identifiers_columns,
            "shareStatistics": self.share_statistics,
            "identifiersConfig": [entry.to_dict() for entry in self.identifiers_config or []],
            "collaborationTypes": wire_types(self.collaboration_types),
            "dropInvalidRows": self.drop_invalid_rows,
        }
        return definition if publisher_email is None else {**definition, "publisherEmail": publisher_email}

    @classmethod
    def from_definition(cls, definition: LabDefinition) -> DataLabConfig:
        """Return the configuration for a definition."""
        return cls(
            definition.name,
            definition.require_demographics,
            definition.require_embeddings,
            definition.num_embeddings,
            definition.require_segments,
            definition.num_identifiers_columns,
            [
                IdentifiersConfig(
                    entry.id_name, IdType(entry.id_type.value), entry.is_matching_id, entry.is_activation_id
                )
                for entry in definition.identifiers_config
            ],
            collaboration_types=[CollaborationType[entry.value] for entry in definition.collaboration_types],
            drop_invalid_rows=definition.drop_invalid_rows,
            share_statistics=definition.share_statistics,
        )

    @classmethod
    def of_shared(cls, name: str) -> DataLabConfig:
        """Return what a vendor's admin sees of the configuration of a lab: its name, and that it is shared."""
        return cls(name, False, False, 0, False, 0, share_statistics=True)


class ExistingDataLab:
    """An existing lab.

    Attributes:
        id: of the lab.
        policy_ids: the datasets provisioned when it was opened; a `DataLab` always asks the deployment.
    """

    def __init__(self, id: str, policy_ids: dict[DataLabDatasetType, str]) -> None:
        self.id = id
        self.policy_ids = policy_ids


def wire_types(collaboration_types: list[CollaborationType]) -> list[str]:
    """Return the collaboration types as in JSON.

    Raises:
        UnknownCollaborationType: one of them does not exist.

    >>> wire_types([CollaborationType.RULE_BASED])
    ['RULE_BASED']
    """
    for entry in collaboration_types:
        if not isinstance(entry, CollaborationType):
            raise UnknownCollaborationType(entry)
    return [entry.name for entry in collaboration_types]
