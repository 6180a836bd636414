"""Passwords: how they are hashed and compared, and which are accepted. This module does not know users."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from datalab.registry.errors import UserRefused

SHORTEST, LONGEST = 12, 1024
FEWEST_GUESSES = 10**8
"""Fewest guesses that a password must need, as zxcvbn counts them: common passwords, names and words first, then
repetitions, sequences, rows of keys and dates (NIST SP 800-63B, section 5.1.1.2)."""
PRODUCT_WORDS = ("datalab", "dagster", "portal", "data", "lab")
_JUDGED = 72
"""Characters that zxcvbn judges; its effort grows faster than the length."""
_SHORTEST_WORD = 3
_one_at_a_time = threading.Lock()
"""zxcvbn keeps the words of the user in a variable of its module."""
_hasher = PasswordHasher()
_two_at_once = threading.Semaphore(2)
"""Every comparison uses 64 MiB: many logins at once must not use all memory."""


def hashed(password: str, email: str = "") -> str:
    """Return the Argon2id hash of a new password.

    Raises:
        UserRefused: it is too short, too long, easy to guess, or consists of the e-mail address or the product's name.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise UserRefused(f"a password has {SHORTEST} to {LONGEST} characters")
    words = {word for word in re.split(r"[^\w]|_", email.lower()) if len(word) >= _SHORTEST_WORD} | {*PRODUCT_WORDS}
    if not _is_hard(password, words):
        raise UserRefused(
            "the password is easy to guess: it is one of the common ones, repeats itself or follows a pattern. Choose "
            "another, such as four words that do not belong together"
        )
    if not _is_hard(_without(words, password), words):
        raise UserRefused(
            "the password is little more than the e-mail address or the name of the product. Choose another, such as "
            "four words that do not belong together"
        )
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


def _is_hard(password: str, words: Collection[str]) -> bool:
    from zxcvbn import zxcvbn  # its word lists take a moment, which only those pay who set a password

    with _one_at_a_time:
        guesses = zxcvbn(password[:_JUDGED], sorted(words))["guesses"]
    return bool(guesses >= FEWEST_GUESSES)


def _without(words: Collection[str], password: str) -> str:
    longest_first = sorted(words, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), "", password, flags=re.IGNORECASE)


@cache
def _dummy_hash() -> str:
    return _hasher.hash("password of no user")
