"""Whatever is typed, in whatever order, and wherever it is killed: all promises are kept.

`make test` tries the same 1,200 stories each time; `make torture` tries new ones.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.unit.actions.any_order import AnyOrder

STORIES = settings(
    max_examples=200,
    stateful_step_count=6,
    deadline=None,
    database=None,  # a seed tells the same stories every time
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow],
)
FIRST = int(os.environ.get("SARTORIS_TORTURE_FIRST", "1"))
SEEDS = int(os.environ.get("SARTORIS_TORTURE_SEEDS", "6"))


@pytest.mark.parametrize("number", range(FIRST, FIRST + SEEDS))
def test_all_promises_are_kept(number: int) -> None:
    run_state_machine_as_test(seed(number)(type("AnyOrder", (AnyOrder,), {})), settings=STORIES)
