"""What is drawn on a terminal: the same lines, and a bar while a stage runs."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from sartoris.cli.live import LiveLines
from sartoris.display.lines import Lines
from sartoris.events import (
    Event,
    Noted,
    StageFinished,
    StageStarted,
    StepFailed,
    StepStarted,
    TargetAnswered,
    Warned,
)
from tests.unit.display.screen import Screen
from tests.unit.fleet.recorded import outcome

STAGE: list[Event] = [
    StepStarted(step="fetch"),
    StageStarted(stage="fetch", release="slot0-1", targets=("web1", "web2")),
    TargetAnswered(stage="fetch", slot="slot0", outcome=outcome("web1")),
    TargetAnswered(stage="fetch", slot="slot0", outcome=outcome("web2", "no-space", "full")),
    StageFinished(stage="fetch", release="slot0-1", succeeded=1, failed=("web2",), seconds=1.5),
    Warned(message="[bold]not markup[/bold] :smile:"),
]


Draw = Callable[..., str]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Draws events on a screen of 80 columns; what was written there."""

    def draw(*events: Event, terminal: bool = True, dry_run: bool = False) -> str:
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("COLUMNS", "80")
        screen = Screen() if terminal else io.StringIO()
        monkeypatch.setattr("sys.stderr", screen)
        lines = LiveLines(dry_run=dry_run)
        for event in events:
            lines(event)
        return screen.getvalue()

    return draw


def test_the_lines_are_those_of_a_log_file(drawn: Draw, capsys: pytest.CaptureFixture[str]) -> None:
    plain = Lines()
    for event in STAGE:
        plain(event)
    told = capsys.readouterr().err.splitlines()
    assert list(filter(None, drawn(*STAGE, terminal=False).splitlines())) == told


def test_a_bar_counts_the_targets_of_a_stage_and_is_gone_when_it_ends(drawn: Draw) -> None:
    shown = drawn(*STAGE)
    assert "0 of 2: waiting for web1, web2" in shown
    cleared = shown.rindex("\x1b[2K")
    assert "of 2" not in shown[cleared:]
    assert "fetch: 1 done, 1 failed: web2" in shown[cleared:]


def test_a_bar_is_gone_when_a_stage_is_interrupted(drawn: Draw) -> None:
    interrupted = StepFailed(step="fetch", seconds=1, message="KeyboardInterrupt")
    shown = drawn(*STAGE[:3], interrupted)
    assert "of 2" not in shown[shown.rindex("\x1b[2K") :]


def test_what_people_wrote_is_shown_as_they_wrote_it(drawn: Draw) -> None:
    assert "[bold]not markup[/bold] :smile:" in drawn(*STAGE)


def test_a_dry_run_draws_no_bar(drawn: Draw) -> None:
    assert "of 2" not in drawn(*STAGE, dry_run=True)


def test_a_stage_with_nobody_in_it_draws_no_bar(drawn: Draw) -> None:
    nobody = StageStarted(stage="fetch", release="slot0-1", targets=())
    ended = StageFinished(stage="fetch", release="slot0-1", succeeded=0, failed=(), seconds=0)
    assert drawn(nobody, ended) == ""


def test_bytes_that_are_no_text_do_not_stop_a_rollout(drawn: Draw) -> None:
    assert "caf" in drawn(Noted(message="caf\udce9"))
