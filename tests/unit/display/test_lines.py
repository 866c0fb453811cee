"""What a person, or a log file, reads while a command runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sartoris.display.lines import Lines
from sartoris.events import (
    DesiredStateChanged,
    Event,
    EventStream,
    GateDecided,
    HookRan,
    HookStarted,
    LeftBehind,
    Noted,
    Planned,
    StageFinished,
    StageStarted,
    StepFinished,
    StepStarted,
    Tagged,
    TargetAnswered,
    Warned,
    WillShip,
)
from tests.unit.fleet.recorded import outcome

FAILED = outcome("web2", "no-space", "full")
FETCH = StageStarted(stage="fetch", release="slot0-1", targets=("web1", "web2"))


def ships(**changes: object) -> WillShip:
    fields: dict[str, object] = {
        "base": "a" * 40,
        "head": "b" * 40,
        "commits": ("1234567 Make it faster (Ann)",),
        "commit_count": 1,
        "files": ("M index.php",),
        "file_count": 1,
        "submodules": (),
        "gone": 0,
    }
    return WillShip(**(fields | changes))  # type: ignore[arg-type]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(capsys)


class Told:
    """What the lines of some events are; nothing goes to standard output, ever."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *events: Event, verbose: bool = False, dry_run: bool = False) -> list[str]:
        lines = Lines(verbose=verbose, dry_run=dry_run)
        for event in events:
            lines(event)
        out, err = self._capsys.readouterr()
        assert out == ""
        return err.splitlines()


def test_a_step_is_a_heading_with_its_detail(told: Told) -> None:
    assert told(StepStarted(step="tag", detail="slot0-1")) == ["==> tag slot0-1"]
    assert told(StepStarted(step="switch")) == ["==> switch"]


def test_steps_that_nobody_waits_for_are_told_with_verbose_only(told: Told) -> None:
    assert told(StepStarted(step="check")) == []
    assert told(StepStarted(step="check"), verbose=True) == ["==> check"]


def test_what_ships_is_counted_and_named(told: Told) -> None:
    assert told(ships()) == [
        f"==> ships {'b' * 12}",
        f"    1 commit, 1 file changed since {'a' * 12}",
        "      1234567 Make it faster (Ann)",
    ]


def test_files_are_named_in_a_dry_run_and_with_verbose(told: Told) -> None:
    assert "      M index.php" in told(ships(), verbose=True)
    rehearsed = told(ships(), dry_run=True)
    assert rehearsed[0] == f"==> would ship {'b' * 12}"
    assert "      M index.php" in rehearsed


def test_what_is_not_named_is_counted(told: Told) -> None:
    assert told(ships(commit_count=25))[-1] == "      and 24 more"


def test_commits_that_would_be_gone_are_told(told: Told) -> None:
    lines = told(ships(gone=2, gone_commits=("c0ffee1 A feature (Ann)",)))
    assert lines[-3:] == [
        "    2 commits of what is live would go:",
        "      c0ffee1 A feature (Ann)",
        "      and 1 more",
    ]


def test_the_first_release_and_its_submodules(told: Told) -> None:
    lines = told(ships(base="", file_count=8000, submodules=("ext/Cite at 123",)))
    assert lines[1:] == [
        "    the first release here: 8000 files",
        "    submodule ext/Cite at 123",
    ]


@pytest.mark.parametrize("pushed", [True, False])
def test_a_tag_and_whether_the_remote_has_it(told: Told, pushed: bool) -> None:
    tag = Tagged(session="s", tag="slot0-1", commit="b" * 40, message="m", pushed=pushed)
    word = "tagged and pushed" if pushed else "tagged"
    assert told(tag) == [f"    {'b' * 12} is {word} as slot0-1"]
    assert told(tag, dry_run=True) == []


def test_a_stage_is_one_line_when_it_has_ended(told: Told) -> None:
    answered = TargetAnswered(stage="fetch", slot="slot0", outcome=FAILED)
    ended = StageFinished(
        stage="fetch", release="slot0-1", succeeded=1, failed=("web2",), seconds=1.5
    )
    assert told(FETCH, answered, ended) == ["    fetch: 1 done, 1 failed: web2 (1.50 s)"]
    assert told(FETCH, answered, ended, verbose=True)[0].startswith("    web2: no-space: full (")


def test_what_the_programs_of_a_release_wrote_is_told_with_verbose(told: Told) -> None:
    wrote = replace(outcome("web1"), output="deploy/target/prepare.1:\n  built")
    answered = TargetAnswered(stage="fetch", slot="slot0", outcome=wrote)
    assert told(answered) == []
    assert told(answered, verbose=True)[1:] == [
        "      | deploy/target/prepare.1:",
        "      |   built",
    ]


def test_a_stage_with_nobody_in_it_is_not_told(told: Told) -> None:
    assert told(StageFinished(stage="x", release="", succeeded=0, failed=(), seconds=0)) == []


def test_of_many_failed_targets_some_are_named_and_the_rest_counted(told: Told) -> None:
    names = tuple(f"web{number}" for number in range(30))
    (line,) = told(
        StageFinished(stage="fetch", release="r", succeeded=0, failed=names, seconds=0.5)
    )
    assert "30 failed: web0, web1" in line
    assert "and 22 more" in line


@pytest.mark.parametrize(("passed", "word"), [(True, "go on without"), (False, "stop because of")])
def test_the_gate_is_told_when_something_failed(told: Told, passed: bool, word: str) -> None:
    decided = GateDecided(stage="fetch", passed=passed, failed=("web2",), allowed=1, total=3)
    assert told(decided) == [f"    gate: {word} 1 target (web2), 1 may fail"]


def test_what_came_of_each_target_is_told_once_where_a_gate_closes_a_switch(told: Told) -> None:
    decided = GateDecided(stage="switch", passed=False, failed=("web2",), allowed=0, total=1)
    answered = TargetAnswered(stage="switch", slot="s", outcome=FAILED)
    lines = told(answered, decided, StepFinished(step="switch", seconds=1.0))
    assert len([line for line in lines if "web2  " in line]) == 1


def test_a_gate_without_failures_is_not_worth_a_line(told: Told) -> None:
    assert told(GateDecided(stage="fetch", passed=True, failed=(), allowed=1, total=3)) == []


def test_a_dry_run_says_what_is_not_known(told: Told) -> None:
    decided = GateDecided(stage="fetch", passed=True, failed=(), allowed=1, total=3)
    lines = told(
        FETCH, TargetAnswered(stage="fetch", slot="s", outcome=FAILED), decided, dry_run=True
    )
    assert lines == [
        (
            "    would send `fetch` of slot0-1 to 2 targets (web1, web2);"
            " whether they can take it is not known"
        ),
        "    the gate would stop here if more than 1 of 3 failed",
    ]


def test_each_wave_is_named_with_its_targets_when_it_begins(told: Told) -> None:
    waves = (("canary", ("web1",)), ("batch 1 of 2", ("web2",)), ("batch 2 of 2", ("web3",)))
    plan = Planned(stage="switch", waves=waves, allowed=0, total=3)
    lines = told(plan, *(one for _, targets in waves for one in switching(*targets)))
    assert lines == [
        "    switch canary: web1",
        "    switch canary: 1 done (0.50 s)",
        "    switch batch 1 of 2: web2",
        "    switch batch 1 of 2: 1 done (0.50 s)",
        "    switch batch 2 of 2: web3",
        "    switch batch 2 of 2: 1 done (0.50 s)",
    ]


def test_one_wave_needs_no_name(told: Told) -> None:
    plan = Planned(stage="switch", waves=(("all", ("web1",)),), allowed=0, total=1)
    assert told(plan, *switching("web1")) == ["    switch: 1 done (0.50 s)"]


def switching(*targets: str) -> tuple[Event, Event]:
    return (
        StageStarted(stage="switch", release="r", targets=targets),
        StageFinished(stage="switch", release="r", succeeded=len(targets), failed=(), seconds=0.5),
    )


def test_who_is_left_behind_and_how_they_catch_up(told: Told) -> None:
    (line,) = told(LeftBehind(targets=("web2",), release="slot0-1"))
    assert "left behind: web2" in line
    assert "`git deploy converge` brings them to slot0-1" in line
    (nothing,) = told(LeftBehind(targets=("web2",), release=""))
    assert nothing.endswith("nothing live")


def test_a_hook_is_named_when_it_begins(told: Told) -> None:
    path = "/etc/hooks/apps/common/pre-sync.010_tests"
    assert told(HookStarted(phase="pre-sync", hook=path)) == ["==> pre-sync 010_tests"]
    assert told(HookStarted(phase="log", hook="/etc/hooks/apps/common/log.chat")) == []


def test_a_hook_is_told_when_it_fails_or_with_verbose(told: Told) -> None:
    fine = HookRan(phase="pre-sync", hook="h", exit_code=0, seconds=0.1)
    assert told(fine) == []
    assert told(fine, verbose=True) == ["    pre-sync hook h (0.1 s)"]
    bad = HookRan(phase="pre-sync", hook="h", exit_code=3, seconds=0.1)
    assert told(bad) == ["    pre-sync hook h: exit code 3"]
    killed = HookRan(phase="pre-sync", hook="h", exit_code=-2, seconds=0.1)
    assert told(killed) == ["    pre-sync hook h: killed by SIGINT"]
    ended = HookRan(phase="pre-sync", hook="h", exit_code=None, seconds=0.1)
    assert told(ended) == ["    pre-sync hook h: did not end"]


def test_a_hook_that_stops_the_command_is_told_once_by_its_error(told: Told) -> None:
    bad = HookRan(phase="pre-sync", hook="h", exit_code=3, seconds=0.1, stops=True)
    assert told(bad) == told(bad, verbose=True) == []


def test_warnings_and_notes(told: Told) -> None:
    assert told(Warned(message="look"), Noted(message="so")) == ["    note: look", "    so"]


def test_a_failed_step_is_told_with_verbose_the_error_itself_by_the_boundary(told: Told) -> None:
    def fail(verbose: bool) -> list[str]:
        stream, events = EventStream(), list[Event]()
        stream.subscribe(events.append)
        with pytest.raises(ZeroDivisionError), stream.step("tag"):
            raise ZeroDivisionError("oh\nno")
        return told(*events, verbose=verbose)

    assert fail(verbose=False) == ["==> tag"]
    assert fail(verbose=True)[1].endswith(" s: oh")


def test_an_event_that_nobody_reads_is_no_line(told: Told) -> None:
    assert told(DesiredStateChanged(slot="slot0", release="a", before="b")) == []


def test_bytes_that_are_no_text_do_not_stop_a_rollout(told: Told) -> None:
    (line,) = told(Noted(message="caf\udce9"))
    assert line.startswith("    caf")
