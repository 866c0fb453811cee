"""How many targets may fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartoris.config.values import Share
from sartoris.events import Event, EventStream, GateDecided
from sartoris.fleet.gate import Gate


def opens(amount: int, failed: int, total: int, *, percent: bool = False) -> bool:
    names = [f"web{number}" for number in range(failed)]
    return Gate(Share(amount, percent), EventStream()).opens("fetch", names, total)


@pytest.mark.parametrize(
    ("amount", "percent", "failed", "total", "passes"),
    [
        (0, False, 0, 10, True),
        (0, False, 1, 10, False),
        (2, False, 2, 10, True),
        (2, False, 3, 10, False),
        (10, True, 1, 10, True),
        (10, True, 1, 9, False),  # a tenth of nine is not one whole target
        (34, True, 1, 3, True),
        (100, True, 9, 10, True),
        (100, True, 10, 10, False),
        (99, False, 3, 3, False),
        (0, False, 0, 0, True),
    ],
)
def test_the_gate(amount: int, percent: bool, failed: int, total: int, passes: bool) -> None:
    assert opens(amount, failed, total, percent=percent) is passes


@given(st.integers(1, 500), st.integers(0, 200), st.booleans(), st.data())
def test_one_failure_less_never_closes_a_gate(
    total: int, amount: int, percent: bool, data: st.DataObject
) -> None:
    failed = data.draw(st.integers(1, total))
    if opens(amount, failed, total, percent=percent):
        assert opens(amount, failed - 1, total, percent=percent)


@given(st.integers(1, 500), st.integers(0, 1000), st.booleans())
def test_a_gate_lets_no_fleet_through_that_failed_whole(
    total: int, amount: int, percent: bool
) -> None:
    assert not opens(amount, total, total, percent=percent)


def test_the_decision_is_an_event_with_its_numbers() -> None:
    events: list[Event] = []
    stream = EventStream()
    stream.subscribe(events.append)
    Gate(Share(50, percent=True), stream).opens("switch", {"web3", "web1"}, 5)
    (decided,) = events
    assert isinstance(decided, GateDecided)
    assert (decided.stage, decided.passed, decided.failed) == ("switch", True, ("web1", "web3"))
    assert (decided.allowed, decided.total) == (2, 5)
