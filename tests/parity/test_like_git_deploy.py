"""The same commands, typed to git-deploy and to us, do the same, step by step.

What git-deploy does is recorded in `facts.json`. Where `GIT_DEPLOY_PERL` names its program
(`.../bin/git-deploy`), it runs too: the record must hold, and with `PARITY_RECORD` set it is
written anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from sartoris.rollout import tags
from tests.parity.differences import Why
from tests.parity.driver import (
    PERL,
    OurClock,
    Ours,
    Perl,
    Program,
    Seen,
    Session,
    Step,
    compare,
    start_tags_in,
)
from tests.parity.scenarios import SCENARIOS
from tests.parity.world import World

FACTS = Path(__file__).with_name("facts.json")
PAGE = Path(__file__).parents[2] / "docs" / "git-deploy.md"
RECORD = bool(PERL and os.environ.get("PARITY_RECORD"))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The site from which each program gets its copy."""
    return World.make(tmp_path_factory.mktemp("parity") / "site")


@pytest.fixture(autouse=True)
def moving_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No two tags in one second, as between two things that people type."""
    monkeypatch.setattr(tags, "datetime", OurClock)
    monkeypatch.delenv("SUDO_USER", raising=False)


@pytest.fixture(scope="module")
def facts() -> Iterator[dict[str, list[dict[str, Any]]]]:
    """What git-deploy did, and what differs in ours, by scenario."""
    found = json.loads(FACTS.read_text()) if FACTS.exists() else {}
    before = json.dumps(found)
    yield found
    if RECORD and json.dumps(found) != before:
        FACTS.write_text(_text({name: found[name] for name in sorted(found)}))


def _text(facts: dict[str, list[dict[str, Any]]]) -> str:
    """A line for each step, so that a change can be read."""
    scenarios = (
        f" {json.dumps(name)}: [\n  " + ",\n  ".join(map(json.dumps, steps)) + "\n ]"
        for name, steps in facts.items()
    )
    return "{\n" + ",\n".join(scenarios) + "\n}\n"


def _play(name: str, program: Program, world: World) -> list[Step]:
    session = Session(program, world)
    SCENARIOS[name](session)
    return session.steps


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_goes_as_with_git_deploy(
    name: str, template: World, tmp_path: Path, facts: dict[str, list[dict[str, Any]]]
) -> None:
    ours = _play(name, Ours(), template.copy(tmp_path / "ours"))
    if RECORD:
        theirs = _play(name, Perl(tmp_path), template.copy(tmp_path / "theirs"))
        facts[name] = _record([step.seen for step in theirs], ours)
    recorded = facts[name]
    assert len(ours) == len(recorded)
    late: set[str] = set()
    for step, fact in zip(ours, recorded, strict=True):
        late |= start_tags_in(step.seen)
        _check(step, fact, late)


def _check(step: Step, fact: dict[str, Any], late: set[str]) -> None:
    theirs = Seen.from_json(fact["git-deploy"])
    found = {aspect: pair[1] for aspect, pair in compare(theirs, step.seen, late).items()}
    expected = {k: tuple(v) if isinstance(v, list) else v for k, v in fact["ours"].items()}
    assert found == expected, f"after `git deploy {step.seen.typed}`"
    assert not expected or step.why or step.after, f"`{step.seen.typed}` differs for no reason"
    assert expected or not step.why, f"`{step.seen.typed}` differs no more"


def _record(theirs: Sequence[Seen], ours: Sequence[Step]) -> list[dict[str, Any]]:
    late: set[str] = set()
    steps = []
    for seen, step in zip(theirs, ours, strict=True):
        late |= start_tags_in(step.seen)
        differs = {aspect: pair[1] for aspect, pair in compare(seen, step.seen, late).items()}
        steps.append({"git-deploy": seen.to_json(), "ours": differs})
    return steps


@pytest.mark.skipif(not PERL, reason="GIT_DEPLOY_PERL does not name git-deploy's program")
@pytest.mark.parametrize("name", SCENARIOS)
def test_git_deploy_still_does_what_is_recorded(
    name: str, template: World, tmp_path: Path, facts: dict[str, list[dict[str, Any]]]
) -> None:
    theirs = _play(name, Perl(tmp_path), template.copy(tmp_path / "theirs"))
    assert [step.seen for step in theirs] == [
        Seen.from_json(fact["git-deploy"]) for fact in facts[name]
    ]


def test_every_recorded_scenario_is_there(facts: dict[str, list[dict[str, Any]]]) -> None:
    assert set(facts) == set(SCENARIOS)


@pytest.mark.parametrize("why", Why)
def test_every_difference_is_told_on_the_page_for_users_of_git_deploy(why: Why) -> None:
    assert str(why) in PAGE.read_text()
