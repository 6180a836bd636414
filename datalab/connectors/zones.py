"""What a drop zone takes: the newest data that is complete; and what its operator must know about what it leaves.

Only addresses and fingerprints count here; `datalab.connectors.joined` reads files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from datalab.connectors.parts import FileGroup, groups_of, has_valid_name, is_data, key_of, shown
from datalab.connectors.protocol import Entry, EntryChanged
from datalab.errors import UsageError
from datalab.formats import counted, number
from datalab.ingest.limits import ZIP_MEMBERS

_NAMED = 5
"""How many files a message names."""
_COMPARED = 1_000
"""How many groups, the newest ones, are compared with what was taken before."""

Parts = Mapping[str, str]
"""Address → fingerprint."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a zone takes now, and what to say about what it leaves."""

    group: FileGroup | None
    messages: tuple[str, ...]
    newest_taken: FileGroup | None = None
    """The newest data, if it was taken before."""


def choose(
    listed: Iterable[Entry],
    before: Parts,
    *,
    taken: Callable[[Collection[str]], Collection[str]],
    earlier: Mapping[str, Parts],
    refusal: Callable[[Entry], UsageError | None],
    given_up: Collection[str] = (),
) -> Choice:
    """Choose what a drop zone takes.

    Args:
        listed: the files of the zone now.
        before: the listing before; a group is complete if its files were the same then.
        taken: returns which of these fingerprints the lab has taken.
        earlier: pattern of a group → its parts when it was last taken.
        refusal: returns why a file cannot be opened; None: it can. Raises `EntryChanged`: not yet.
        given_up: the fingerprints whose runs failed too often.
    """
    files = list(listed)
    unnamed = [entry for entry in files if is_data(entry.name) and not has_valid_name(entry)]
    messages = [f"{_names(unnamed)} not taken: a name is not UTF-8. Rename the file."] if unnamed else []
    groups = groups_of(entry for entry in files if has_valid_name(entry))
    gone = {key_of(url) for url in before.keys() - {entry.url for entry in files}}
    settled = [group for group in groups if _is_settled(group, before, gone)]
    newest = sorted(settled, key=lambda group: group.age, reverse=True)[:_COMPARED]
    known = set(taken([group.fingerprint for group in newest]))
    chosen: FileGroup | None = None
    last: FileGroup | None = None
    for position, group in enumerate(newest):
        if group.fingerprint in known:
            last = group
        elif _is_rest(group, earlier.get(group.pattern, {})):
            messages.append(
                f"Parts of {group.title} were removed after they were taken. The lab keeps the dataset of all parts; "
                "to take only what is left, copy it there again."
            )
        else:
            try:
                if reason := _reason(group, refusal, given_up):
                    messages.append(f"{group.title}: not taken. {reason}")
                    continue
            except EntryChanged:
                break
            chosen = group
        messages += _left(group, [other for other in newest[position + 1 :] if other.fingerprint not in known])
        break
    return Choice(chosen, tuple(messages), last)


def _is_settled(group: FileGroup, before: Parts, gone: Collection[str]) -> bool:
    same = all(before.get(entry.url) == entry.fingerprint for entry in group.entries)
    return same and key_of(group.entries[0].url) not in gone


def _is_rest(group: FileGroup, earlier: Parts) -> bool:
    """Return whether nothing but the absence of parts distinguishes a group from what was taken."""
    now = {entry.url: entry.fingerprint for entry in group.entries}
    return now.items() < earlier.items()


def _reason(group: FileGroup, refusal: Callable[[Entry], UsageError | None], given_up: Collection[str]) -> str | None:
    """Return why a group cannot be taken; None: it can."""
    if not group.with_content:
        return "It is empty." if len(group.entries) == 1 else "All parts are empty."
    if group.missing:
        there = len(group.entries)
        return f"{number(there)} of {number(there + group.missing)} parts are there; it is taken when all are."
    if len(group.with_content) > ZIP_MEMBERS:
        return f"A dataset has at most {counted(ZIP_MEMBERS, 'part')}."
    if group.fingerprint in given_up:
        return "Every attempt failed; the log of the runs says why. Put it there again to try once more."
    for entry in group.with_content:
        if error := refusal(entry):
            return f"{shown(entry.name)} cannot be opened. {error}"
    return None


def _left(newest: FileGroup, others: list[FileGroup]) -> Iterator[str]:
    with_content = [entry for group in others for entry in group.with_content]
    if with_content:
        yield (
            f"Several files match; they are versions, and the newest counts: {newest.title}. "
            f"{_names(with_content)} not taken."
        )


def _names(entries: list[Entry]) -> str:
    """Return the names of files as the subject of a sentence."""
    named = ", ".join(shown(entry.name) for entry in entries[:_NAMED])
    rest = len(entries) - _NAMED
    if rest > 0:
        return f"{named} and {counted(rest, 'other file')} are"
    return f"{named} {'is' if len(entries) == 1 else 'are'}"
