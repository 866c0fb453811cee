"""On a terminal lines are wrapped at words and coloured; pipes get them as they are."""

from __future__ import annotations

import io

import pytest

from sartoris.display import ending, streams
from sartoris.display.terminal import laid_out
from sartoris.errors import Refused
from tests.unit.display.screen import Screen

LONG = "    note: " + " ".join(f"word{number}" for number in range(30))


@pytest.fixture(autouse=True)
def _colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_a_long_line_goes_on_below_a_little_further_in_with_whole_words() -> None:
    lines = laid_out(LONG, Screen()).split("\n")
    assert len(lines) > 1
    assert all(len(line) <= 80 for line in lines)
    assert all(line.startswith("      word") for line in lines[1:])
    assert " ".join("\n".join(lines).split()) == " ".join(LONG.split())


def test_a_column_goes_on_below_itself() -> None:
    lines = laid_out(LONG, Screen(), hanging=20).split("\n")
    assert all(line.startswith(" " * 20 + "word") for line in lines[1:])


def test_what_is_to_be_typed_stays_whole() -> None:
    typed = "  git deploy converge " + " ".join(f"web{number}" for number in range(40))
    assert laid_out(typed, Screen()) == typed


def test_a_pipe_gets_a_line_as_it_is() -> None:
    assert laid_out(LONG, io.StringIO(), "red") == LONG


def test_a_style_is_a_colour_unless_nobody_wants_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert laid_out("wrong", Screen(), "red") == "\x1b[31mwrong\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert laid_out("wrong", Screen(), "red") == "wrong"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert laid_out("wrong", Screen(), "red") == "wrong"


def test_an_error_is_red_and_its_advice_can_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, step = Screen(), "rm " + "x" * 90
    monkeypatch.setattr("sys.stderr", screen)
    ending.tell("git-deploy", Refused("no\nbecause", next_steps=[step]))
    assert screen.getvalue().splitlines() == [
        "\x1b[31mgit-deploy: no\x1b[0m",
        "  because",
        "Next:",
        f"  {step}",
    ]


def test_a_terminal_that_obeys_bytes_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr("sys.stdout", screen)
    streams.print_line("caf\udce9", "green")
    assert screen.getvalue() == "\x1b[32mcaf\ufffd\x1b[0m\n"
