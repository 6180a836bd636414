"""The vendor's session, on your own deployment: policies that tie datasets to slots, and stored keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from datalab.kinds import DatasetKind
from datalab_dagster.archv2.errors import DataRoomUnknown, PolicyUnknown, SecretMissing
from datalab_dagster.archv2.leaves import LEAVES, VENDOR, policies, policy_id
from datalab_dagster.archv2.protocol import DeploymentClient
from datalab_dagster.archv2.results import is_of_media
from datalab_dagster.archv2.secret import Secret, access_list_of, roles_of

_KEYS = {names.policy: kind for kind, names in VENDOR.items()}


@dataclass(frozen=True)
class ReleasePolicy:
    """Ties a dataset to a leaf of a lab or a Media DCR; takes effect when an action provisions it."""

    data_room_id: str
    leaf: str
    manifest_hash: str


class SessionV2:
    """Changes labs and returns stored keys, for the client's user."""

    def __init__(self, client: DeploymentClient) -> None:
        self.client = client
        self._policies: dict[str, ReleasePolicy] = {}

    def send_get_verification_key_request(self) -> bytes:
        """Return the key that signs labs: None, because labs come from your own deployment."""
        return b""

    def create_policy(self, policy: ReleasePolicy) -> str:
        """Remember a policy and return its id.

        Raises:
            DatasetUnknown, SecretMissing: the dataset, or its key, does not exist.
        """
        if self.client.get_dataset_encryption_key_secret_id(policy.manifest_hash) is None:
            raise SecretMissing(policy.manifest_hash)
        made = policy_id(policy.data_room_id, policy.leaf, policy.manifest_hash)
        self._policies[made] = policy
        return made

    def send_data_room_state_action_request(self, data_room_id: str, action: Mapping[str, Any]) -> dict[str, Any]:
        """Provision or deprovision the datasets of an action's policies, in one transaction.

        Args:
            action: `{"kind": "dataLab", "provisionDatasetPolicyIds": {"identifiersPolicyId": …, …}}`, or with
                `deprovisionDatasetPolicyIds`.

        Raises:
            LabUnknown: there is no such lab.
            DataRoomUnknown: it is an action of a Media DCR: a deployment has none.
            PolicyUnknown: a policy was neither created by this session nor is it provisioned.
            ProvisioningRefused: nothing was changed; `.problems` names every broken rule.
        """
        if is_of_media(action):
            raise DataRoomUnknown(data_room_id)
        lab = self.client.client_v2.lab(data_room_id)
        hashes = {slot.kind: slot.manifest_hash for slot in lab.slots}
        known = {policy: hashes[kind] for kind, policy in policies(lab).items()}
        known |= {made: policy.manifest_hash for made, policy in self._policies.items()}
        changes: dict[DatasetKind, str | None] = {}
        for verb in ("provisionDatasetPolicyIds", "deprovisionDatasetPolicyIds"):
            for key, policy in (action.get(verb) or {}).items():
                if policy is None:
                    continue
                if policy not in known:
                    raise PolicyUnknown(policy)
                changes[_KEYS[key]] = known[policy] if verb.startswith("provision") else None
        self.client.service.change(lab.id, changes, cause="SDK")
        return {"dataLab": {LEAVES[kind]: manifest_hash for kind, manifest_hash in changes.items()}}

    def get_secret(self, secret_id: str) -> tuple[Secret, int]:
        """Return a stored key with its access list.

        Raises:
            SecretUnknown: there is no key with this id.
            KeyAccessDenied: the user may not use it.
        """
        manifest_hash = self.client.dataset_of_secret(secret_id)
        users = self.client.service.key_access(manifest_hash).users
        state = {
            "version": "V0",
            "type": "DatasetKey",
            "manifest_hash": manifest_hash,
            "acl": access_list_of(users),
        }
        return Secret(self.client.service.dataset_key(manifest_hash).material, state), 0

    def update_secret_acl(self, secret_id: str, new_acl: Mapping[str, Any], expected_cas_index: int = 0) -> bool:
        """Replace the access list of a stored key; only an owner may.

        Raises:
            SecretUnknown: there is no key with this id.
            KeyAccessDenied, AccessListWrong, AccessListRefused: as their names say.
        """
        del expected_cas_index
        self.client.service.set_key_access(self.client.dataset_of_secret(secret_id), roles_of(new_acl))
        return True
