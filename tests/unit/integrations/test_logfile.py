"""What a log says of an event, and that it never says no."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.events import (
    Announced,
    CommandEnded,
    CommandStarted,
    Event,
    GateDecided,
    HookRan,
    LeftBehind,
    Noted,
    StageFinished,
    StepFailed,
    StepFinished,
    StepStarted,
    Tagged,
    Warned,
)
from sartoris.integrations.logfile import LogFile
from sartoris.integrations.timing import Timing

TAG = "slot0-20261124-140200"


def command(*words: str) -> CommandStarted:
    return CommandStarted(argv=words, by="Ann", host="tin", process=1, at=1_800_000_000.5)


def hook(code: int | None) -> HookRan:
    return HookRan(phase="log", hook="/h/log.x", exit_code=code, seconds=0.5, output="")


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (command("git deploy", "start", "-m", "why"), "   LOG: git deploy start -m why"),
        (StepStarted(step="pull", detail="origin main"), "  INFO: pull origin main"),
        (StepStarted(step="check"), "  INFO: check"),
        (StepFailed(step="pull", seconds=1, message="gone"), "  WARN: pull failed: gone"),
        (Announced(message="m", level="info", announce=True), "  NOTE: m"),
        (Announced(message="m", level="warning", announce=True), "  WARN: m"),
        (
            Tagged(session="s", tag=TAG, commit="c0ffee", message="", pushed=True),
            f"  NOTE: c0ffee tagged as {TAG}",
        ),
        (
            StageFinished(
                stage="fetch", release=TAG, succeeded=2, failed=("web2", "web3"), seconds=1
            ),
            f"  INFO: fetch {TAG}: 2 done, failed: web2 web3",
        ),
        (LeftBehind(targets=("web2",), release=TAG), f"  WARN: left behind {TAG}: web2"),
        (hook(0), "  INFO: log hook /h/log.x: exit code 0"),
        (hook(3), "  WARN: log hook /h/log.x: exit code 3"),
        (hook(None), "  WARN: log hook /h/log.x: did not end"),
        (Warned(message="careful"), "  WARN: careful"),
    ],
)
def test_the_words_for_an_event(tmp_path: Path, event: Event, line: str) -> None:
    problems: list[str] = []
    LogFile(tmp_path, "ann", problems.append)(event)
    (written,) = (tmp_path / "git-deploy.log").read_text().splitlines()
    assert written.startswith("# ann          | ")
    assert written.endswith(f" #{line}")
    assert problems == []


@pytest.mark.parametrize(
    "event",
    [
        StepFinished(step="pull", seconds=1),
        Noted(message="m"),
        GateDecided(stage="fetch", passed=True, failed=(), total=3, allowed=0),
    ],
)
def test_events_that_a_log_does_not_need(tmp_path: Path, event: Event) -> None:
    LogFile(tmp_path, "ann", pytest.fail)(event)
    assert not (tmp_path / "git-deploy.log").exists()


def test_a_log_that_cannot_be_written_is_one_warning(tmp_path: Path) -> None:
    problems: list[str] = []
    log = LogFile(tmp_path / "nowhere", "ann", problems.append)
    for _ in range(2):
        log(Warned(message="careful"))
    (problem,) = problems
    assert problem.endswith("git-deploy.log cannot be written: No such file or directory")


def test_the_second_timing_of_a_second_has_a_file_of_its_own(tmp_path: Path) -> None:
    for _ in range(3):
        timing = Timing(tmp_path, pytest.fail)
        timing(command("git", "deploy"))
        timing(CommandEnded(exit_code=0, seconds=1, at=1_800_000_001.5))
    files = sorted(tmp_path.glob("timing*"))
    assert {file.name for file in files} == {
        "timing_gdt-1800000000.txt",
        "timing_gdt-1800000000-2.txt",
        "timing_gdt-1800000000-3.txt",
    }
    assert all(file.read_text().startswith("# git\tdeploy\ngdt_start\t") for file in files)
