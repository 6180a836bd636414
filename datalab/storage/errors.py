"""What can go wrong with stored data and its keys; no message holds a key, a name from inside a file or a value.

StorageError
├── DatasetNotFound        no dataset has this manifest hash
├── ManifestDamaged        the manifest is not the one that its hash names
├── ChunkDamaged           one chunk is missing or was changed; says which
├── EncryptedFileDamaged   a file cannot be decrypted with this key and context
├── KeyMismatch            the data is whole, the key is wrong
├── StoreUnreachable       the store cannot be read or written
├── UploadInterrupted      an upload stopped; says how to continue
├── PartMissing            an upload in parts is not complete; says which are missing
├── PartsDiffer            its parts are not those of the file that the sender has
├── PartUnknown            it has no part of this number
├── PartSizeWrong          a part has a wrong length for its number
├── KeyInvalid             a given key is invalid
├── KeyFileExposed         others may read the master key
├── MasterKeyMissing       a data key was wrapped with a master key that is not available
└── RotationUnfinished     some data keys still need the old master key
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from datalab.errors import DatalabError
from datalab.formats import counted


class StorageError(DatalabError):
    """Root of the errors of this room."""


class DatasetNotFound(StorageError):
    def __init__(self, manifest_hash: str) -> None:
        self.manifest_hash = manifest_hash
        super().__init__(
            f"No dataset {_short(manifest_hash)} is in the store: it was deleted or never finished. "
            "Nothing was changed; list the datasets to see the existing ones."
        )


class ManifestDamaged(StorageError):
    def __init__(self, manifest_hash: str, reason: str) -> None:
        self.manifest_hash = manifest_hash
        super().__init__(
            f"The manifest of dataset {_short(manifest_hash)} {reason}. None of its data was used; "
            "restore the store from a backup or upload the file again."
        )


class ChunkDamaged(StorageError):
    """One chunk cannot be used; `number` counts from 0."""

    def __init__(self, manifest_hash: str, number: int, count: int, reason: str) -> None:
        self.manifest_hash = manifest_hash
        self.number = number
        super().__init__(
            f"Chunk {number} (of {count}, counted from 0) of dataset {_short(manifest_hash)} {reason}. Its data was "
            "not used, the other chunks are unchanged; restore this chunk from a backup or upload the file again."
        )


class EncryptedFileDamaged(StorageError):
    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(
            f"Encrypted file cannot be decrypted: {os.fspath(path)}. It was changed or truncated, or has another "
            "key or place. None of its data was used; run the lab again to create it."
        )


class KeyMismatch(StorageError):
    def __init__(self, what: str) -> None:
        super().__init__(
            f"The key does not fit {what}. The data is whole and unchanged; use the key it was stored with."
        )


class StoreUnreachable(StorageError):
    def __init__(self, where: str, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"The store {where} cannot be used ({reason}). Its content is unchanged; "
            "check address, permissions and free space, then try again."
        )


class UploadInterrupted(StorageError):
    """An upload stopped; repeating the same call continues it, unless its source can be read only once.

    `upload_id` is its id in the store and the audit log.
    """

    def __init__(self, upload_id: str, chunks: int, reason: str, *, resumable: bool = True) -> None:
        self.upload_id = upload_id
        self.chunks = chunks
        next_step = (
            "What is stored is kept; remove the cause, then upload the same file under the same name again: the upload "
            "continues from there."
            if resumable
            else "Its source can be read only once; remove the cause, then upload it again from its start."
        )
        super().__init__(f"The upload stopped after {counted(chunks, 'chunk')} ({reason}). {next_step}")


class PartMissing(StorageError):
    """Parts of an upload are missing; `numbers` holds the first thousand."""

    def __init__(self, upload_id: str, numbers: list[int], count: int) -> None:
        self.numbers = numbers[:1000]
        super().__init__(f"Upload {upload_id} lacks {len(numbers)} of {count} parts. The stored parts are kept.")


class PartsDiffer(StorageError):
    def __init__(self, upload_id: str) -> None:
        super().__init__(
            f"Upload {upload_id} was not completed: its parts are not those of the file that was sent. Another file of "
            "the same name and size was sent at the same time, or the file changed. Upload it again."
        )


class PartUnknown(StorageError):
    def __init__(self, number: int, count: int) -> None:
        super().__init__(f"There is no part {number}: the upload has {count}, counted from 0. Nothing was stored.")


class PartSizeWrong(StorageError):
    def __init__(self, number: int, size: int, expected: int) -> None:
        super().__init__(f"Part {number} has {size} bytes instead of {expected}. It was not stored.")


class KeyInvalid(StorageError):
    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where} {reason}. Nothing was encrypted or decrypted.")


class KeyFileExposed(StorageError):
    def __init__(self, path: str | os.PathLike[str], mode: int) -> None:
        super().__init__(
            f"The master key {os.fspath(path)} can be read by others (mode {mode:04o}), so it is not used. "
            f"Run: chmod 600 {os.fspath(path)}; if others had access, rotate the master key."
        )


class MasterKeyMissing(StorageError):
    def __init__(self, wanted: str, known: Sequence[str]) -> None:
        super().__init__(
            f"A data key was wrapped with master key {wanted}, which is not among those available "
            f"({', '.join(known) or 'none'}). The data is unchanged; restore that master key."
        )


class RotationUnfinished(StorageError):
    def __init__(self, left: int) -> None:
        super().__init__(
            f"{counted(left, 'data key')} could not be wrapped again, so the old master key was kept. "
            "Everything can still be read; rotate again to finish."
        )


def _short(manifest_hash: str) -> str:
    return manifest_hash[:64]
