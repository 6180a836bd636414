"""Why the hints of a result's datasets may not be shown."""

from __future__ import annotations

from datalab_dagster.service import KeyAccessDenied, LabNotYours, RoleRefused
from datalab_dagster.service.errors import NotPermitted, ResultNotFound

NOT_SHOWN = (ResultNotFound, NotPermitted, RoleRefused, LabNotYours, KeyAccessDenied)
"""Why hints are left out: the report was deleted, or the user may not read it."""
