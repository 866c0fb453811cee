"""What `report` shows of a fleet is as long as what is wrong with it."""

from __future__ import annotations

from dataclasses import replace

from sartoris.display.reporting import report_lines
from sartoris.fleet.desired import Desired
from sartoris.queries.came import Came
from sartoris.queries.report import Condition, Report, SlotReport, TargetReport

DESIRED = Desired(
    slot="php-slot0",
    prefix="slot0",
    path="/srv/php-slot0",
    release="r2",
    commit="c" * 40,
    source="s" * 40,
    rollout="r2",
    since=0.0,
)


def target(
    name: str, condition: Condition = "current", complete: bool | None = None
) -> TargetReport:
    live = "r2" if condition == "current" else "r1"
    return TargetReport(target=name, condition=condition, live=live, seen=0.0, complete=complete)


def lines(*targets: TargetReport, everything: bool = False) -> list[str]:
    slot = SlotReport(
        prefix="slot0", slot="php-slot0", path="/srv/php-slot0", desired=DESIRED, targets=targets
    )
    found = Report(repository="wiki", slots=(slot,), rollouts=(), verified=False)
    told = report_lines(found, now=60.0, everything=everything)
    return [line.text for line in told[1:-1]]


def test_a_few_targets_are_listed_each() -> None:
    told = lines(target("web1"), target("web2"))
    assert [line.split()[0] for line in told[1:3]] == ["web1", "web2"]
    assert told[-1] == "2 of 2 targets current."


def test_a_hundred_and_twenty_current_targets_are_one_line() -> None:
    fleet = [target(f"web{number}") for number in range(120)]
    assert lines(*fleet) == ["120 of 120 targets current."]
    assert len(lines(*fleet, everything=True)) == 1 + 120 + 1


def test_of_a_large_fleet_those_are_listed_that_are_not_current() -> None:
    fleet = [target(f"web{number}") for number in range(119)]
    _, row, *rest = lines(*fleet, target("web119", "behind"))
    assert row.split() == ["web119", "r1", "behind"]
    assert rest == ["119 of 120 targets current.", "Next: git deploy converge web119"]


def test_those_that_are_counted_are_called_verified_where_all_of_them_are() -> None:
    fleet = [target(f"web{number}", complete=True) for number in range(9)]
    assert lines(*fleet) == ["9 of 9 targets current and verified."]
    assert lines(*fleet, target("web9")) == ["10 of 10 targets current."]


def came(name: str, by: str, count: int, *refused: str) -> TargetReport:
    found = Came(by=by, source="http://d/1.pack", bytes=count, seconds=0.25, refused=refused)
    return replace(target(name), came=found)


def test_it_says_which_way_objects_came_and_who_was_given_others() -> None:
    fleet = [came(f"web{number}", "pack", 1024) for number in range(9)]
    liar = "http://relay/1.pack"
    told = lines(*fleet, came("web9", "fetch", 3 << 20, liar))
    ways = "9 targets by pack (9.0 KiB), 1 target by git fetch (3.0 MiB)"
    assert told == [
        "10 of 10 targets current.",
        f"Objects of the last rollout: {ways}.",
        f"web9 was given other bytes, and took none, by {liar}",
    ]
    told = lines(came("web1", "pack", 1024), everything=True)
    assert told[-1] == "  web1: pack, 1.0 KiB in 0.25 s, from http://d/1.pack"


def test_what_is_live_on_one_that_was_never_heard_from_is_not_known() -> None:
    silent = TargetReport(
        target="web1", condition="silent", live="", seen=None, error="unreachable"
    )
    assert lines(silent)[1].split()[:3] == ["web1", "not", "known"]
