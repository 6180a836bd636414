"""Passwords: how they are hashed and compared, and which are accepted. This module does not know users."""

from __future__ import annotations

import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from datalab.registry.errors import UserRefused

SHORTEST, LONGEST = 12, 1024
_hasher = PasswordHasher()
_two_at_once = threading.Semaphore(2)
"""Every comparison uses 64 MiB: many logins at once must not use all memory."""


def hashed(password: str, email: str = "") -> str:
    """Return the Argon2id hash of a new password.

    Raises:
        UserRefused: it is too short, too long, or the e-mail address.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise UserRefused(f"a password has {SHORTEST} to {LONGEST} characters")
    if password.strip().lower() == email:
        raise UserRefused("the password must not be the e-mail address")
    with _two_at_once:
        return _hasher.hash(password)


def matches(password: str, known: str | None) -> bool:
    """Return whether `password` matches the hash; without a hash it takes the same time, so time reveals nothing."""
    with _two_at_once:
        try:
            _hasher.verify(known or _dummy_hash(), password[:LONGEST])
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False
    return known is not None


@cache
def _dummy_hash() -> str:
    return _hasher.hash("password of no user")
