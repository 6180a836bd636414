"""The client: datasets, keys and labs of a deployment in the vendor's words; the deployment does the work."""

from __future__ import annotations

import io
import logging
from types import TracebackType
from typing import BinaryIO, Self

from datalab_dagster.archv2.client import ClientV2
from datalab_dagster.archv2.connect import (
    DECENTRIQ_CLIENT_ID,
    DECENTRIQ_HOST,
    DECENTRIQ_PORT,
    DECENTRIQ_USE_TLS,
    connect,
)
from datalab_dagster.archv2.errors import DatasetPublished, DatasetUnknown, NotInvited, SecretMissing, SecretUnknown
from datalab_dagster.archv2.models import DataLabV2
from datalab_dagster.archv2.secret import SecretStoreOptions
from datalab_dagster.archv2.session import SessionV2
from datalab_dagster.archv2.shared import SharedClientV2
from datalab_dagster.archv2.streams import RawStream
from datalab_dagster.service import NO_DATASET, DatasetInUse, KeyNotFound, size_of
from datalab_dagster.service.models import DatasetInfo
from datalab_dagster.service.protocol import LabService
from datalab_dagster.storage import Key
from datalab_dagster.terminal.bars import on_terminal, upload_bar
from datalab_dagster.types import DataLabDefinition, DataLabListFilter, DatasetDescription, DatasetUsage

__all__ = ["Client", "SecretStoreOptions", "create_client"]

logger = logging.getLogger(__name__)


class Client:
    """Datasets, keys and labs of one deployment, as one user sees them.

    Close it with `close()`, or use it as a context manager; validations that were started continue.

    Attributes:
        user_email: the user: named in events and access lists.
        service: the deployment.
        client_v2: the vendor's lower level.
        progress: show bars; None: when standard error is a terminal.
    """

    def __init__(self, service: LabService) -> None:
        self.service = service
        shared = service.shared_labs
        self.client_v2 = ClientV2(service) if shared is None else SharedClientV2(service, shared)
        self.progress: bool | None = None
        self._session: SessionV2 | None = None

    @property
    def user_email(self) -> str:
        return self.service.user

    @property
    def shows_progress(self) -> bool:
        """Whether uploads and waits show a bar."""
        return on_terminal() if self.progress is None else self.progress

    def create_session_v2(self) -> SessionV2:
        """Return the vendor's session; there is one per client."""
        if self._session is None:
            self._session = SessionV2(self)
        return self._session

    def close(self) -> None:
        """Close all connections; running validations continue."""
        self.service.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def notify_participants(self, dcr_id: str, description: str | None = None, enclave_specs: object = None) -> None:
        """Refuse to invite the participants of a Media DCR with `NotInvited`: a deployment sends no mail."""
        raise NotInvited(dcr_id)

    # ----------------------------------------------------------------------------------------------- datasets

    def upload_dataset(
        self,
        data: BinaryIO,
        key: Key,
        file_name: str,
        /,
        *,
        description: str = "",
        chunk_size: int = 8 * 1024**2,
        parallel_uploads: int = 8,
        usage: DatasetUsage = DatasetUsage.PUBLISHED,
        secret_store_options: SecretStoreOptions | None = None,
        is_accessory: bool = False,
    ) -> str:
        """Store what `data` yields, encrypted with `key`, and return its manifest hash.

        `chunk_size`, `parallel_uploads` and `is_accessory` are accepted and ignored: the store decides.

        Args:
            data: read from its current position to its end.
            key: encrypts the data; kept in the secret store unless the options say otherwise.
            file_name: the dataset's name.
            description: a free text.
            usage: the purpose of the dataset.
            secret_store_options: whether the key is stored, and who may use it.

        Raises:
            AccessListRefused: the access list cannot be used; nothing was uploaded.
            UploadInterrupted: the connection or the store failed; the same call resumes the upload.
        """
        del chunk_size, parallel_uploads, is_accessory
        options = secret_store_options or SecretStoreOptions()
        access = options.access(self.user_email)
        with upload_bar(file_name, size_of(data), shown=self.shows_progress) as progress:
            dataset = self.service.upload_dataset(
                data,
                file_name,
                key=key,
                description=description,
                usage=DatasetUsage(usage).value,
                store_key=options.store_encryption_key,
                access=access,
                progress=progress,
            )
        return dataset.manifest_hash

    def get_dataset(self, manifest_hash: str) -> DatasetDescription | None:
        """Return the description of a dataset; None if it does not exist."""
        try:
            return _description(self.service.dataset(manifest_hash))
        except NO_DATASET:
            return None

    def get_available_datasets(self) -> list[DatasetDescription]:
        """Return the datasets that the user uploaded, the oldest first."""
        own = [dataset for dataset in self.service.datasets() if dataset.created_by == self.user_email]
        return [{**_description(dataset), "statistics": None} for dataset in own]

    def download_dataset(self, manifest_hash: str, key: Key) -> io.RawIOBase:
        """Open the plain content of a dataset, every chunk verified; close it afterwards.

        Raises:
            DatasetUnknown: there is no such dataset.
            KeyMismatch: it was uploaded with another key.
            ChunkDamaged: stored data were changed (also while reading).
        """
        try:
            return RawStream(self.service.download_dataset(manifest_hash, key))
        except NO_DATASET as error:
            raise DatasetUnknown(manifest_hash) from error

    def delete_dataset(self, manifest_hash: str, force: bool = False) -> None:
        """Delete a dataset and its key permanently.

        Args:
            force: deprovision it from all labs first.

        Raises:
            DatasetUnknown: there is no such dataset.
            DatasetPublished: it is provisioned to labs (`.labs`).
        """
        try:
            labs = self.service.dataset(manifest_hash).labs
            if force and labs:
                lines = "\n".join(f"- {lab}" for lab in labs)
                logger.warning(
                    "This dataset is published to the following data rooms and is taken from them:\n%s", lines
                )
            self.service.delete_dataset(manifest_hash, force=force)
        except DatasetInUse as error:
            raise DatasetPublished(error.labs) from error
        except NO_DATASET as error:
            raise DatasetUnknown(manifest_hash) from error

    # --------------------------------------------------------------------------------------------------- keys

    def get_dataset_key(self, manifest_hash: str) -> Key:
        """Return the stored key of a dataset.

        Raises:
            DatasetUnknown, SecretMissing: there is no such dataset, or its key is not stored.
            KeyAccessDenied: the user may not use it.
        """
        try:
            return Key(self.service.dataset_key(manifest_hash).material)
        except NO_DATASET as error:
            raise DatasetUnknown(manifest_hash) from error
        except KeyNotFound as error:
            raise SecretMissing(manifest_hash) from error

    def get_dataset_encryption_key_secret_id(self, manifest_hash: str) -> str | None:
        """Return the id of a dataset's stored key; None if the key is not stored.

        Raises:
            DatasetUnknown: there is no such dataset.
        """
        try:
            return self.service.dataset(manifest_hash).secret_id
        except NO_DATASET as error:
            raise DatasetUnknown(manifest_hash) from error

    def dataset_of_secret(self, secret_id: str) -> str:
        """Return the manifest hash of the dataset that a stored key belongs to.

        Raises:
            SecretUnknown: there is no such key.
        """
        for dataset in self.service.datasets():
            if dataset.secret_id == secret_id:
                return dataset.manifest_hash
        raise SecretUnknown(secret_id)

    # --------------------------------------------------------------------------------------------------- labs

    def list_data_labs(self, filter: DataLabListFilter | None = None) -> list[DataLabDefinition]:
        """Return the labs that the user may read, the oldest first.

        Args:
            filter: only labs whose current datasets were validated, or only the others.
        """
        found = self.client_v2.definitions()
        if filter is None:
            return found
        return [lab for lab in found if lab["isValidated"] == (filter is DataLabListFilter.VALIDATED)]

    def get_data_lab(self, id: str) -> DataLabDefinition:
        """Return a lab by its id.

        Raises:
            LabUnknown: there is none.
        """
        return self.client_v2.definition(id)

    def list_data_labs_v2(self) -> list[DataLabV2]:
        """Return the labs that the user owns, the oldest first; to a vendor's admin those that share something."""
        return self.client_v2.get_data_labs(self.user_email)


def _description(dataset: DatasetInfo) -> DatasetDescription:
    return {
        "id": dataset.manifest_hash,
        "manifestHash": dataset.manifest_hash,
        "name": dataset.name,
        "description": dataset.description,
        "createdAt": dataset.created_at.isoformat(),
        "size": dataset.size,
        "usage": DatasetUsage(dataset.usage),
        "encryptionKeySecretId": dataset.secret_id,
        "metadataSecretId": None,
    }


def create_client(
    user_email: str,
    api_token: str,
    *,
    client_id: str = DECENTRIQ_CLIENT_ID,
    api_host: str = DECENTRIQ_HOST,
    api_port: int = DECENTRIQ_PORT,
    api_use_tls: bool = DECENTRIQ_USE_TLS,
    request_timeout: int | None = None,
    unsafe_disable_known_root_ca_check: bool = False,
) -> Client:
    """Return a client of the deployment in `DATALAB_HOME` of this machine, or of one behind an address.

    The address is `api_host` and `api_port`, or else `DATALAB_API_URL`. The vendor's own defaults name no
    deployment: nothing is ever sent to the vendor.

    `client_id` and `unsafe_disable_known_root_ca_check` are accepted and ignored: there are no enclaves.

    Args:
        user_email: the user. A deployment behind an address uses the token's user instead.
        api_token: signs in there. On this machine any URL-safe base64 is accepted: read access to the home is enough.
        api_host, api_port, api_use_tls: the address of the deployment, and whether it uses https.
        request_timeout: seconds until a request counts as lost.

    Raises:
        binascii.Error: the token is not URL-safe base64.
        NobodyThere, TokenRefused: no deployment answers at the address, or it refuses this token.
        RegistryError: the database of this machine's deployment cannot be used.

    Example:
        >>> import datalab_dagster as dq
        >>> client = dq.create_client("me@publisher.example", "c2VjcmV0")  # doctest: +SKIP
    """
    del client_id, unsafe_disable_known_root_ca_check
    return Client(
        connect(
            user_email, api_token, host=api_host, port=api_port, use_tls=api_use_tls, request_timeout=request_timeout
        )
    )
