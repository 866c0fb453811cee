"""What is told of a command: its start, its end, and nothing that is secret."""

from __future__ import annotations

import pytest

from sartoris.errors import Refused
from sartoris.events import CommandEnded, CommandStarted, Event, EventStream, Noted
from sartoris.observers import Typed, recorded

STARTED = CommandStarted(argv=("git deploy", "sync"), by="Ann", host="tin", process=1)


@pytest.fixture
def events() -> EventStream:
    return EventStream()


@pytest.fixture
def seen(events: EventStream) -> list[Event]:
    heard: list[Event] = []
    events.subscribe(heard.append)
    return heard


def end(seen: list[Event]) -> CommandEnded:
    assert isinstance(seen[-1], CommandEnded)
    return seen[-1]


def test_a_command_that_succeeds_ends_with_0(events: EventStream, seen: list[Event]) -> None:
    with recorded(events, STARTED, lambda _: pytest.fail("there is no error")):
        events.note("at work")
    assert [type(event) for event in seen] == [CommandStarted, Noted, CommandEnded]
    assert (end(seen).exit_code, end(seen).error, end(seen).message) == (0, "", "")


def test_an_error_is_told_with_its_exit_code_and_goes_on(
    events: EventStream, seen: list[Event]
) -> None:
    with pytest.raises(Refused), recorded(events, STARTED, lambda _: 71):
        raise Refused("not today", next_steps=["git deploy status"])
    assert (end(seen).exit_code, end(seen).error) == (71, "Refused")
    assert end(seen).message == "not today"


def test_leaving_with_0_is_no_error(events: EventStream, seen: list[Event]) -> None:
    with pytest.raises(SystemExit), recorded(events, STARTED, lambda _: 0):
        raise SystemExit(0)
    assert (end(seen).exit_code, end(seen).error) == (0, "")


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("https://ann:secret@example.org/x.git", "https://***@example.org/x.git"),
        ("ssh://token@example.org/x", "ssh://***@example.org/x"),
        ("https://example.org/@x", "https://example.org/@x"),
        ("ann@example.org:x", "ann@example.org:x"),
        ("see https://a:b@c/ and http://d:e@f/", "see https://***@c/ and http://***@f/"),
    ],
)
def test_what_stands_before_the_host_of_a_url_is_not_kept(word: str, kept: str) -> None:
    assert Typed("start", ("git deploy", word)).shown == ("git deploy", kept)
