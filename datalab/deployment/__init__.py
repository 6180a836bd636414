"""One deployment: home directory, settings, datasets, keys and results together; independent of Dagster and the web."""

from datalab.deployment.datasets import StoredDatasets
from datalab.deployment.home import Deployment
from datalab.deployment.lab_folders import LabFolders

__all__ = [
    "Deployment",
    "LabFolders",
    "StoredDatasets",
]
