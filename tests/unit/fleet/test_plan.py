"""Who is sent an order when, and how many may fail."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartoris.config.values import CountOrPercent
from sartoris.fleet.plan import Plan, Planner

NONE = CountOrPercent(0)
NAMES = [f"web{number}" for number in range(1, 8)]


def planner(
    size: CountOrPercent,
    canary: list[str] | None = None,
    failed: CountOrPercent = NONE,
    total: int = 7,
) -> Planner:
    targets = [f"web{number}" for number in range(1, total + 1)]
    return Planner(targets=targets, canary=canary or [], batch=size, max_failed=failed)


def plan(size: CountOrPercent, canary: list[str] | None = None, names: list[str] = NAMES) -> Plan:
    return planner(size, canary).in_waves("switch", names)


def waves(
    size: CountOrPercent, canary: list[str] | None = None, names: list[str] = NAMES
) -> list[int]:
    return [len(wave.targets) for wave in plan(size, canary, names).waves]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (CountOrPercent(100, percent=True), [7]),
        (CountOrPercent(3), [3, 3, 1]),
        (CountOrPercent(50, percent=True), [3, 3, 1]),
        (CountOrPercent(1, percent=True), [1] * 7),
        (CountOrPercent(99), [7]),
    ],
)
def test_the_size_of_the_batches(size: CountOrPercent, expected: list[int]) -> None:
    assert waves(size) == expected


def test_the_canary_comes_first_and_once_in_the_order_of_the_fleet() -> None:
    made = plan(CountOrPercent(3), ["web5", "web2", "gone"])
    assert [wave.targets for wave in made.waves] == [
        ("web2", "web5"),
        ("web1", "web3", "web4"),
        ("web6", "web7"),
    ]
    assert [wave.name for wave in made.waves] == ["canary", "batch 1 of 2", "batch 2 of 2"]


def test_without_targets_there_are_no_waves() -> None:
    assert waves(CountOrPercent(3), ["web1"], []) == []
    assert planner(CountOrPercent(3)).at_once("fetch", []).waves == ()


def test_a_fetch_reaches_everyone_in_one_wave() -> None:
    made = planner(CountOrPercent(1), ["web1"]).at_once("fetch", NAMES)
    assert [(wave.name, wave.targets) for wave in made.waves] == [("all", tuple(NAMES))]


def test_limits_are_numbers_of_the_whole_fleet_whoever_is_meant() -> None:
    made = planner(CountOrPercent(1), failed=CountOrPercent(50, percent=True)).in_waves(
        "switch", ["web1"]
    )
    assert (made.limits.max_failed, made.limits.total) == (3, 7)


def test_a_way_back_has_no_limit() -> None:
    made = planner(CountOrPercent(1)).without_stop("roll back", NAMES)
    assert made.limits.max_failed is None
    assert made.limits.allow(7)


def test_a_plan_can_be_written_down() -> None:
    made = planner(CountOrPercent(4)).in_waves("switch", NAMES[:2], behind=["web7"])
    assert json.loads(json.dumps(made.to_json())) == {
        "stage": "switch",
        "waves": [{"name": "all", "targets": ["web1", "web2"]}],
        "max_failed": 0,
        "total": 7,
        "behind": ["web7"],
    }


@given(
    st.lists(st.sampled_from(NAMES), unique=True),
    st.lists(st.sampled_from(NAMES), unique=True),
    st.integers(1, 120),
    st.booleans(),
)
def test_every_target_is_in_exactly_one_wave(
    names: list[str], canary: list[str], amount: int, percent: bool
) -> None:
    made = plan(CountOrPercent(amount, percent), canary, names)
    assert sorted(made.targets) == sorted(names)
    assert all(wave.targets for wave in made.waves)


def allows(amount: int, failed: int, total: int, *, percent: bool = False) -> bool:
    made = planner(CountOrPercent(1), failed=CountOrPercent(amount, percent), total=total)
    return made.at_once("fetch", ["web1"]).limits.allow(failed)


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
def test_how_many_may_fail(
    amount: int, percent: bool, failed: int, total: int, passes: bool
) -> None:
    assert allows(amount, failed, total, percent=percent) is passes


@given(st.integers(1, 500), st.integers(0, 200), st.booleans(), st.data())
def test_one_failure_less_never_stops_a_plan(
    total: int, amount: int, percent: bool, data: st.DataObject
) -> None:
    failed = data.draw(st.integers(1, total))
    if allows(amount, failed, total, percent=percent):
        assert allows(amount, failed - 1, total, percent=percent)


@given(st.integers(1, 500), st.integers(0, 1000), st.booleans())
def test_no_plan_goes_on_when_the_whole_fleet_failed(
    total: int, amount: int, percent: bool
) -> None:
    assert not allows(amount, total, total, percent=percent)
