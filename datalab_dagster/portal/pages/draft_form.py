"""Reads the forms of the wizard into the draft of a lab; `draft` has the rules."""

from __future__ import annotations

from typing import Any, Protocol

from datalab.collaboration import CollaborationType
from datalab.id_types import IdType
from datalab.kinds import KINDS, OPTIONAL
from datalab_dagster.portal.pages.draft import (
    IDENTIFIERS_STEP,
    MAX_IDENTIFIERS,
    SCHEMA_STEP,
    TYPES_STEP,
    Draft,
    DraftIdentifier,
)


class Form(Protocol):
    """The fields of a submitted form."""

    def get(self, key: str, /) -> Any: ...

    def getlist(self, key: str, /) -> list[Any]: ...


def with_form(draft: Draft, step: int, form: Form) -> Draft:
    """Return the draft with the values of a step's form; other steps do not change."""
    if step == TYPES_STEP:
        chosen = set(map(str, form.getlist("type")))
        datasets = set(map(str, form.getlist("dataset")))
        return draft.model_copy(
            update={
                "collaboration_types": [
                    kind for kind in CollaborationType if kind.is_always_on or kind.value in chosen
                ],
                "datasets": [kind for kind in OPTIONAL if kind.value in datasets],
                "counts": {
                    kind: _whole_number(form.get(numbered.count))
                    for kind, declared in KINDS.items()
                    if (numbered := declared.numbered)
                },
            }
        )
    if step == IDENTIFIERS_STEP:
        return draft.model_copy(update={"identifiers": _identifiers(form)})
    if step == SCHEMA_STEP:
        return draft.model_copy(update={"num_columns": _whole_number(form.get("num_columns"))})
    return draft.model_copy(
        update={
            "name": str(form.get("name") or "").strip(),
            "share_statistics": form.get("share_statistics") == "yes",
            "drop_invalid_rows": form.get("drop_invalid_rows") == "yes",
        }
    )


def _identifiers(form: Form) -> list[DraftIdentifier]:
    """Return the rows of the identifiers table, except those without a name."""
    rows = []
    for at in range(MAX_IDENTIFIERS + 1):
        name = form.get(f"id_name_{at}")
        if name is None:
            break
        chosen = str(form.get(f"id_type_{at}"))
        rows.append(
            DraftIdentifier(
                id_name=str(name),
                id_type=IdType(chosen) if chosen in set(IdType) else IdType.STRING,
                is_matching_id=form.get(f"matching_{at}") == "yes",
                is_activation_id=form.get(f"activation_{at}") == "yes",
            )
        )
    return rows


def _whole_number(text: Any) -> int:
    given = str(text or "").strip()
    return int(given) if given.isascii() and given.isdigit() and len(given) < 7 else 0
