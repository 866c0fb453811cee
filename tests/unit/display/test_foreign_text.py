"""What others wrote reaches a terminal, a log and a mail as text, and as nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sartoris import events
from sartoris.cli.live import LiveLines
from sartoris.display import ending, streams
from sartoris.display.lines import Lines
from sartoris.display.past import past
from sartoris.display.table import table
from sartoris.errors import Refused
from sartoris.events import Event
from sartoris.formatting import hanging, shown, shown_on_one_line
from sartoris.integrations.logfile import LogFile
from sartoris.integrations.timing import Timing
from sartoris.shell import command
from tests.unit.display.screen import Screen
from tests.unit.samples import any_event

SOURCE = Path(__file__).parents[3] / "src" / "sartoris"
CONTROLS = [*range(9), *range(11, 32), *range(127, 160), *range(0x202A, 0x202F)]
CONTROLS += [*range(0x2066, 0x206A), 0xD800, 0xDFFF]
RAW = re.compile("[" + "".join(f"\\U{code:08x}" for code in CONTROLS) + "]")
EVIL = "a\x1b]0;title\x07\x1b[2K\r\x7f\x9b2J\u202eb\u2066c [red]:bug:\n# root | FORGED"
KINDS = sorted(
    (kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)),
    key=lambda kind: kind.__name__,
)
KINDS.remove(Event)


@pytest.mark.parametrize("code", CONTROLS)
def test_what_a_terminal_obeys_is_escaped(code: int) -> None:
    assert not RAW.search(shown(f"a{chr(code)}b"))
    assert shown(f"a{chr(code)}b").startswith("a\\")


@pytest.mark.parametrize(
    "text",
    ["Füße", "日本語", "שלום", "\u200fعربي", "👩\u200d🚀", "a\tb", "[red]x[/red]", "1\u00a0000"],
)
def test_letters_of_every_language_stay(text: str) -> None:
    assert shown(text) == shown_on_one_line(text) == text


def test_lines_stay_where_there_may_be_some() -> None:
    assert shown("a\nb") == "a\nb"
    assert shown_on_one_line("a\nb") == "a\\nb"
    assert hanging("a\nNext:\n  rm\n\nb") == "a\n  Next:\n  rm\n\n  b"


def test_any_text_at_all_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    every = "".join(map(chr, [*range(0x100), *range(0x2000, 0x2100), *range(0xD7F0, 0xE010, 9)]))
    Lines()(events.Noted(message=every))
    streams.say(every)
    assert capsys.readouterr().err


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_lines_of_every_event_are_clean(
    kind: type[Event], dry_run: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    Lines(verbose=True, dry_run=dry_run)(any_event(kind, EVIL))
    out, err = capsys.readouterr()
    assert out == ""
    assert_clean(err)


@pytest.mark.parametrize("kind", KINDS)
def test_lines_on_a_terminal_of_every_event_are_clean(
    kind: type[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")  # colours are controls of ours
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    LiveLines(verbose=True)(any_event(kind, EVIL))
    if kind is not events.StageStarted:  # the bar's own
        assert_clean(screen.getvalue())


@pytest.mark.parametrize("kind", KINDS)
def test_the_history_of_every_event_is_clean(
    kind: type[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    for line in past([any_event(kind, EVIL).to_json()]):
        streams.print_line(line)
    assert_clean(capsys.readouterr().out)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_makes_a_line_of_its_own_in_a_log(kind: type[Event], tmp_path: Path) -> None:
    LogFile(tmp_path, "ann", pytest.fail)(any_event(kind, EVIL))
    for log in tmp_path.glob("*.log"):
        text = log.read_text()
        assert_clean(text)
        heads = re.compile(r"# ann          \| \S+ \S+ # *[A-Z]+: ")
        first, *more = text.splitlines()
        assert heads.match(first)
        # It is seen to go on with what stands above it.
        assert all(line[heads.match(line).end() :].startswith(" ") for line in more)  # type: ignore[union-attr]


def test_a_timing_has_its_command_on_one_line(tmp_path: Path) -> None:
    timing = Timing(tmp_path, pytest.fail)
    started = events.CommandStarted(argv=("git deploy", EVIL), by="", host="", process=1, at=9.0)
    timing(started)
    timing(events.CommandEnded(exit_code=0, seconds=1, at=9.5))
    (file,) = tmp_path.glob("timing*")
    assert_clean(file.read_text())
    assert len(file.read_text().splitlines()) == 3


def test_an_error_and_its_advice_are_clean_and_only_its_first_line_is_at_the_edge(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ending.tell("git-deploy", Refused(f"no: {EVIL}\nNext:\n  rm -rf /", next_steps=[EVIL]))
    err = capsys.readouterr().err
    assert_clean(err)
    assert [line for line in err.splitlines() if not line.startswith(" ")][1:] == ["Next:"]


def test_a_table_keeps_its_rows_whole(capsys: pytest.CaptureFixture[str]) -> None:
    for line in table(("target", "state"), [(EVIL, "up"), ("web2", "up")]):
        streams.print_line(line)
    out = capsys.readouterr().out
    assert_clean(out)
    assert len(out.splitlines()) == 3


def test_json_has_every_character_and_no_control(capsys: pytest.CaptureFixture[str]) -> None:
    import json

    streams.print_document({"text": EVIL}, indent=None)
    out = capsys.readouterr().out
    assert_clean(out)
    assert json.loads(out) == {"text": EVIL}


def test_advice_about_a_hostile_name_works_when_it_is_typed() -> None:
    import subprocess

    typed = command("printf", "%s", "it's\\ \x1b[2K\n\u202e")
    assert_clean(typed)
    done = subprocess.run(["bash", "-c", typed], capture_output=True, check=True)
    assert done.stdout.decode() == "it's\\ \x1b[2K\n\u202e"
    assert command("git", "rm", "a b") == "git rm 'a b'"


_PRINTS = (
    r"print|click\.(s?echo|prompt|confirm)|sys\.std(out|err)\.(buffer\.)?write|.*_console\.print"
)

# Who may write to the terminal by another way than `display/streams.py`, and what.
MAY_PRINT = {
    "cli/live.py": "rich's own bar, and lines that it has escaped",
    "cli/manual.py": "made from our own words, for `make docs`",
    "demo": "a story that it tells itself",
    "hooks/listener.py": "the site's own programs, which have the terminal anyway",
    "agent": "for its transport, not for people",
    "salt": "for its transport, not for people",
    "config/reference.py": "made from our own words, for `make docs`",
    "event_reference.py": "made from our own words, for `make docs`",
    "display/streams.py": "it escapes",
}


def test_there_is_one_way_to_the_terminal() -> None:
    found = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if any(prints(path))}
    others = {name for name in found if not name.startswith(tuple(MAY_PRINT))}
    assert others == set()


def prints(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if re.fullmatch(
                _PRINTS,
                called,
            ):
                yield called


def assert_clean(text: str) -> None:
    assert not RAW.search(text), text
    assert not any(line.startswith("# root") for line in text.splitlines())
