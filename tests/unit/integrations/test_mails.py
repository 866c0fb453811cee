"""Which mails are sent: those whose topic the site asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.events import Event, EventStream, MailOffered, Noted, Warned
from sartoris.git.command import Git
from sartoris.integrations.mails import Mails


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """Where the mail program puts what it is given, behind a line with its arguments."""
    program = tmp_path / "send"
    program.write_text('#!/bin/sh\n{ echo "$*"; cat; } >>"${0%/*}/box"\n')
    program.chmod(0o755)
    return tmp_path / "box"


@pytest.fixture
def events(box: Path) -> EventStream:
    events = EventStream()
    events.subscribe(
        Mails(
            topics={"sync"},
            to="ops@example.org",
            tool=str(box.with_name("send")),
            person=lambda: "Ann Other <ann@example.org>",
            git=Git(box.parent),
            events=events,
        )
    )
    return events


@pytest.fixture
def seen(events: EventStream) -> list[Event]:
    heard: list[Event] = []
    events.subscribe(heard.append)
    return heard


def offered(topic: str, commits: str = "", deploy_text: str = "") -> MailOffered:
    return MailOffered(
        topic=topic,
        subject="slot0 live",
        text="It is live.\n",
        commits=commits,
        deploy_text=deploy_text,
    )


def test_a_topic_that_is_asked_for_is_sent_and_noted(
    events: EventStream, seen: list[Event], box: Path
) -> None:
    events.emit(offered("sync", deploy_text="commit: c0ffee\n"))
    mail = box.read_text()
    assert mail.startswith("ann@example.org ops@example.org\nFrom: Ann Other <ann@example.org>\n")
    assert "Subject: slot0 live\n" in mail
    assert mail.endswith("\n\nIt is live.\n\ncommit: c0ffee\n")
    assert any(isinstance(e, Noted) and e.message == "mail sent to ops@example.org" for e in seen)


def test_the_topic_decides_and_not_the_command_that_runs(events: EventStream, box: Path) -> None:
    events.about(command="sync")
    events.emit(offered("finish"))
    assert not box.exists()
    events.about(command="finish")
    events.emit(offered("sync"))
    assert box.exists()


def test_a_mail_whose_commits_git_does_not_know_is_a_warning(
    events: EventStream, seen: list[Event], box: Path
) -> None:
    events.emit(offered("sync", commits="slot0-1..slot0-2"))
    assert not box.exists()
    assert any(isinstance(event, Warned) and "shortlog" in event.message for event in seen)


def test_what_is_for_one_person_goes_to_them_at_any_topic(events: EventStream, box: Path) -> None:
    events.emit(
        MailOffered(
            topic="abort", subject="taken over", text="Yours.\n", to="Eve <eve@example.org>"
        )
    )
    assert "To: Eve <eve@example.org>" in box.read_text()
