"""What the modules of this package share: new ids, the time, and the form of an action on the wire."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any


def generate_id() -> str:
    """Return a new random id."""
    return str(uuid.uuid4())


def current_iso_standard_utc_time() -> str:
    """Return the time now in UTC, such as ``2026-11-28T17:05:18.123Z``."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def media_action(name: str, /, **content: Any) -> dict[str, Any]:
    """Return the action with `name`, for the state of a room or for a job.

    >>> media_action("setActivationId", activationId="maid")
    {'kind': 'media', 'setActivationId': {'activationId': 'maid'}}
    """
    return {"kind": "media", name: content}
