"""What sessions, jobs and policies need of a client; `Client` provides it."""

from __future__ import annotations

from typing import Any, Protocol

from datalab_dagster.archv2.client import ClientV2
from datalab_dagster.service.protocol import LabService


class DeploymentClient(Protocol):
    """A client of one deployment, as one user sees it."""

    service: LabService
    client_v2: ClientV2

    @property
    def shows_progress(self) -> bool:
        """Whether uploads and waits show a bar."""

    def create_session_v2(self) -> Any:
        """Return the client's `SessionV2`."""

    def get_dataset_encryption_key_secret_id(self, manifest_hash: str) -> str | None:
        """Return the id of a dataset's stored key; None when it is not stored.

        Raises:
            DatasetUnknown: there is no such dataset.
        """

    def dataset_of_secret(self, secret_id: str) -> str:
        """Return the manifest hash of the dataset that a stored key belongs to.

        Raises:
            SecretUnknown: there is no such key.
        """
