"""Dagster resources: thin, configured wrappers of what the assets need from outside; no rule of the domain."""

from resources.engine import FindingThresholds, SqlEngine
from resources.preflight import PreflightWorkspace
from resources.progress import LogProgress, Progress
from resources.workspace import DeploymentWorkspace, LabWorkspace

__all__ = [
    "DeploymentWorkspace",
    "FindingThresholds",
    "LabWorkspace",
    "LogProgress",
    "PreflightWorkspace",
    "Progress",
    "SqlEngine",
]
