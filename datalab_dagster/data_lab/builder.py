"""Builds a lab step by step, or opens an existing one; `DataLab` has its operations."""

from __future__ import annotations

import warnings
from typing import Self

from datalab.collaboration import CollaborationType as WireType
from datalab_dagster.archv2.errors import ColumnsMissing, LabIdMissing, MatchingIdAndConfig
from datalab_dagster.archv2.leaves import TYPES, policies
from datalab_dagster.archv2.shared import SharedClientV2
from datalab_dagster.client import Client
from datalab_dagster.data_lab.config import DataLabConfig, ExistingDataLab
from datalab_dagster.data_lab.configs import IdentifiersConfig, IdType
from datalab_dagster.data_lab.data_lab import DataLab
from datalab_dagster.types import CollaborationType, MatchingId


class DataLabBuilder:
    """Builds a lab.

    Example:
        >>> lab = (  # doctest: +SKIP
        ...     DataLabBuilder(client).with_name("Base").with_segments().with_num_identifiers_columns(3)
        ...     .with_identifiers_config([
        ...         IdentifiersConfig("userId", IdType.STRING, False, True),
        ...         IdentifiersConfig("hem", IdType.HASHED_EMAIL, True, False)])
        ...     .build())
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.client_v2 = client.client_v2
        self.name = ""
        self.has_demographics = False
        self.has_embeddings = False
        self.num_embeddings = 0
        self.has_segments = False
        self.num_identifiers_columns = 0
        self.identifiers_config: list[IdentifiersConfig] | None = None
        self.matching_id: MatchingId | None = None
        self.collaboration_types: list[CollaborationType] | None = None
        self.drop_invalid_rows = True
        self.existing = False
        self.data_lab_id: str | None = None

    def with_name(self, name: str) -> Self:
        """Set the lab's name."""
        self.name = name
        return self

    def with_disable_drop_invalid_rows(self) -> Self:
        """Do not drop invalid rows: a single one fails its dataset."""
        self.drop_invalid_rows = False
        return self

    def with_num_identifiers_columns(self, num_identifiers_columns: int) -> Self:
        """Set the columns of the identifiers: 3: ``userId, idName, id``; 2: ``userId, id``; 1: ``userId``."""
        self.num_identifiers_columns = num_identifiers_columns
        return self

    def with_identifiers_config(self, identifiers_config: list[IdentifiersConfig]) -> Self:
        """Set every identifier that the data may contain; one is named ``userId``."""
        self.identifiers_config = identifiers_config
        return self

    def with_matching_id_format(self, matching_id: MatchingId) -> Self:
        """Set the type of the one matching id (deprecated: use `with_identifiers_config`)."""
        warnings.warn(
            "Call to deprecated method with_matching_id_format. (This function is deprecated. Please use the "
            "identifiers config instead.)",
            DeprecationWarning,
            stacklevel=2,
        )
        self.matching_id = matching_id
        return self

    def with_demographics(self) -> Self:
        """Give the lab a demographics dataset."""
        self.has_demographics = True
        return self

    def with_embeddings(self, num_embeddings: int) -> Self:
        """Give the lab an embeddings dataset of `num_embeddings` numbers each."""
        self.has_embeddings = True
        self.num_embeddings = num_embeddings
        return self

    def with_segments(self) -> Self:
        """Give the lab a segments dataset."""
        self.has_segments = True
        return self

    def with_collaboration_types(self, collaboration_types: list[CollaborationType]) -> Self:
        """Set the uses of the lab in Media DCRs; OVERLAP is always on."""
        self.collaboration_types = collaboration_types
        return self

    def from_existing(self, data_lab_id: str) -> Self:
        """Open a lab by its id, or by its name if only one lab has it; the other settings are then ignored."""
        self.existing = True
        self.data_lab_id = data_lab_id
        return self

    def build(self) -> DataLab:
        """Create the lab, or open the existing one.

        By default it has all collaboration types that its identifiers allow, except exclusion targeting.

        Raises:
            MatchingIdAndConfig, ColumnsMissing, LabIdMissing: as their names say; no lab was created.
            LabNotCreated: the definition has errors; all are listed.
            LabUnknown: there is no such lab.
        """
        if self.existing:
            return self._existing()
        return DataLab(self.client, self.config(), None)

    def config(self) -> DataLabConfig:
        """Return the configuration of the lab.

        Raises:
            MatchingIdAndConfig, ColumnsMissing: as their names say.
        """
        if self.identifiers_config and self.matching_id:
            raise MatchingIdAndConfig
        if not self.identifiers_config:
            matching_type = IdType(self.matching_id.value) if self.matching_id else IdType.STRING
            self.identifiers_config = [
                IdentifiersConfig("userId", IdType.STRING, False, True),
                IdentifiersConfig("matchingId", matching_type, True, False),
            ]
        if self.collaboration_types is None:
            activates = any(entry.is_activation_id for entry in self.identifiers_config)
            self.collaboration_types = [
                entry
                for entry in CollaborationType
                if (wire := WireType[entry.name]).is_default and (activates or not wire.activates)
            ]
        if self.num_identifiers_columns == 0:
            raise ColumnsMissing
        return DataLabConfig(
            self.name,
            self.has_demographics,
            self.has_embeddings,
            self.num_embeddings,
            self.has_segments,
            self.num_identifiers_columns,
            self.identifiers_config,
            self.matching_id,
            self.collaboration_types,
            drop_invalid_rows=self.drop_invalid_rows,
        )

    def _existing(self) -> DataLab:
        if not self.data_lab_id:
            raise LabIdMissing
        if isinstance(self.client_v2, SharedClientV2):
            shared = self.client_v2.shared_lab(self.data_lab_id)
            return DataLab(self.client, DataLabConfig.of_shared(shared.name), ExistingDataLab(shared.id, {}))
        lab = self.client_v2.lab(self.data_lab_id)
        tied = {TYPES[kind]: policy for kind, policy in policies(lab).items() if kind in TYPES}
        return DataLab(self.client, DataLabConfig.from_definition(lab.definition), ExistingDataLab(lab.id, tied))
