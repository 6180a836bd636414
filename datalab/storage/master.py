"""Where the master key is kept: in the environment, or in a file that only its owner may read."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from datalab.errors import OutputFailed
from datalab.locks import locked
from datalab.scratch import PART, why
from datalab.storage.errors import KeyFileExposed, MasterKeyMissing, RotationUnfinished
from datalab.storage.files import make_private, private_file
from datalab.storage.keys import Key, Keyring, KeyService, MasterKeys, WrappedKey, rewrap

FILE_NAME = "master.key"


def master_keys(home: Path, text: str = "") -> KeyService:
    """Return the master key in `text`; if it is empty, the one of `master.key` in `home`.

    Args:
        home: the home directory.
        text: the value of `DATALAB_MASTER_KEY`: base64url of 32 bytes; during a rotation several, separated by
            commas, the new one first.

    Raises:
        KeyInvalid: `text` holds something else.
    """
    if text.strip():
        return MasterKeys([Key.from_text(part, "The variable DATALAB_MASTER_KEY") for part in text.split(",")])
    return MasterKeyFile(home / FILE_NAME)


class MasterKeyFile:
    """A file of master keys, a line each, the current one first; made with mode 0600 on first use.

    It is read at every use, so that running processes notice a rotation.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def current(self) -> str:
        return self._load().current

    def wrap(self, key: Key, context: str) -> WrappedKey:
        return self._load().wrap(key, context)

    def unwrap(self, wrapped: WrappedKey, context: str) -> Key:
        if not self.path.exists():
            raise MasterKeyMissing(wrapped.master_id, [])
        return self._load().unwrap(wrapped, context)

    def rotate(self, keyring: Keyring) -> int:
        """Make a new master key, wrap every data key with it and drop the old one.

        After a crash at any point everything can be read, and the next call finishes this rotation. Two calls at
        once wait for each other.

        Returns:
            How many data keys were wrapped again.

        Raises:
            RotationUnfinished: some keys still need the old master key, which is kept.
            MasterKeyMissing, KeyMismatch: a key cannot be unwrapped; the old master key is kept.
            OutputFailed: the key file cannot be written.
        """
        with self._alone():
            for leftover in self.path.parent.glob(f".{self.path.name}.*{PART}"):  # left by a crash
                leftover.unlink(missing_ok=True)
            keys = self._load().keys
            if len(keys) == 1:
                keys = [Key(), *keys]
                self._save(keys)
            service = MasterKeys(keys)
            count = rewrap(keyring, service)
            left = sum(wrapped.master_id != service.current for _, wrapped in keyring.wrapped_keys())
            if left:
                raise RotationUnfinished(left)
            self._save(keys[:1])
        return count

    def _load(self) -> MasterKeys:
        try:
            if not self.path.exists():
                self._make()
            with self.path.open("rb") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                if mode & 0o077:
                    raise KeyFileExposed(self.path, mode)
                lines = file.read().decode("ascii", "replace").split()
        except OSError as error:
            raise OutputFailed(self.path, why(error)) from None
        return MasterKeys([Key.from_text(line, f"The master key file {self.path}") for line in lines])

    def _make(self) -> None:
        """Write a first key; if another process does so at the same time, only one of the two keys is kept."""
        make_private(self.path.parent)
        with private_file(self.path) as (file, part):
            file.write(_text([Key()]))
            file.flush()
            os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                os.link(part, self.path)

    def _save(self, keys: Sequence[Key]) -> None:
        try:
            with private_file(self.path) as (file, part):
                file.write(_text(keys))
                file.flush()
                os.fsync(file.fileno())
                part.replace(self.path)
        except OSError as error:
            raise OutputFailed(self.path, why(error)) from None

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self._load()  # makes the directory
        with locked(self.path.with_suffix(".lock")):
            yield


def _text(keys: Sequence[Key]) -> bytes:
    return "".join(f"{key.to_text()}\n" for key in keys).encode()
