"""Each turn of a rollout has the topic by which a site asks for its mail and its log hooks."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest

from sartoris.actions import announcing
from sartoris.events import Announced, Event, EventStream, MailOffered
from sartoris.rollout.command import Command
from sartoris.rollout.session import Session
from sartoris.rollout.state import RolloutState

Turn = Callable[[Session], None]


def state(action: str = "start", way: str = "fleet") -> RolloutState:
    return RolloutState(
        session="s",
        action=action,
        prefix="slot0",
        slot="slot0",
        start_tag="slot0-1",
        rollout_tag="slot0-2",
        release="slot0-2",
        way=way,  # type: ignore[arg-type]
    )


def told(turn: Turn, command: str, of: RolloutState) -> list[Event]:
    """What is emitted at `turn` while `git deploy COMMAND` runs."""
    heard: list[Event] = []
    events = EventStream()
    events.subscribe(heard.append)
    person = SimpleNamespace(user="ann", host="tin")
    config = SimpleNamespace(repo_name="wiki")
    site = SimpleNamespace(user="ann", host="tin", config=config)
    stand_in = SimpleNamespace(events=events, action=command, state=of, person=person, site=site)
    turn(cast(Session, stand_in))
    return heard


def a_target_is_there(session: Session) -> None:
    announcing.converged(cast(Command, session), "web1 is there")


@pytest.mark.parametrize(
    ("turn", "command", "of", "topics"),
    [
        (announcing.starting, "start", state(), {"start"}),
        (announcing.started, "hotfix", state("hotfix"), {"hotfix"}),
        (announcing.started, "revert", state("revert"), {"revert"}),
        (announcing.syncing, "sync", state(), {"sync"}),
        (announcing.syncing, "resync", state(), {"resync"}),
        (announcing.synced, "sync", state(), {"sync"}),
        (announcing.synced, "resync", state("revert"), {"resync"}),
        (announcing.synced, "revert", state("revert"), {"revert"}),
        (announcing.synced, "revert", state("revert", "hook"), {"sync"}),
        (announcing.left_to_hand, "manual-sync", state(way="hand"), {"manual-sync"}),
        (announcing.released, "release", state(way="hand"), {"release"}),
        (lambda s: announcing.finished(s, loud=True), "sync", state(), {"finish"}),
        (announcing.tagged, "tag", state("tag"), {"tag"}),
        (lambda s: announcing.going_back(s, ""), "abort", state(), {"abort"}),
        (lambda s: announcing.aborted(s, "web2 failed"), "abort", state(), {"abort"}),
        (lambda s: announcing.pushed(s, "a", "b"), "push-hotfix", state(), {"push-hotfix"}),
        (a_target_is_there, "converge", state(), {"converge"}),
        (announcing.synced, "start", state("start"), {"start"}),
    ],
)
def test_the_topic_of_a_turn(turn: Turn, command: str, of: RolloutState, topics: set[str]) -> None:
    events = told(turn, command, of)
    kinds = (Announced, MailOffered)
    assert {event.topic for event in events if isinstance(event, kinds)} == topics


def test_an_announcement_has_what_log_hooks_find_in_their_environment() -> None:
    announced, mail = told(announcing.synced, "sync", state())
    assert isinstance(announced, Announced)
    assert (announced.prefix, announced.start_tag, announced.rollout_tag) == (
        "slot0",
        "slot0-1",
        "slot0-2",
    )
    assert announced.announce is True
    assert isinstance(mail, MailOffered)
    assert mail.commits == "slot0-1..slot0-2"
    assert mail.deploy_text.startswith("commit: ")


def test_a_turn_for_logs_only_says_so() -> None:
    (event,) = told(lambda s: announcing.announce(s, "m", loud=False), "sync", state())
    assert isinstance(event, Announced)
    assert event.announce is False
