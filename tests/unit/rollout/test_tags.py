"""Names of tags."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartoris.rollout.tags import DATE_FORMAT, free_tag


def nothing_taken(_: str) -> bool:
    return False


def among(tags: list[str]) -> Callable[[str], bool]:
    return lambda tag: tag in tags


def test_a_tag_is_the_prefix_and_the_time_of_its_making() -> None:
    tag = free_tag("slot0", nothing_taken)
    assert re.fullmatch(r"slot0-\d{8}-\d{6}", tag)
    made = datetime.strptime(tag, f"slot0-{DATE_FORMAT}").astimezone()
    assert abs(made - datetime.now().astimezone()) < timedelta(seconds=5)


def test_tags_of_one_second_differ_and_sort_in_the_order_of_their_making() -> None:
    made: list[str] = []
    for _ in range(50):
        made.append(free_tag("slot0", among(made)))
    assert made == sorted(set(made))


@given(st.integers(0, 40))
def test_a_free_tag_is_not_taken(count: int) -> None:
    taken: list[str] = []
    for _ in range(count):
        taken.append(free_tag("a", among(taken)))
    assert free_tag("a", among(taken)) not in taken


def test_a_date_that_stands_still_is_a_mistake_that_ends() -> None:
    with pytest.raises(AssertionError, match="does not tell moments apart"):
        free_tag("slot0", lambda _: True, date_format="%Y")


def test_a_suffix_comes_last() -> None:
    assert free_tag("slot0", nothing_taken, suffix="_hotfix").endswith("_hotfix")
