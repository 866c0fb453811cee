"""A mail, whatever is in it, is handed to the mail program, or is a `MailFailed`."""

from __future__ import annotations

import email
import os
import signal
import time
from contextlib import suppress
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartoris.integrations.mail import Mailer, MailFailed

ANY_TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from("\udce9\udcff"),
    max_size=30,
)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A mail program that keeps the mail and its arguments beside itself."""
    return script(tmp_path, 'cat > "$0.mail"; printf "%s\\n" "$@" > "$0.arguments"')


def script(directory: Path, body: str) -> Path:
    path = directory / "mailer"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def mailer(program: Path, **settings: float) -> Mailer:
    return Mailer(f"{program} -f", "Ann Example", "ann@example.org", **settings)


def sent(program: Path) -> EmailMessage:
    raw = program.with_name("mailer.mail").read_bytes()
    message = email.message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def arguments(program: Path) -> list[str]:
    return program.with_name("mailer.arguments").read_text().splitlines()


def test_the_program_gets_the_sender_and_every_receiver(program: Path) -> None:
    to = 'ops@example.org, "Deploys, all" <deploys@example.org>'
    assert mailer(program).send(to, "a subject", "a body")
    assert arguments(program) == ["-f", "ann@example.org", "ops@example.org", "deploys@example.org"]
    message = sent(program)
    assert message["To"] == to
    assert message["From"] == "Ann Example <ann@example.org>"
    assert message["Subject"] == "a subject"
    assert message.get_content() == "a body\n"
    assert message["Date"].datetime.timestamp() == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize("nobody", ["none", "silent", "NONE", "", "  "])
def test_nobody_gets_no_mail(program: Path, nobody: str) -> None:
    assert not mailer(program).send(nobody, "a subject", "a body")
    assert not program.with_name("mailer.mail").exists()


def test_bytes_that_are_no_text_are_shown_as_such(program: Path) -> None:
    named = Mailer(str(program), "J\udcf6rg", "joerg@example.org")
    assert named.send("ops@example.org", "f\udcfcr", "caf\udce9\n")
    message = sent(program)
    assert message["From"].addresses[0].display_name == "J\ufffdrg"
    assert message["Subject"] == "f\ufffdr"
    assert message.get_content() == "caf\ufffd\n"


def test_long_lines_arrive_whole_and_are_short_on_the_way(program: Path) -> None:
    body = "x" * 5000 + "\n" + "\N{SNOWMAN}" * 2000 + "\n"
    assert mailer(program).send("ops@example.org", "y" * 3000, body)
    raw = program.with_name("mailer.mail").read_bytes()
    assert max(map(len, raw.split(b"\n"))) < 998
    assert sent(program).get_content() == body


@given(name=ANY_TEXT, subject=ANY_TEXT, body=ANY_TEXT)
def test_no_text_breaks_a_mail(name: str, subject: str, body: str) -> None:
    sender = Mailer("true", name, "ann@example.org")
    with suppress(MailFailed):
        assert sender.send("ops@example.org", subject, body)


@given(to=ANY_TEXT, address=ANY_TEXT)
def test_no_address_is_worse_than_no_mail(to: str, address: str) -> None:
    with suppress(MailFailed):
        Mailer("true", "Ann", address).send(to, "a subject", "a body")


@pytest.mark.parametrize("to", ["ops@example.org\nBcc: all@example.org", "<", ",,"])
def test_what_is_no_address_is_refused(program: Path, to: str) -> None:
    with pytest.raises(MailFailed):
        mailer(program).send(to, "a subject", "a body")
    assert not program.with_name("mailer.mail").exists()


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(MailFailed, match="no-such-mailer"):
        mailer(tmp_path / "no-such-mailer").send("ops@example.org", "a subject", "a body")


def test_a_program_that_fails_is_quoted(tmp_path: Path) -> None:
    failing = script(tmp_path, "echo the queue is full >&2; exit 75")
    with pytest.raises(MailFailed, match="exited with 75: the queue is full"):
        mailer(failing).send("ops@example.org", "a subject", "x" * 1_000_000)


def test_a_program_that_is_killed_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(MailFailed, match="killed by signal 9"):
        mailer(script(tmp_path, "kill -9 $$")).send("ops@example.org", "a subject", "a body")


def test_a_program_that_hangs_is_stopped(tmp_path: Path) -> None:
    hanging = script(tmp_path, "exec sleep 600")
    with pytest.raises(MailFailed, match=r"longer than 0\.2 seconds"):
        mailer(hanging, timeout=0.2).send("ops@example.org", "a subject", "a body")


def test_what_a_program_leaves_running_is_not_waited_for(tmp_path: Path) -> None:
    child = tmp_path / "child"
    leaving = script(tmp_path, f"sleep 600 & echo $! > '{child}'")
    assert mailer(leaving).send("ops@example.org", "a subject", "a body")
    os.kill(int(child.read_text()), signal.SIGKILL)  # raises if it does not run any more


def test_a_command_line_that_is_none_is_no_mail() -> None:
    for tool in ('sendmail "', "", "a\0b"):
        with pytest.raises(MailFailed):
            Mailer(tool, "Ann", "ann@example.org").send("ops@example.org", "a subject", "a body")
