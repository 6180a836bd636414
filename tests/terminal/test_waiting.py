"""The loop that the SDK and the commands wait with: when it asks, when it gives up, and what does not end it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from datalab.errors import DatalabError
from datalab_dagster.service import ServiceUnreachable
from datalab_dagster.terminal import waiting

LOST: waiting.Lost = (ServiceUnreachable,)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the loop has slept; a clock that only sleeping moves."""
    slept: list[float] = []
    monkeypatch.setattr(waiting.time, "sleep", slept.append)
    monkeypatch.setattr(waiting.time, "monotonic", lambda: sum(slept) + 1.0)
    return slept


def answering(*answers: bool | DatalabError) -> Callable[[], bool]:
    """Return a question with these answers; the last one is given from then on."""

    def each() -> Iterator[bool | DatalabError]:
        yield from answers
        while True:
            yield answers[-1]

    given = each()

    def done() -> bool:
        answer = next(given)
        if isinstance(answer, DatalabError):
            raise answer
        return answer

    return done


def unreachable(number: int = 0) -> ServiceUnreachable:
    return ServiceUnreachable(f"http://labs-{number}", "no connection")


def test_what_is_done_already_is_asked_once(pauses: list[float]) -> None:
    waiting.wait(answering(True), interval=1, lost=LOST)
    assert pauses == []


def test_pauses_grow_from_the_first_to_the_interval(pauses: list[float]) -> None:
    waiting.wait(answering(*[False] * 200, True), interval=0.5, lost=LOST)
    assert pauses[0] == 0.05 and pauses[-1] == 0.5 and pauses == sorted(pauses) and len(pauses) == 200


def test_a_short_interval_is_kept_from_the_beginning(pauses: list[float]) -> None:
    waiting.wait(answering(*[False] * 9, True), interval=0.01, lost=LOST)
    assert pauses == [0.01] * 9


def test_the_time_to_wait_is_used_up_and_not_exceeded(pauses: list[float]) -> None:
    with pytest.raises(waiting.TimeOver):
        waiting.wait(answering(False), interval=60, lost=LOST, timeout=7)
    assert sum(pauses) == pytest.approx(7)


def test_an_end_that_is_seen_when_the_time_is_over_is_an_end(pauses: list[float]) -> None:
    waiting.wait(answering(False, True), interval=60, lost=LOST, timeout=0.05)


def test_errors_that_pass_do_not_end_it_however_often_they_come(pauses: list[float]) -> None:
    often = [unreachable(), False] * 400
    waiting.wait(answering(*often, True), interval=1, lost=LOST)
    assert sum(pauses) > 2 * waiting.PATIENCE_SECONDS


def test_errors_that_last_end_it_with_the_last_one(pauses: list[float]) -> None:
    errors = [unreachable(number) for number in range(1000)]
    with pytest.raises(waiting.Unreachable) as given_up:
        waiting.wait(answering(*errors), interval=1, lost=LOST)
    assert waiting.PATIENCE_SECONDS < given_up.value.seconds <= waiting.PATIENCE_SECONDS + 1
    assert given_up.value.error is errors[len(pauses)]


def test_another_error_ends_it_at_once(pauses: list[float]) -> None:
    with pytest.raises(DatalabError, match="wrong"):
        waiting.wait(answering(DatalabError("wrong")), interval=1, lost=LOST)
    assert pauses == []


def test_waiting_asynchronously_asks_in_the_same_way() -> None:
    async def both() -> None:
        await waiting.wait_async(answering(False, unreachable(), True), interval=0.01, lost=LOST)
        with pytest.raises(waiting.TimeOver):
            await waiting.wait_async(answering(False), interval=0.01, lost=LOST, timeout=0.03)

    asyncio.run(both())
