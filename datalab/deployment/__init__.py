"""One deployment: home directory, settings, datasets, keys and results as one thing; it knows no Dagster and no web."""

from datalab.deployment.datasets import StoredDatasets
from datalab.deployment.files import LabFiles, combination
from datalab.deployment.home import Deployment
from datalab.deployment.run import LabRun, lab_run
from datalab.deployment.settings import DropZone, FailureHooks, Settings, load_settings

__all__ = [
    "Deployment",
    "DropZone",
    "FailureHooks",
    "LabFiles",
    "LabRun",
    "Settings",
    "StoredDatasets",
    "combination",
    "lab_run",
    "load_settings",
]
