"""`git deploy help`: the pages, and the options of actions."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import pytest

from sartoris.cli import boundary, documentation
from sartoris.cli.main import main

DOCS = Path(__file__).parents[3] / "docs"


def typed(*words: str) -> int:
    return boundary.guarded("git-deploy", lambda: main(words))


@pytest.fixture(autouse=True)
def outside_of_any_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_index_has_every_page_and_says_for_whom_it_is() -> None:
    pages = {path.stem for path in DOCS.glob("*.md")} - {"README"}
    assert {one.name for one in documentation.topics()} == pages
    assert all(one.about and one.readers for one in documentation.topics())


def test_without_a_word_all_pages_are_listed_and_where_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert typed("help") == 0
    listed = capsys.readouterr().out
    for one in documentation.topics():
        assert f"\n  {one.name} " in listed
    assert "\n  manual " in listed
    assert f"files in {DOCS}\n" in listed
    assert max(map(len, listed.splitlines()[:-1])) <= 80


@pytest.mark.parametrize("words", ["hooks", "HOOKS", "hooks.md", "docs/hooks.md"])
def test_a_page_is_printed_as_it_is_to_a_pipe(
    capsys: pytest.CaptureFixture[str], words: str
) -> None:
    assert typed("help", words) == 0
    assert capsys.readouterr().out == (DOCS / "hooks.md").read_text()


def test_on_a_terminal_it_goes_through_the_pager_and_no_line_is_wider_than_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    paged: list[str] = []
    monkeypatch.setattr(click, "echo_via_pager", lambda text, **_: paged.append(text))
    assert typed("help", "hooks") == 0
    (text,) = paged
    assert "Hooks on targets" in text
    assert max(len(click.unstyle(line)) for line in text.splitlines()) <= 60


@pytest.mark.parametrize("word", ["abort", "oops", "Abort"])
def test_of_an_action_it_is_what_h_says(capsys: pytest.CaptureFixture[str], word: str) -> None:
    assert typed("abort", "-h") == 0
    by_option = capsys.readouterr().out
    assert typed("help", word) == 0
    assert capsys.readouterr().out == by_option


@pytest.mark.parametrize(("word", "meant"), [("hookz", "hooks"), ("trouble-shooting", "trouble")])
def test_a_word_that_is_no_topic_is_wrong_usage_with_what_was_probably_meant(
    capsys: pytest.CaptureFixture[str], word: str, meant: str
) -> None:
    assert typed("help", word) == 2
    assert f"There is no topic '{word}'. Did you mean {meant}" in capsys.readouterr().err


def test_without_man_it_says_where_the_actions_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert typed("help", "manual") == 1
    assert "git deploy help commands" in capsys.readouterr().err
