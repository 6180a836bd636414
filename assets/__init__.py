"""The asset graph of a Data Lab: a module per layer, bodies of a few lines that call the domain."""

from assets import datasets, panels, results, validation
from assets.partitions import data_labs
from assets.uploads import uploaded_datasets

DATASETS = datasets.ASSETS
"""What people provide."""
COMPUTED = [*validation.ASSETS, *panels.ASSETS, *results.ASSETS]
"""What runs compute from it."""
ALL_ASSETS = [*DATASETS, *COMPUTED]

__all__ = ["ALL_ASSETS", "COMPUTED", "DATASETS", "data_labs", "uploaded_datasets"]
