"""Dagster resources of the assets: run, engine, options, progress, and the IO managers; no rule of the domain."""

from resources.asset_names import REPORTS, STATUS, VALID_ROWS
from resources.engine import FindingThresholds, SqlEngine
from resources.guard import guarded, without_values
from resources.io_managers import AGGREGATES, DATASET, IO_MANAGERS, REPORT, ROWS, STATISTICS
from resources.lab_run import LabRun
from resources.preflight import PreflightRun
from resources.progress import LogProgress, Progress
from resources.results import ResultOptions
from resources.run import DeploymentRun, deployment_run
from resources.settings import fixed

__all__ = [
    "AGGREGATES",
    "DATASET",
    "IO_MANAGERS",
    "REPORT",
    "REPORTS",
    "ROWS",
    "STATISTICS",
    "STATUS",
    "VALID_ROWS",
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
    "guarded",
    "without_values",
]
