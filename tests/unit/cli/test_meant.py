"""What was meant by words that are no actions, and by options that came early."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.cli.main import COMMANDS, actions
from sartoris.cli.meant import _OTHER_WORDS, behind_the_action, hint, say_what_else
from tests.unit.actions.world import World


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("undo", "rollback"),
        ("LIST", "show"),
        ("deploy", "ship"),
        ("version", "--version"),
        ("settings", "help configuration"),
        ("restart", "service restart"),
        ("snyc", "sync"),
    ],
)
def test_a_word_that_is_no_action_is_answered_with_the_one_that_is_meant(
    word: str, meant: str
) -> None:
    assert hint(word, list(COMMANDS)) == f"Did you mean {meant}?"


def test_a_word_that_nobody_knows_is_answered_with_where_they_are_listed() -> None:
    assert hint("xyzzy", list(COMMANDS)) == "git deploy -h lists them."


def test_what_is_suggested_is_there() -> None:
    assert {meant.split()[0] for meant in _OTHER_WORDS.values()} <= {*COMMANDS, "--version"}


@pytest.mark.parametrize(
    ("typed", "order"),
    [
        ("--dry-run sync", "sync --dry-run"),
        ("--force --dry-run sync slot0", "--force sync --dry-run slot0"),
        ("-m sync --dry-run abort", "-m sync abort --dry-run"),
        ("--yes rollback", "rollback --yes"),
        ("sync --dry-run", "sync --dry-run"),
        ("--list", "--list"),
        ("-m", "-m"),
    ],
)
def test_options_that_only_some_actions_have_may_stand_before_them(typed: str, order: str) -> None:
    assert behind_the_action(typed.split(), actions.params) == order.split()


@pytest.mark.parametrize(("name", "what"), [("web1", "a target"), ("main", "a branch")])
def test_a_name_of_something_else_where_a_prefix_stands_is_said_to_be_that(
    name: str, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(tmp_path)
    say_what_else(world.site(), name)
    told = capsys.readouterr()
    assert f"{name} is {what}, and what stands here is a prefix" in told.err
    assert told.out == ""


@pytest.mark.parametrize("prefix", [None, "slot0"])
def test_of_a_prefix_nothing_is_said(
    prefix: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say_what_else(World(tmp_path).site(), prefix)
    assert capsys.readouterr().err == ""
