"""What is wrong with the files of datasets, from the facts recognised in them; codes of causes, no words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from datalab.ingest.recognise import Form
from datalab.kinds import KINDS, DatasetKind
from datalab.lab import LabDefinition
from datalab.results.validation import Hint
from datalab.statistics.cause import ARRAYS, WIDE, Evidence


def file_problems(facts: Mapping[str, Any] | None, slot: DatasetKind) -> tuple[str, ...]:
    """Return the codes of what is wrong with a file for a slot; validation may read it without an error.

    Args:
        facts: JSON of `FileFacts`, also of another version; None: nothing is known.
        slot: a form of rows counts only where the file certainly has this kind.

    >>> file_problems({"kind": "segments", "form": "ARRAYS", "encodingIsGuessed": True}, DatasetKind.SEGMENTS)
    ('arrays-of-segments', 'GUESSED_ENCODING')
    """
    known = facts or {}
    form = known.get("form") if known.get("kind") == slot else None
    of_arrays = "ARRAY_IN_CELL" if KINDS[slot].numbered else ARRAYS
    of_form = {Form.WIDE.value: WIDE, Form.ARRAYS.value: of_arrays}.get(form or "")
    found = {
        of_form: of_form is not None,
        "POSSIBLE_HEADER_ROW": bool(known.get("headers")),
        "GUESSED_ENCODING": bool(known.get("encodingIsGuessed")),
    }
    return tuple(code for code, holds in found.items() if code and holds)


def evidence_of(
    lab: LabDefinition,
    facts: Mapping[DatasetKind, Mapping[str, Any] | None],
    hints: Mapping[DatasetKind, Iterable[Hint]],
) -> Evidence:
    """Return what facts and hints say of the datasets of a lab.

    Args:
        lab: its definition.
        facts: of the file in each slot, see `file_problems`.
        hints: of each dataset.
    """
    kinds = {slot: (known or {}).get("kind") for slot, known in facts.items()}
    return Evidence(
        id_formats=lab.id_formats,
        hints={kind: {hint.code: hint.rows for hint in found} for kind, found in hints.items()},
        looks_like={slot: DatasetKind(kind) for slot, kind in kinds.items() if kind in set(DatasetKind) - {slot}},
        file_problems={slot: file_problems(known, slot) for slot, known in facts.items()},
    )
