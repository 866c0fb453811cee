"""The summary of a sync says of each target what came of it."""

from __future__ import annotations

from sartoris.display.targettable import TargetTable
from sartoris.orders import Outcome


def _outcome(target: str, stage: str, error: str = "", live: str = "") -> Outcome:
    return Outcome(action=stage, target=target, ok=not error, error=error, live=live, seconds=0.25)


def test_a_row_tells_each_stage_and_what_is_live() -> None:
    table = TargetTable()
    table.add("fetch", _outcome("web1", "fetch", live="r1"))
    table.add("switch", _outcome("web1", "switch", live="r2"))
    assert table.lines() == [
        "target  fetch   switch  live",
        "web1    0.25 s  0.25 s  r2",
    ]


def test_failures_come_first_by_their_word_and_the_silent_did_not_say_what_is_live() -> None:
    table = TargetTable()
    table.add("fetch", _outcome("web1", "fetch"))
    table.add("fetch", _outcome("web2", "fetch", "no-space", live="r1"))
    table.add("fetch", _outcome("web3", "fetch", "unreachable"))
    assert [line.split() for line in table.lines()[1:]] == [
        ["web2", "no-space", "-", "r1"],
        ["web3", "unreachable", "-", "not", "known"],
        ["web1", "0.25", "s", "-", "nothing"],
    ]


def test_a_large_fleet_is_cut_and_counted() -> None:
    table = TargetTable()
    for number in range(50):
        table.add("fetch", _outcome(f"web{number:02}", "fetch", live="r1"))
    assert len(table.lines()) == 1 + 20 + 1
    assert table.lines()[-1] == "and 30 more, the rest of 50"


def test_nothing_sent_and_questions_make_no_table() -> None:
    table = TargetTable()
    table.add("status", _outcome("web1", "status"))
    assert table.lines() == []
