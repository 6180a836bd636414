"""What a room is made from: a lab as base audience, a seed dataset, and the activation id."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from datalab_dagster.archv2.client import ClientV2
from datalab_dagster.archv2.models import DataRoom
from datalab_dagster.archv2.release_policy_builder import ReleasePolicyBuilder
from datalab_dagster.archv2.session import SessionV2
from datalab_dagster.client import Client
from datalab_dagster.data_lab.check_data_lab_type import DataLabType, get_data_lab_type
from datalab_dagster.data_lab.configs import IdentifiersConfig
from datalab_dagster.data_lab.data_lab import DataLab
from datalab_dagster.media.errors import LabIncompatible, LabNotValidated, LabTypeUnknown, LeafUnknown
from datalab_dagster.media.helper import media_action
from datalab_dagster.media.room_state import content_of
from datalab_dagster.service import LabState
from datalab_dagster.types import IdType, MatchingIdFormat


class DatasetType(Enum):
    """The datasets of a room; the value is the leaf that a policy names."""

    AUDIENCES = "audiences"
    MATCHING_IDS = "matching"
    DEMOGRAPHICS = "demographics"
    SEGMENTS = "segments"
    EMBEDDINGS = "embeddings"


_MATCHING_IDS = {
    MatchingIdFormat.STRING: IdType.STRING,
    MatchingIdFormat.EMAIL: IdType.EMAIL,
    MatchingIdFormat.HASH_SHA256_HEX: IdType.HASHED_EMAIL,
    MatchingIdFormat.PHONE_NUMBER_E164: IdType.PHONE_NUMBER,
}
_BASE = (DatasetType.MATCHING_IDS, DatasetType.SEGMENTS, DatasetType.DEMOGRAPHICS, DatasetType.EMBEDDINGS)


class Provisioning:
    """The part of `MediaDcr` that provisions."""

    id: str
    client: Client
    client_v2: ClientV2
    session_v2: SessionV2
    _verification_key: bytes | None = None

    # ------------------------------------------------------------------------------------------------------ base

    def provision_base_audience(self, data_lab_id: str, *, force: bool = False) -> None:
        """Make a lab the base audience, as it is now; what was there before is replaced.

        The room keeps the hashes of the lab's datasets: later changes of the lab need another call. A call that fails
        changes nothing.

        Args:
            data_lab_id: of the lab.
            force: also use a lab that is not Ready.

        Raises:
            LabIncompatible: the room needs what the lab does not have; all reasons are listed.
            LabNotValidated: the lab is not Ready.
        """
        self._check_data_lab_compatibility(data_lab_id)
        match get_data_lab_type(self.client, data_lab_id):
            case DataLabType.ARCHV2:
                self._provision_archv2_data_lab(data_lab_id, force=force)
            case DataLabType.LEGACY:
                self._provision_legacy_data_lab(data_lab_id, force=force)
            case data_lab_type:
                raise LabTypeUnknown(data_lab_type)

    def deprovision_base_audience(self) -> None:
        """Take the lab out of the room; results from it are no longer served."""
        self._send(media_action("deprovisionBaseAudiencePolicyIds"))

    def is_base_audience_provisioned(self) -> bool:
        """Return whether a lab is provisioned."""
        return DatasetType.MATCHING_IDS.value in self._get_policies()

    def _provision_archv2_data_lab(self, data_lab_id: str, *, force: bool = False) -> None:
        key = self._get_verification_key()
        if not force and not self._is_ready(data_lab_id, key):
            raise LabNotValidated
        lab = content_of(self.client_v2.get_data_lab(data_lab_id, key))
        policies = self.client_v2.get_data_room_policies(data_lab_id, [one["policyId"] for one in lab["policies"]])
        hashes: dict[DatasetType, str] = {}
        for policy in policies.values():
            leaf = policy.get("target_leaf")
            dataset_type = next((one for one in _BASE if one.value == leaf), None)
            if dataset_type is None:
                raise LeafUnknown(leaf)
            hashes[dataset_type] = policy["manifest_hash_hex"]
        self._provision_base_audience(hashes)
        self._set_data_lab_provisioning_info(
            data_lab_id,
            lab["identifiersConfig"],
            lab["numIdentifiersColumns"],
            lab.get("useEnhancedValidationStatus"),
            lab.get("numEmbeddings"),
        )

    def _provision_legacy_data_lab(self, data_lab_id: str, *, force: bool = False) -> None:
        lab = self.client.get_data_lab(data_lab_id)
        if not force and not lab["isValidated"]:
            raise LabNotValidated
        held = {
            DatasetType.MATCHING_IDS: lab["usersDataset"],
            DatasetType.SEGMENTS: lab["segmentsDataset"],
            DatasetType.DEMOGRAPHICS: lab["demographicsDataset"],
            DatasetType.EMBEDDINGS: lab["embeddingsDataset"],
        }
        self._provision_base_audience({kind: dataset["manifestHash"] for kind, dataset in held.items() if dataset})
        matching = _MATCHING_IDS[lab["matchingIdFormat"]] if lab["matchingIdFormat"] else IdType.STRING
        identifiers = [
            IdentifiersConfig("userId", IdType.STRING, is_matching_id=False, is_activation_id=True),
            IdentifiersConfig("matchingId", matching, is_matching_id=True, is_activation_id=False),
        ]
        self._set_data_lab_provisioning_info(data_lab_id, [one.to_dict() for one in identifiers], 2)
        self.set_activation_id("userId")

    def _check_data_lab_compatibility(self, data_lab_id: str) -> None:
        errors = self.client_v2.check_data_labs_compatibility(self.id, [data_lab_id])["errorsByDataLab"]
        messages = [error["message"] for error in errors.get(data_lab_id, [])]
        if messages:
            raise LabIncompatible(messages)

    def _is_ready(self, data_lab_id: str, key: bytes) -> bool:
        """Return whether the lab is Ready; the vendor asks only whether everything was computed."""
        validated = DataLab.is_data_lab_validated(self.client_v2, data_lab_id, key)
        return validated and self.client_v2.lab(data_lab_id).state.state is LabState.READY

    def _provision_base_audience(self, dataset_manifest_hashes: dict[DatasetType, str]) -> None:
        policies = {
            f"{kind.value}PolicyId": self._create_release_policy(dataset_manifest_hashes[kind], kind)
            if kind in dataset_manifest_hashes
            else None
            for kind in _BASE
        }
        self._send(media_action("provisionBaseAudiencePolicyIds", **policies))

    def _set_data_lab_provisioning_info(
        self,
        data_lab_id: str,
        identifiers_config: list[dict[str, Any]],
        num_identifiers_columns: int,
        use_enhanced_validation_status: bool | None = None,
        num_embeddings: int | None = None,
    ) -> None:
        info = {
            "dataLabId": data_lab_id,
            "identifiersConfig": identifiers_config,
            "numIdentifiersColumns": num_identifiers_columns,
            "numEmbeddings": num_embeddings,
            "useEnhancedValidationStatus": use_enhanced_validation_status,
        }
        given = {key: value for key, value in info.items() if value is not None}
        self._send(media_action("setDataLabProvisioningInfo", **given))

    # ------------------------------------------------------------------------------------------------------ seed

    def provision_seed_audiences(self, manifest_hash: str) -> None:
        """Make an uploaded dataset the seed: matching ids, and the seed audience of each.

        Raises:
            DatasetUnknown, SecretMissing: the dataset, or its key, does not exist.
        """
        policy = self._create_release_policy(manifest_hash, DatasetType.AUDIENCES)
        self._send(media_action("provisionSeedAudiencePolicyIds", audiencesPolicyId=policy))

    def deprovision_seed_audiences(self) -> None:
        """Take the seed out of the room; results from it are no longer served."""
        self._send(media_action("deprovisionSeedAudiencePolicyIds"))

    def are_seed_audiences_provisioned(self) -> bool:
        """Return whether a seed dataset is provisioned."""
        return DatasetType.AUDIENCES.value in self._get_policies()

    def set_activation_id(self, activation_id: str) -> None:
        """Set the id that user lists hold."""
        self._send(media_action("setActivationId", activationId=activation_id))

    # ---------------------------------------------------------------------------------------------------- inside

    def _create_release_policy(self, manifest_hash: str, dataset_type: DatasetType) -> str:
        builder = ReleasePolicyBuilder(self.client, self.id, manifest_hash)
        return self.session_v2.create_policy(builder.with_target_leaf_node_name(dataset_type.value).build())

    def _get_verification_key(self) -> bytes:
        """Return the deployment's key, which is asked for once."""
        if self._verification_key is None:
            self._verification_key = self.session_v2.send_get_verification_key_request()
        return self._verification_key

    def _get_data_room(self) -> DataRoom:
        return self.client_v2.get_data_room(self.id, self._get_verification_key())

    def _get_policies(self) -> dict[str, str]:
        """Return leaf → policy id of what is provisioned now."""
        return {one["leafId"]: one["policyId"] for one in content_of(self._get_data_room())["policies"]}

    def _send(self, action: Mapping[str, Any]) -> None:
        self.session_v2.send_data_room_state_action_request(self.id, action)
