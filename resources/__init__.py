"""Dagster resources of the assets: run, place, engine, options, progress; no rule of the domain."""

from resources.engine import FindingThresholds, SqlEngine
from resources.places import place_of_run
from resources.preflight import PreflightRun
from resources.progress import LogProgress, Progress
from resources.results import ResultOptions
from resources.run import DeploymentRun, LabRun, deployment_run
from resources.settings import fixed

__all__ = [
    "DeploymentRun",
    "FindingThresholds",
    "LabRun",
    "LogProgress",
    "PreflightRun",
    "Progress",
    "ResultOptions",
    "SqlEngine",
    "deployment_run",
    "fixed",
    "place_of_run",
]
