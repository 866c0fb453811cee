"""Fingers that know git-deploy type here what they typed there."""

from __future__ import annotations

from collections.abc import Sequence

import click
import pytest

from sartoris.cli.main import COMMANDS, actions
from tests.system.site import Site

SAME = {
    "start": ["begin", "1"],
    "sync": ["2"],
    "finish": ["end", "done", "3"],
    "abort": ["oops", "bail", "4"],
    "release": ["good"],
    "show-tag": ["showtag", "latest"],
    "none": ["0"],
}
WORDS = [(word, action) for action, words in SAME.items() for word in words]


def in_any_case(word: str) -> list[str]:
    return sorted({word, word.upper(), word.capitalize(), word.swapcase()})


def chosen(word: str) -> str | None:
    """The action that is taken for what was typed."""
    with click.Context(actions) as context:
        name, command, _ = actions.resolve_command(context, [word])
    assert command is not None
    return name


@pytest.mark.parametrize(("word", "action"), WORDS)
def test_every_alias_in_any_case(word: str, action: str) -> None:
    for typed in in_any_case(word):
        assert chosen(typed) == action


@pytest.mark.parametrize("action", COMMANDS)
def test_every_action_in_any_case(action: str) -> None:
    for typed in in_any_case(action):
        assert chosen(typed) == action


def test_a_whole_rollout_in_aliases(plain: Site) -> None:
    plain.ok("Begin")
    plain.commit({"index.php": "version 2\n"})
    plain.push()
    plain.ok("2")
    assert plain.deploy("STATUS").code == 2
    plain.ok("done")
    plain.ok("1")
    plain.ok("OOPS")
    assert plain.deploy("status").code == 0


@pytest.mark.parametrize("word", ["latest", "showtag", "show-tag", "--show-tag"])
def test_the_tag_of_what_is_checked_out(deployed: Site, word: str) -> None:
    assert deployed.ok(word).out.strip() == deployed.desired()


@pytest.mark.parametrize("typed", [["0"], ["none"], ["--list"], []])
def test_no_action_lists_the_tags_of_what_is_checked_out(
    deployed: Site, typed: Sequence[str]
) -> None:
    head = deployed.head()
    tag = deployed.desired()
    deployed.rollout({"index.php": "version 2\n"})
    assert tag not in deployed.ok(*typed).out
    deployed.git("reset", "--quiet", "--hard", head)
    assert f"*tag: {tag}" in deployed.ok(*typed).out
    assert deployed.status()["status"] == "none"


@pytest.mark.parametrize("word", ["finnish", "Finnish", "FINNISH"])
def test_finnish_is_answered_kindly(plain: Site, word: str) -> None:
    plain.ok("start")
    ran = plain.deploy(word)
    assert ran.code != 0
    assert "Hei!" in ran.err
    assert "git deploy finish" in ran.err
    assert plain.status()["status"] == "started"


def test_an_action_that_does_not_exist_is_refused_with_what_was_meant(plain: Site) -> None:
    ran = plain.deploy("stat")
    assert ran.code == 2
    assert "There is no action 'stat'" in ran.err
    assert "Did you mean" in ran.err


@pytest.mark.parametrize(
    "typed",
    [
        ["--no-remote", "-m", "why not", "start", "slot1", "--new-prefix"],
        ["start", "slot1", "--new-prefix", "--no-remote", "-m", "why not"],
        ["start", "--no-remote", "slot1", "--new-prefix", "-m", "why not"],
        ["--no-remote", "start", "--message", "why not", "--prefix", "slot1", "--new-prefix"],
        ["--prefix", "slot1", "--no-remote", "--message=why not", "BEGIN"],
    ],
)
def test_options_stand_before_the_action_or_after_it(plain: Site, typed: Sequence[str]) -> None:
    with plain.no_network():
        plain.ok(*typed)
    status = plain.status()
    assert status["lock"]["why"] == "why not"
    assert status["rollout"]["prefix"] == "slot1"


def test_what_stands_after_the_action_wins(plain: Site) -> None:
    plain.ok("-m", "before", "start", "-m", "after")
    assert plain.status()["lock"]["why"] == "after"


def test_the_hidden_actions_are_not_in_the_help(plain: Site) -> None:
    shown = plain.ok("--help").out
    assert "push-hotfix" in shown
    assert "finnish" not in shown


@pytest.mark.parametrize("action", [*COMMANDS, "finnish"])
def test_every_action_has_help_outside_of_a_repository(site: Site, action: str) -> None:
    ran = site.deploy(action, "-h", at=site.root)
    if action not in ("log", "diff"):  # git's own options follow those
        assert ran.code == 0
        assert ran.out.startswith(f"Usage: git deploy {action} ")
