"""The summary of a sync says of each target what came of it."""

from __future__ import annotations

from dataclasses import replace

from sartoris.display.targettable import TargetTable
from sartoris.orders import Outcome


def texts(table: TargetTable) -> list[str]:
    return [line.text for line in table.lines()]


def _outcome(target: str, stage: str, error: str = "", live: str = "") -> Outcome:
    return Outcome(action=stage, target=target, ok=not error, error=error, live=live, seconds=0.25)


def test_one_target_is_told_in_a_line() -> None:
    table = TargetTable()
    table.add("fetch", _outcome("web1", "fetch", live="r1"))
    table.add("switch", _outcome("web1", "switch", live="r2"))
    assert texts(table) == ["web1: fetched in 0.25 s, switched in 0.25 s; live: r2"]


def test_targets_with_the_same_release_live_are_one_line_however_many_they_are() -> None:
    table = TargetTable()
    for number in range(120):
        took = 0.4 + number / 100
        table.add("fetch", replace(_outcome(f"web{number}", "fetch"), seconds=took))
        table.add("switch", _outcome(f"web{number}", "switch", live="r2"))
    assert texts(table) == ["120 targets: fetched in 0.40-1.59 s, switched in 0.25 s; live: r2"]


def test_failures_come_first_by_their_word_and_the_silent_did_not_say_what_is_live() -> None:
    table = TargetTable()
    table.add("fetch", _outcome("web1", "fetch"))
    table.add("fetch", _outcome("web2", "fetch", "no-space", live="r1"))
    table.add("fetch", _outcome("web3", "fetch", "unreachable"))
    assert [line.split() for line in texts(table)[1:]] == [
        ["web2", "no-space", "-", "r1"],
        ["web3", "unreachable", "-", "not", "known"],
        ["web1", "0.25", "s", "-", "nothing"],
    ]


def test_of_a_large_fleet_each_failure_has_a_row_and_the_others_are_counted() -> None:
    table = TargetTable()
    for number in range(50):
        table.add("fetch", _outcome(f"web{number:02}", "fetch", "no-space" if number < 30 else ""))
    assert len(texts(table)) == 1 + 30 + 1
    assert texts(table)[-1] == "20 targets: fetched in 0.25 s; live: nothing"


def test_nothing_sent_and_questions_make_no_table() -> None:
    table = TargetTable()
    table.add("status", _outcome("web1", "status"))
    assert texts(table) == []
