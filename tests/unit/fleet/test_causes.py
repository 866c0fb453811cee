"""Failures with one cause are one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sartoris.fleet.causes import causes
from tests.unit.fleet.recorded import outcome


def test_failures_are_grouped_by_error_and_message_the_most_frequent_first() -> None:
    found = causes(
        [
            outcome("web1"),
            outcome("web2", "timeout", "took too long"),
            outcome("web4", "no-space", "full", "2 MiB free"),
            outcome("web3", "no-space", "full", "1 MiB free"),
        ]
    )
    assert [(cause.error, cause.targets) for cause in found] == [
        ("no-space", ("web3", "web4")),
        ("timeout", ("web2",)),
    ]
    assert found[0].output == "2 MiB free"


def test_a_cause_is_one_line_with_a_count_and_the_hosts() -> None:
    (cause,) = causes(
        [outcome("web2", "timeout", "too late"), outcome("web1", "timeout", "too late")]
    )
    assert cause.describe() == "2 targets: timeout: too late (web1, web2)"


def test_many_hosts_are_cut_short_and_still_counted() -> None:
    (cause,) = causes(outcome(f"web{number:02}", "timeout", "late") for number in range(37))
    told = cause.describe(most=3)
    assert told == "37 targets: timeout: late (web00, web01, web02 and 34 more)"


def test_the_same_error_for_another_reason_is_another_cause() -> None:
    both = [outcome("web1", "io-error", "one thing"), outcome("web2", "io-error", "another")]
    assert len(causes(both)) == 2


@given(st.lists(st.sampled_from(["", "no-space", "timeout", "busy"]), max_size=50))
def test_every_failed_target_is_in_exactly_one_cause(errors: list[str]) -> None:
    outcomes = [outcome(f"web{number}", error) for number, error in enumerate(errors)]
    named = [name for cause in causes(outcomes) for name in cause.targets]
    assert sorted(named) == sorted(one.target for one in outcomes if not one.ok)
