"""Keys: the 32 bytes that encrypt data, and how a master key wraps them; `master` finds the master key."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from datalab.storage.errors import KeyInvalid, KeyMismatch, MasterKeyMissing, RotationUnfinished

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16

_PASSES = 5


class Key:
    """32 bytes that encrypt; random unless given. Neither printed nor pickled, so that no log contains it.

    Attributes:
        material: the bytes.

    Raises:
        KeyInvalid: `material` is not 32 bytes long.

    >>> Key()
    Key(…)
    """

    __slots__ = ("material",)

    def __init__(self, material: bytes | None = None) -> None:
        if material is not None and len(material) != KEY_BYTES:
            raise KeyInvalid("The key", "has an invalid length, must be 32 bytes")
        self.material = os.urandom(KEY_BYTES) if material is None else bytes(material)

    def derive(self, purpose: str, salt: bytes) -> Key:
        """Return the key for one purpose and one salt, so that no two uses share nonces or can be exchanged."""
        info = b"datalab/1/" + purpose.encode()
        return Key(HKDF(SHA256(), KEY_BYTES, salt, info).derive(self.material))

    def seal(self, data: bytes, bound: bytes) -> bytes:
        """Return `data` encrypted under a random nonce; the same `bound` is needed to open it."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self.material).encrypt(nonce, data, bound)

    def unseal(self, sealed: bytes, bound: bytes) -> bytes | None:
        """Return what was sealed, or None if the key or `bound` is different or a bit was changed."""
        if len(sealed) < NONCE_BYTES + TAG_BYTES:
            return None
        try:
            return AESGCM(self.material).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
        except InvalidTag:
            return None

    def to_text(self) -> str:
        """Return the key as base64url, for a key file."""
        return base64.urlsafe_b64encode(self.material).decode()

    @classmethod
    def from_text(cls, text: str, where: str) -> Self:
        """Return the key of a base64url text; padding may be missing.

        Raises:
            KeyInvalid: the text is not a key; says `where` it was found, without the text.
        """
        return cls(_decode(text.strip(), where, KEY_BYTES))

    def __repr__(self) -> str:
        return "Key(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and hmac.compare_digest(self.material, other.material)

    def __hash__(self) -> int:
        return hash(self.material)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is never pickled")


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key, encrypted with a master key; safe to store.

    Attributes:
        master_id: id of the master key that opens it.
        sealed: nonce, encrypted key and tag; or the bytes that a key service returns.
    """

    master_id: str
    sealed: bytes

    def to_text(self) -> str:
        """Return `1.master id.base64url`, for a text column."""
        return f"1.{self.master_id}.{base64.urlsafe_b64encode(self.sealed).decode()}"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the wrapped key of a text.

        Raises:
            KeyInvalid: it is not a wrapped key, or of a later version.
        """
        version, _, rest = text.partition(".")
        master_id, dot, sealed = rest.partition(".")
        if version != "1" or not master_id or not dot:
            raise KeyInvalid("The wrapped key", "has an unknown form")
        return cls(master_id, _decode(sealed, "The wrapped key", None))


class KeyService(Protocol):
    """Wraps data keys; an adapter to a cloud's key service implements it."""

    @property
    def current(self) -> str:
        """The id of the current master key, which wraps keys."""

    def wrap(self, key: Key, context: str) -> WrappedKey:
        """Encrypt `key`; `context` says what it belongs to and is needed to unwrap it."""

    def unwrap(self, wrapped: WrappedKey, context: str) -> Key:
        """Decrypt a key, also one that an earlier master key wrapped.

        Raises:
            MasterKeyMissing: its master key is not available.
            KeyMismatch: it was changed, or wrapped for another `context`.
        """


class MasterKeys:
    """Master keys held in memory: the first one wraps, all of them unwrap."""

    def __init__(self, keys: Sequence[Key]) -> None:
        if not keys:
            raise KeyInvalid("The master key", "is empty")
        self.keys = list(keys)
        self._by_id = {master_id(key): key for key in reversed(keys)}
        self.current = master_id(keys[0])

    def wrap(self, key: Key, context: str) -> WrappedKey:
        wrapping = self._by_id[self.current].derive("wrap", b"")
        return WrappedKey(self.current, wrapping.seal(key.material, _bound(self.current, context)))

    def unwrap(self, wrapped: WrappedKey, context: str) -> Key:
        if wrapped.master_id not in self._by_id:
            raise MasterKeyMissing(wrapped.master_id, list(self._by_id))
        wrapping = self._by_id[wrapped.master_id].derive("wrap", b"")
        material = wrapping.unseal(wrapped.sealed, _bound(wrapped.master_id, context))
        if material is None:
            raise KeyMismatch("a wrapped data key: it was changed, or belongs to another dataset")
        return Key(material)


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """A data key before and after its master key changed."""

    context: str
    before: WrappedKey
    after: WrappedKey


class Keyring(Protocol):
    """Keeps wrapped data keys; the registry is one."""

    def wrapped_keys(self) -> Iterable[tuple[str, WrappedKey]]:
        """Return every wrapped key with its context."""

    def replace(self, changes: Sequence[Rewrapped]) -> None:
        """Replace each `before` by its `after`; skip keys that were changed or deleted in the meantime."""


def rewrap(keyring: Keyring, service: KeyService) -> int:
    """Wrap every data key with the current master key; safe to repeat after a crash. Data is not touched.

    Returns:
        How many keys were wrapped again.

    Raises:
        RotationUnfinished: keys of another master key appear again and again.
        MasterKeyMissing, KeyMismatch: a key cannot be unwrapped; none of its pass was changed.
    """
    done = 0
    for _ in range(_PASSES):
        stale = [(context, key) for context, key in keyring.wrapped_keys() if key.master_id != service.current]
        if not stale:
            return done
        changes = [Rewrapped(what, old, service.wrap(service.unwrap(old, what), what)) for what, old in stale]
        keyring.replace(changes)
        done += len(changes)
    left = sum(key.master_id != service.current for _, key in keyring.wrapped_keys())
    if left:
        raise RotationUnfinished(left)
    return done


def master_id(key: Key) -> str:
    """Return the public name of a master key: 16 hex digits derived from it, the same in every place."""
    return key.derive("id", b"").material[:8].hex()


def _bound(master: str, context: str) -> bytes:
    return f"datalab wrapped key 1\0{master}\0{context}".encode()


def _decode(text: str, where: str, length: int | None) -> bytes:
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise KeyInvalid(where, "is not base64url") from None
    if length is not None and len(data) != length:
        raise KeyInvalid(where, f"has an invalid length, must be {length} bytes")
    return data
