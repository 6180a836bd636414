"""The owner of a deployment without users: known by the secret of this start, not by where a request comes from.

The secret comes in the address that `datalab up` prints, or as a bearer token. A browser then gets a cookie that proves
it without holding it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from datetime import timedelta

_PREFIX = "owner"
"""Secrets of users' sessions have no dot, so that a cookie is either of the two."""


class Owner:
    """Checks the secret of a start, and the cookies that stand for it.

    Args:
        secret: of this start; None: there is no owner.

    >>> owner = Owner("s3cret")
    >>> owner.is_secret("s3cret"), owner.is_secret("S3cret"), Owner(None).is_secret("")
    (True, False, False)
    >>> cookie = owner.cookie(timedelta(hours=1))
    >>> "s3cret" in cookie, owner.is_cookie(cookie), Owner("other").is_cookie(cookie)
    (False, True, False)
    """

    def __init__(self, secret: str | None) -> None:
        self._secret = (secret or secrets.token_urlsafe(32)).encode()

    def is_secret(self, token: str) -> bool:
        """Return whether `token` is the secret of this start."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self._secret)

    def cookie(self, lifetime: timedelta) -> str:
        """Return the value of a new cookie that is valid for `lifetime`, and not beyond this start."""
        facts = f"{_PREFIX}.{int(time.time() + lifetime.total_seconds())}.{secrets.token_urlsafe(16)}"
        return f"{facts}.{self._proof(facts)}"

    def is_cookie(self, value: str) -> bool:
        """Return whether `value` is a cookie of this start whose time has not ended."""
        facts, _, proof = value.rpartition(".")
        if not hmac.compare_digest(proof.encode("utf-8", "replace"), self._proof(facts).encode()):
            return False
        prefix, ends, _ = facts.split(".")
        return prefix == _PREFIX and time.time() < int(ends)

    def _proof(self, facts: str) -> str:
        key = self._secret
        return hmac.new(key, b"datalab owner 1 " + facts.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
