"""The names of stored files below the folder of a lab, and what encrypted ones are bound to.

validated/<kind>-<manifest hash>-<version>/    one complete set of files, or none
    _complete.json                             written last: the files of the set, each with its SHA-256
    <set>/rows/part-00000.parquet              encrypted, as all Parquet and the report
    <set>/invalid/part-00000.parquet
    <set>/report.bin, summary.json
computed/<combination>/users-<version>/        such a set as well, of users
computed/<combination>/panels/<name>-<version>.json
results/<run>/<name>

A set has a random name, so an object is never overwritten, and an older one cannot be put in its place: encrypted files
are bound to it. Versions before 0.2 had one file of each name and no set; their files are read as before.
"""

from __future__ import annotations

from datalab.deployment.addresses import INVALID_ROWS, REPORT, ROWS, SUMMARY, Address, Layer, combination
from datalab.deployment.folders import one_name
from datalab.deployment.versions import FIRST, is_first

_FOLDERS = {ROWS: "rows", INVALID_ROWS: "invalid"}
_FILES = {REPORT: "report.bin", SUMMARY: "summary.json"}


def is_of_set(address: Address) -> bool:
    """Return whether a file is one of a set."""
    return address.layer is Layer.VALIDATED or address.is_rows


def folder(address: Address) -> str:
    """Return the folder of the set that a file belongs to."""
    if address.layer is Layer.VALIDATED:
        return f"{address.layer}/{_made_from(address)}-{one_name(address.version)}"
    return f"{address.layer}/{_made_from(address)}/{one_name(address.name)}-{one_name(address.version)}"


def folders(address: Address) -> list[str]:
    """Return the names of the folders of a validated dataset: of this version, of earlier ones, without a version."""
    made_from = _made_from(address)
    return [*(f"{made_from}-{earlier.version}" for earlier in address.earlier), made_from]


def in_set(address: Address, part: int = 0) -> str:
    """Return the name of a document, or of a part of rows, in its set."""
    if address.is_rows:
        file = f"part-{part:05d}.parquet"
        return f"{_FOLDERS[address.name]}/{file}" if address.name in _FOLDERS else file
    return _FILES.get(one_name(address.name)) or f"{address.name}.bin"


def document(address: Address) -> str:
    """Return the name of a document that belongs to no set."""
    name = one_name(address.name)
    if address.layer is Layer.RESULTS:
        return f"{address.layer}/{_made_from(address)}/{name}"
    return f"{address.layer}/{_made_from(address)}/panels/{name}-{one_name(address.version)}.json"


def context(lab: str, address: Address, written: str) -> str:
    """Return what an encrypted file is bound to; `written`: the name of its set."""
    return "/".join((lab, folder(address), written, in_set(address)))


def unversioned(address: Address) -> str | None:
    """Return the name of a file before 0.2; None: a file of this version is not the same."""
    name, made_from = one_name(address.name), _made_from(address)
    if address.version != FIRST if address.layer is Layer.VALIDATED else not is_first(address.name):
        return None
    if address.is_rows:
        return f"{address.layer}/{made_from}/{name}.parquet"
    if address.layer is Layer.VALIDATED:
        return f"{address.layer}/{made_from}/{_FILES.get(name) or f'{name}.bin'}"
    return f"{address.layer}/{made_from}/panels/{name}.json"


def unversioned_context(lab: str, address: Address) -> str:
    """Return what an encrypted file before 0.2 is bound to."""
    made_from = _made_from(address)
    if address.layer is Layer.VALIDATED:
        made_from = "/".join((address.dataset[0], one_name(address.dataset[1])))
    return "/".join((lab, made_from, address.name))


def _made_from(address: Address) -> str:
    match address.layer:
        case Layer.VALIDATED:
            kind, manifest_hash = address.dataset
            return f"{kind.value}-{one_name(manifest_hash)}"
        case Layer.COMPUTED:
            return combination(address.datasets)
        case Layer.RESULTS:
            return one_name(address.run_id)
