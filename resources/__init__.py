"""Dagster resources: thin, configured wrappers of what the assets need from outside; no rule of the domain."""

from resources.progress import LogProgress, Progress
from resources.workspace import LabWorkspace, PreflightWorkspace

__all__ = ["LabWorkspace", "LogProgress", "PreflightWorkspace", "Progress"]
