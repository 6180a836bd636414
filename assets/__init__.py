"""The asset graph of a Data Lab: a module per layer, bodies of a few lines that call the domain."""

from assets import datasets, panels, results, validation
from assets.partitions import data_labs
from assets.uploads import uploaded_datasets

ALL_ASSETS = [*datasets.ASSETS, *validation.ASSETS, *panels.ASSETS, *results.ASSETS]

__all__ = ["ALL_ASSETS", "data_labs", "uploaded_datasets"]
