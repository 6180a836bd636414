"""What a drop zone takes, and what it says about what it leaves."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from datalab.connectors import Choice, Entry, EntryChanged, EntryIsLink, choose
from datalab.errors import UsageError
from tests.unit.connectors.test_parts import entry


def seen(*entries: Entry) -> dict[str, str]:
    return {one.url: one.fingerprint for one in entries}


def choice(
    *listed: Entry,
    before: Mapping[str, str] | None = None,
    taken: tuple[str, ...] = (),
    earlier: Mapping[str, Mapping[str, str]] | None = None,
    refused: Mapping[str, UsageError] | None = None,
    given_up: tuple[str, ...] = (),
) -> Choice:
    def refusal(one: Entry) -> UsageError | None:
        error = (refused or {}).get(one.name)
        if isinstance(error, EntryChanged):
            raise error
        return error

    return choose(
        listed,
        seen(*listed) if before is None else before,
        taken=lambda fingerprints: set(taken) & set(fingerprints),
        earlier=earlier or {},
        refusal=refusal,
        given_up=given_up,
    )


def chosen(found: Choice) -> list[str]:
    return [one.name for one in found.group.entries] if found.group else []


PARTS = [entry(f"part-000{number}.csv") for number in range(3)]


def test_the_newest_file_that_looked_the_same_before_is_taken_and_the_others_are_named() -> None:
    old, new, growing = entry("b.csv", modified=9), entry("a.csv", modified=10), entry("c.csv", modified=11)
    found = choice(old, new, growing, before=seen(old, new, entry("c.csv", size=1)))
    assert chosen(found) == ["a.csv"]
    assert found.messages == (
        "Several files match; they are versions, and the newest counts: a.csv. b.csv is not taken.",
    )
    assert choice(old, new, growing, before={}) == Choice(None, ())
    after = choice(old, new, taken=(new.fingerprint, old.fingerprint))
    assert chosen(after) == [] and after.messages == ()


def test_many_versions_are_counted() -> None:
    (message,) = choice(*(entry(f"s-{number}.csv", modified=number) for number in range(9))).messages
    assert message.endswith("s-8.csv. s-7.csv, s-6.csv, s-5.csv, s-4.csv, s-3.csv and 3 other files are not taken.")


def test_parts_are_taken_together_once_all_of_them_looked_the_same() -> None:
    assert chosen(choice(*PARTS)) == [part.name for part in PARTS]
    assert choice(*PARTS, before=seen(*PARTS[:2])) == Choice(None, ())
    assert choice(*PARTS[:2], before=seen(*PARTS)) == Choice(None, ())  # one is being removed


def test_announced_parts_are_waited_for() -> None:
    parts = [entry(f"s-{number}-of-3.csv", size=number) for number in range(3)]
    found = choice(parts[0], parts[2])
    assert chosen(found) == []
    assert found.messages == ("s-*-of-3.csv (2 parts): not taken. 2 of 3 parts are there; it is taken when all are.",)
    assert chosen(choice(*parts)) == [part.name for part in parts]  # the first is empty, and there


def test_what_is_left_after_parts_were_removed_is_not_taken_again() -> None:
    pattern = "file:///drop/part-*.csv"
    found = choice(*PARTS[:2], earlier={pattern: seen(*PARTS)})
    assert chosen(found) == [] and "removed after they were taken" in found.messages[0]
    assert chosen(choice(*PARTS, earlier={pattern: seen(*PARTS[:2])})) == [part.name for part in PARTS]
    changed = [entry(part.name, size=9) for part in PARTS[:2]]
    assert chosen(choice(*changed, earlier={pattern: seen(*PARTS)})) == [part.name for part in changed]


@pytest.mark.parametrize("bad", ["new\udcff.csv", "empty.csv", "link.csv", "failed.csv"])
def test_a_file_that_cannot_be_taken_is_named_and_does_not_stop_the_zone(bad: str) -> None:
    good, newer = entry("a.csv", modified=1), entry(bad, size=0 if bad == "empty.csv" else 3, modified=2)
    given_up = (newer.fingerprint,) if bad == "failed.csv" else ()
    found = choice(good, newer, refused={"link.csv": EntryIsLink()}, given_up=given_up)
    assert chosen(found) == ["a.csv"]
    (message,) = found.messages
    assert "not taken" in message and message.startswith(bad.replace("\udcff", "\\xff"))


def test_parts_one_of_which_cannot_be_opened_are_all_left() -> None:
    found = choice(*PARTS, refused={"part-0001.csv": EntryIsLink()})
    assert chosen(found) == [] and "part-0001.csv cannot be opened" in found.messages[0]


def test_a_file_that_changes_just_now_is_waited_for() -> None:
    old, new = entry("a.csv", modified=1), entry("b.csv", modified=2)
    assert choice(old, new, refused={"b.csv": EntryChanged()}) == Choice(None, ())


def test_a_dataset_has_a_limited_number_of_parts() -> None:
    found = choice(*(entry(f"part-{number:05}.csv") for number in range(10_001)))
    assert chosen(found) == [] and "at most 10,000 parts" in found.messages[0]
