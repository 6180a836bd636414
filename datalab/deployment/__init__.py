"""One deployment: home directory, settings, datasets, keys and results as one thing; it knows no Dagster and no web."""

from datalab.deployment.datasets import StoredDatasets
from datalab.deployment.files import LabFiles, combination
from datalab.deployment.home import Deployment
from datalab.deployment.run import LabRun, lab_run

__all__ = [
    "Deployment",
    "LabFiles",
    "LabRun",
    "StoredDatasets",
    "combination",
    "lab_run",
]
