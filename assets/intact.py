"""The check `rows_intact`: what was stored is what was written. It is the only one that stops what lies downstream."""

from __future__ import annotations

import dagster as dg

from assets.partitions import lab_check
from datalab.deployment.addresses import Address
from datalab.errors import InputError
from datalab.storage.errors import EncryptedFileDamaged
from resources import LabRun

INTACT = "rows_intact"


def intact_check(asset: str) -> dg.AssetCheckSpec:
    """Return the check of an asset of rows."""
    return lab_check(
        INTACT, asset, "All parts are stored, and their hashes and counts are those recorded.", blocking=True
    )


def rows_intact(run: LabRun, asset: str, address: Address) -> dg.AssetCheckResult:
    """Read the stored rows of an asset again and compare them with what was recorded; a damage fails the run."""
    try:
        found = run.place.verify(address)
    except (EncryptedFileDamaged, InputError) as error:
        run.note_failure(f"{asset}:{INTACT}", str(error))
        return dg.AssetCheckResult(
            asset_key=asset, check_name=INTACT, passed=False, metadata={"datalab/reason": str(error)}
        )
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=INTACT,
        passed=True,
        metadata={"dagster/row_count": found.rows, "datalab/parts": found.parts},
    )
