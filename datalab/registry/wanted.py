"""Which part of a list is wanted: filters, order, and the entries of one page. `lists` and `history` read it."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from datalab.kinds import DatasetKind
from datalab.registry.records import RunState, Verdict
from datalab.registry.state import LabState

PAGE_ENTRIES, MOST_PAGE_ENTRIES = 20, 100
"""How many entries of a list are on a page, and can be at most."""


class ListQuery(BaseModel):
    """A page of a list. `sort` is a column; with a minus before it, the largest is first."""

    model_config = ConfigDict(frozen=True)

    text: Annotated[str, Field(max_length=200, description="Only entries with this text")] = ""
    sort: str = "-created"
    first: Annotated[int, Field(ge=0, le=2**53, description="How many entries come before")] = 0
    count: Annotated[int, Field(ge=1, le=MOST_PAGE_ENTRIES)] = PAGE_ENTRIES

    @classmethod
    def columns(cls) -> list[str]:
        """Return the columns that the list can be sorted by."""
        return [name for name in get_args(cls.model_fields["sort"].annotation) if not name.startswith("-")]

    @property
    def column(self) -> str:
        """The column that the list is sorted by."""
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the largest is first."""
        return self.sort.startswith("-")


class DatasetQuery(ListQuery):
    """Stored datasets; `text` is in the name, or begins the manifest hash."""

    sort: Literal[
        "created", "-created", "name", "-name", "kind", "-kind", "size", "-size", "rows", "-rows", "uses", "-uses"
    ] = "-created"
    kind: Annotated[DatasetKind | None, Field(description="Only datasets that look like this kind")] = None
    unsure: Annotated[bool, Field(description="With kind: also those that may be of this kind")] = False
    use: Annotated[Literal["used", "unused"] | None, Field(description="Whether a lab uses them")] = None
    usable: Annotated[bool, Field(description="Only datasets that you may provision")] = False
    besides: Annotated[str, Field(pattern="^[0-9a-f]{0,64}$", description="A manifest hash that is not listed")] = ""


class LabQuery(ListQuery):
    """Labs; `text` is in the name or the id."""

    sort: Literal["created", "-created", "name", "-name", "state", "-state", "refreshed", "-refreshed"] = "-created"
    state: Annotated[LabState | None, Field(description="Only labs in this state")] = None


class HistoryQuery(ListQuery):
    """Provisioning events and runs of a lab; `text` is in the name of a dataset, the user, the cause or the run id."""

    sort: Literal["created", "-created"] = "-created"
    what: Annotated[Literal["event", "run"] | None, Field(description="Only events, or only runs")] = None
    kind: Annotated[DatasetKind | None, Field(description="Only events of this slot, and runs that read it")] = None
    state: Annotated[RunState | None, Field(description="Only runs in this state")] = None


class ResultQuery(ListQuery):
    """Results of a lab that are kept; by default the current one is the first. `text` is in the id of the run."""

    sort: Literal["created", "-created", "status", "-status"] = "-created"
    status: Annotated[Verdict | None, Field(description="Only results with this verdict")] = None
