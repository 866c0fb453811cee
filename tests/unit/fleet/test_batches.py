"""Who switches when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartoris.config.values import Share
from sartoris.fleet.batches import Batches

NAMES = [f"web{number}" for number in range(1, 8)]


def groups(size: Share, canary: list[str] | None = None, names: list[str] = NAMES) -> list[int]:
    return [len(group) for group in Batches(canary or [], size).of(names)]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (Share(100, percent=True), [7]),
        (Share(3), [3, 3, 1]),
        (Share(50, percent=True), [3, 3, 1]),
        (Share(1, percent=True), [1] * 7),
        (Share(99), [7]),
    ],
)
def test_the_size_of_the_batches(size: Share, expected: list[int]) -> None:
    assert groups(size) == expected


def test_the_canary_comes_first_and_once_in_the_order_of_the_fleet() -> None:
    batches = list(Batches(["web5", "web2", "gone"], Share(3)).of(NAMES))
    assert batches == [("web2", "web5"), ("web1", "web3", "web4"), ("web6", "web7")]


def test_without_targets_there_are_no_batches() -> None:
    assert groups(Share(3), ["web1"], []) == []


@given(
    st.lists(st.sampled_from(NAMES), unique=True),
    st.lists(st.sampled_from(NAMES), unique=True),
    st.integers(1, 120),
    st.booleans(),
)
def test_every_target_switches_exactly_once(
    names: list[str], canary: list[str], amount: int, percent: bool
) -> None:
    batches = list(Batches(canary, Share(amount, percent)).of(names))
    assert sorted(name for group in batches for name in group) == sorted(names)
    assert all(batches)
