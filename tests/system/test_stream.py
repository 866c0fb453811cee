"""The stream of events, whole: the same in `--json` and in the journal, from start to end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from sartoris.journal.store import Journal
from sartoris.releases.publish import PublishRepository
from tests.system.site import Site

Document = dict[str, Any]


def recorded(site: Site, seq: int = 0) -> list[Document]:
    """What the journal has after event `seq`."""
    with closing(Journal(site.state_directory / "journal.sqlite")) as journal:
        return journal.since(seq, limit=10_000)


def last(site: Site) -> int:
    path = site.state_directory / "journal.sqlite"
    if not path.exists():
        return 0
    with closing(Journal(path)) as journal:
        return journal.last_seq()


def kinds(events: list[Document]) -> list[str]:
    return [event["event"] for event in events]


def change(site: Site, text: str = "version 2\n") -> None:
    site.commit({"index.php": text})
    site.push()


def test_every_event_of_a_command_is_in_the_journal_as_it_is_in_json(site: Site) -> None:
    site.hook("pre-start.10-say", "echo before it starts")
    shown = site.ok("start", "--json").events
    change(site)
    shown += site.ok("sync", "--json").events
    assert shown == recorded(site)
    assert [event["seq"] for event in shown] == list(range(1, len(shown) + 1))


def test_a_rollout_has_all_its_events_from_the_command_that_begins_it(deployed: Site) -> None:
    before = last(deployed)
    deployed.ok("start")
    change(deployed)
    deployed.ok("sync")
    events = recorded(deployed, before)
    assert kinds(events)[:1] == ["command-started"]
    assert kinds(events)[-1] == "command-ended"
    (session,) = {event["session"] for event in events}
    assert session
    assert {event["repository"] for event in events} == {"wiki"}
    assert [e["command"] for e in events] == sorted(e["command"] for e in events)
    assert {event["slot"] for event in events if event["event"] == "tagged"} == {"slot0"}
    steps = [(e["event"], e.get("step")) for e in events]
    assert steps.count(("step-started", "check")) == steps.count(("step-finished", "check")) == 1


def test_a_command_says_who_typed_what_and_how_it_ended(site: Site) -> None:
    with site.typed_by("Ann"):
        site.ok("start", "-m", "the train")
    started, ended = recorded(site)[0], recorded(site)[-1]
    assert started["argv"] == ["git deploy", "start", "-m", "the train"]
    assert started["by"] == "Ann <ann@example.org>"
    assert started["process"] > 0
    assert (ended["exit_code"], ended["error"], ended["message"]) == (0, "", "")
    assert ended["seconds"] > 0


def test_passwords_in_addresses_are_not_kept(site: Site) -> None:
    site.deploy("--remote-site", "https://ann:secret@example.org/wiki.git", "start")
    assert "secret" not in str(recorded(site)[0])
    assert "https://***@example.org/wiki.git" in recorded(site)[0]["argv"]


def test_what_is_refused_leaves_a_trace_in_the_rollout_that_was_in_its_way(site: Site) -> None:
    site.ok("start")
    (session,) = {event["session"] for event in recorded(site)}
    before = last(site)
    with site.typed_by("Bob"):
        assert site.deploy("start").code == 1
    started, *_, ended = recorded(site, before)
    assert (started["event"], started["by"]) == ("command-started", "Bob <bob@example.org>")
    assert (ended["exit_code"], ended["error"]) == (1, "LockHeld")
    assert "Some Deployer" in ended["message"]
    assert started["session"] == ended["session"] == session


def test_a_check_that_fails_leaves_a_trace(site: Site) -> None:
    (site.repo / "index.php").write_text("not committed\n")
    assert site.deploy("start").code == 1
    events = recorded(site)
    assert kinds(events) == ["command-started", "command-ended"]
    assert events[-1]["error"] == "DirtyTree"


def test_a_configuration_that_cannot_be_used_leaves_a_trace(site: Site) -> None:
    site.config("deploy.max-failed", "many")
    ran = site.deploy("start")
    assert ran.code == 1
    assert recorded(site)[-1]["error"] == "ConfigError"
    assert "deploy.max-failed" in recorded(site)[-1]["message"]


@pytest.mark.parametrize("words", [["status"], ["show"], ["show-tag"], ["modified"], ["--list"]])
def test_a_question_opens_no_journal(site: Site, words: list[str]) -> None:
    site.deploy(*words)
    journal = site.state_directory / "journal.sqlite"
    assert not journal.exists() or words in (["show-tag"], ["--list"])


def test_what_a_hook_writes_is_part_of_the_stream_and_still_on_standard_error(site: Site) -> None:
    hook = site.hook("pre-start.10-say", "echo to one; echo to the other >&2; printf end")
    ran = site.run("start", "--json")
    assert "to one\nto the other\nend" in ran.err
    told = [event for event in ran.events if event.get("hook") == str(hook)]
    assert (told[0]["event"], told[0]["phase"]) == ("hook-started", "pre-start")
    text = "".join(event["text"] for event in told if event["event"] == "hook-output")
    assert text == "to one\nto the other\nend"
    assert (told[-1]["event"], told[-1]["exit_code"]) == ("hook-ran", 0)


def test_bytes_of_a_hook_that_are_no_text_pass_as_they_are(site: Site) -> None:
    site.hook("pre-start.10-say", r"printf 'caf\351 \303'; sleep 0.05; printf '\251\n'")
    with site.spawn("start") as process:
        _, err = process.communicate()
    assert b"caf\xe9 \xc3\xa9\n" in err
    text = "".join(e["text"] for e in recorded(site) if e["event"] == "hook-output")
    assert text == "caf\udce9 \u00e9\n"


# A journal on a bad day.


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process, as it were, writes to the journal and does not come to an end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def test_a_journal_that_is_moved_away_in_the_middle_stops_nothing_and_says_so(
    deployed: Site,
) -> None:
    journal = deployed.state_directory / "journal.sqlite"
    hook = deployed.hook("pre-sync.10-move", f"mv '{journal}' '{journal}.away'")
    deployed.ok("start")
    change(deployed)
    ran = deployed.ok("sync")
    assert "was moved away while it was in use; this command goes on without it" in ran.err
    assert ran.err.count("this command goes on without it") == 1
    assert deployed.files("web1")["index.php"] == "version 2\n"
    assert not journal.exists()
    hook.unlink()
    deployed.rollout({"index.php": "version 3\n"})
    assert kinds(recorded(deployed))[0] == "command-started"


def test_a_disk_that_is_full_in_the_middle_stops_nothing_and_says_so(
    deployed: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed.ok("start")
    change(deployed)
    opened = Journal.__init__

    def on_a_small_disk(journal: Journal, path: Path, *, copy: Path | None = None) -> None:
        opened(journal, path, copy=copy)
        (pages,) = journal._database.execute("PRAGMA page_count").fetchone()
        journal._database.execute(f"PRAGMA max_page_count = {pages}")

    monkeypatch.setattr(Journal, "__init__", on_a_small_disk)
    ran = deployed.ok("sync")
    assert "database or disk is full; this command goes on without it" in ran.err
    assert deployed.files("web1")["index.php"] == "version 2\n"


def test_a_journal_that_somebody_holds_is_waited_for_and_then_named(
    deployed: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sartoris.journal.store.PATIENCE", 0.05)
    with locked(deployed.state_directory / "journal.sqlite"):
        ran = deployed.deploy("start")
    assert ran.code == 1
    assert "database is locked" in ran.err
    assert "holds it" in ran.err
    assert "mv " not in ran.err
    assert deployed.holder is None
    deployed.ok("start")


def test_one_that_is_held_from_the_middle_on_stops_nothing_and_says_so(
    deployed: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sartoris.journal.store.PATIENCE", 0.05)
    journal = deployed.state_directory / "journal.sqlite"
    deployed.ok("start")
    change(deployed)
    compose = PublishRepository.compose
    with ExitStack() as held:

        def composed(publish: PublishRepository, commit: str) -> str:
            held.enter_context(locked(journal))
            return compose(publish, commit)

        monkeypatch.setattr(PublishRepository, "compose", composed)
        ran = deployed.ok("sync")
    assert "database is locked; another process holds it" in ran.err
    assert ran.err.count("this command goes on without it") == 1
    assert deployed.files("web1")["index.php"] == "version 2\n"
