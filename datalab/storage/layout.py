"""The paths in a store; names and descriptions of datasets are never part of a path.

datasets/<manifest hash>                         the manifest: a dataset exists if and only if this object does
uploads/<upload id>/<number>-<SHA-256>           a chunk
uploads/<upload id>/manifest-<manifest hash>     the manifest before it was published
uploads/<upload id>/begun                        empty; when the upload was last started or resumed
"""

from __future__ import annotations

DATASETS = "datasets"
UPLOADS = "uploads"
MANIFEST_PREFIX = "manifest-"
BEGUN = "begun"
PARALLEL = 4


def dataset_path(manifest_hash: str) -> str:
    return f"{DATASETS}/{manifest_hash}"


def upload_directory(upload_id: str) -> str:
    return f"{UPLOADS}/{upload_id}"
