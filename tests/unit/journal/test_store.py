"""The journal: each event, and what the events add up to."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sartoris.events import (
    DesiredStateChanged,
    Event,
    Published,
    RolloutEnded,
    RolloutStarted,
    StepStarted,
    Tagged,
    TargetAnswered,
)
from sartoris.journal.migrations import VERSION
from sartoris.journal.store import Journal, JournalUnusable
from sartoris.journal.unusable import JournalTooNew
from sartoris.orders import Outcome


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deploy" / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Journal:
    return Journal(path)


def started(session: str, at: float = 1.0, **changes: str) -> RolloutStarted:
    fields: dict[str, Any] = {
        "action": "start",
        "prefix": "slot0",
        "slot": "slot0",
        "start_tag": "slot0-0",
        "start_commit": "5" * 40,
        "by": "Some Deployer <d@example.org>",
        "host": "tin",
        "why": "the train",
    }
    return RolloutStarted(session=session, at=at, **(fields | changes))


def tagged(session: str, tag: str, commit: str = "c" * 40) -> Tagged:
    return Tagged(session=session, tag=tag, commit=commit, message=f"rollout {tag}", pushed=True)


def answered(target: str, at: float = 5.0, slot: str = "slot0", **fields: object) -> TargetAnswered:
    values: dict[str, object] = {"action": "switch", "ok": True, **fields}
    outcome = Outcome.from_json(values, target=target)
    return TargetAnswered(stage="switch", slot=slot, outcome=outcome, at=at)


def rollout(journal: Journal, session: str, tag: str, **changes: str) -> None:
    for event in (started(session, 1.0, **changes), tagged(session, tag, tag.encode().hex())):
        journal.record(event)


def test_events_come_back_in_order_by_session_as_in_json(journal: Journal) -> None:
    events: list[Event] = [
        started("one"),
        StepStarted(session="one", command="sync", repository="wiki", step="tag", detail="slot0-1"),
        answered("web1"),
        started("two"),
    ]
    kept = [replace(event, seq=journal.record(event)).to_json() for event in events]
    assert journal.events("one") == kept[:2]
    assert journal.events("") == [kept[2]]
    assert journal.events("two") == [kept[3]]


def test_another_process_follows_by_the_numbers_of_events(path: Path, journal: Journal) -> None:
    follower = Journal(path)
    assert (follower.last_seq(), follower.since(0)) == (0, [])
    numbers = [journal.record(started(session)) for session in ("one", "two", "three")]
    assert follower.last_seq() == numbers[-1]
    assert [event["session"] for event in follower.since(numbers[0])] == ["two", "three"]
    assert [event["seq"] for event in follower.since(0, limit=2)] == numbers[:2]
    assert follower.since(numbers[-1]) == []


def test_numbers_are_unique_and_grow_whichever_process_writes(path: Path, journal: Journal) -> None:
    other = Journal(path)
    numbers = [each.record(started(f"{n}")) for n in range(3) for each in (journal, other)]
    assert numbers == sorted(set(numbers))


def test_a_rollout_is_what_its_events_add_up_to(journal: Journal) -> None:
    journal.record(started("one", at=1.5))
    journal.record(tagged("one", "slot0-1"))
    published = Published(session="one", release="slot0-1", commit="b" * 40, source="c" * 40)
    journal.record(published)
    journal.record(RolloutEnded(session="one", result="finished", at=9.5))
    (record,) = journal.rollouts()
    assert (record.session, record.tag, record.release) == ("one", "slot0-1", "slot0-1")
    assert (record.commit_id, record.source) == ("b" * 40, "c" * 40)
    assert (record.started, record.ended, record.result) == (1.5, 9.5, "finished")
    assert (record.by, record.host) == ("Some Deployer <d@example.org>", "tin")


def test_a_rollout_that_was_killed_is_still_open(journal: Journal) -> None:
    rollout(journal, "one", "slot0-1")
    (record,) = journal.rollouts()
    assert record.ended is None
    assert record.result == ""


def test_what_the_next_process_records_belongs_to_the_session_it_resumes(path: Path) -> None:
    rollout(Journal(path), "one", "slot0-1")
    later = Journal(path)
    later.record(RolloutEnded(session="one", result="aborted"))
    assert later.rollouts()[0].result == "aborted"
    assert later.events("one")[-1]["event"] == "rollout-ended"


def test_rollouts_are_listed_by_prefix_newest_first_and_only_with_a_tag(journal: Journal) -> None:
    for number in range(5):
        rollout(journal, f"zero {number}", f"slot0-{number}")
        rollout(journal, f"one {number}", f"slot1-{number}", prefix="slot1")
    journal.record(started("never tagged"))
    tags = [record.tag for record in journal.rollouts(prefix="slot0", limit=3)]
    assert tags == ["slot0-4", "slot0-3", "slot0-2"]
    assert len(journal.rollouts(limit=100)) == 10


def test_a_rollout_is_found_by_its_tag_and_by_what_it_shipped(journal: Journal) -> None:
    rollout(journal, "one", "slot0-1")
    found = journal.rollout_of_tag("slot0-1")
    assert found is not None
    assert journal.rollout_of_tag("slot0-2") is None
    again = journal.rollout_of_source(found.source, "slot0")
    assert again == found
    assert journal.rollout_of_source(found.source, "slot1") is None


def test_the_tag_of_a_commit_is_the_newest_that_a_rollout_gave_it(journal: Journal) -> None:
    rollout(journal, "one", "slot0-1", start_commit="1" * 40)
    assert journal.tag_of_commit("1" * 40, "slot0") == "slot0-0"
    assert journal.tag_of_commit(b"slot0-1".hex(), "slot0") == "slot0-1"
    assert journal.tag_of_commit("1" * 40, "slot1") == ""
    rollout(journal, "two", "slot0-2", start_commit="2" * 40, action="revert")
    assert journal.tag_of_commit("2" * 40, "slot0") == ""


def test_a_target_is_remembered_by_what_it_answered_last(journal: Journal) -> None:
    journal.record(answered("web1", at=1.0, live="slot0-1", held=["slot0-1"]))
    journal.record(answered("web1", at=2.0, live="slot0-2", held=["slot0-1", "slot0-2"]))
    known = journal.targets("slot0")["web1"]
    assert (known.live, known.held) == ("slot0-2", ("slot0-1", "slot0-2"))
    assert (known.at, known.answered_at) == (2.0, 2.0)


@pytest.mark.parametrize("error", ["unreachable", "timeout"])
def test_a_target_that_does_not_answer_keeps_what_it_said_last(
    journal: Journal, error: str
) -> None:
    journal.record(answered("web1", at=1.0, live="slot0-1", held=["slot0-1"]))
    journal.record(answered("web1", at=2.0, ok=False, error=error, message="gone"))
    known = journal.targets("slot0")["web1"]
    assert (known.live, known.held, known.answered_at) == ("slot0-1", ("slot0-1",), 1.0)
    assert (known.error, known.message, known.at) == (error, "gone", 2.0)


def test_a_failure_that_was_answered_is_an_answer(journal: Journal) -> None:
    journal.record(answered("web1", ok=False, error="no-space", live="slot0-1"))
    assert journal.known_targets() == {"web1"}
    assert journal.targets("slot0")["web1"].live == "slot0-1"


def test_a_target_that_never_answered_is_not_known(journal: Journal) -> None:
    journal.record(answered("web1", ok=False, error="unreachable"))
    assert journal.known_targets() == frozenset()
    assert journal.targets("slot0")["web1"].answered_at is None


def test_slots_are_remembered_apart(journal: Journal) -> None:
    journal.record(answered("web1", live="slot0-1"))
    journal.record(answered("web1", slot="slot1", live="slot1-1"))
    assert journal.targets("slot0")["web1"].live == "slot0-1"
    assert journal.targets("slot1")["web1"].live == "slot1-1"


def test_bytes_that_are_no_text_are_recorded_all_the_same(journal: Journal) -> None:
    name = "caf\udce9"
    journal.record(started("one", why=name))
    journal.record(answered("web1", ok=False, error="io-error", message=name))
    journal.record(StepStarted(session="one", step=name))
    assert journal.events("one")[-1]["step"] == name


def test_a_record_and_what_it_changes_are_one(journal: Journal, path: Path) -> None:
    """An event whose record cannot be written changes nothing either."""
    rollout(journal, "one", "slot0-1")
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE events")
    database.close()
    with pytest.raises(JournalUnusable, match=r"journal\.sqlite cannot be written"):
        journal.record(RolloutEnded(session="one", result="finished"))
    assert Journal(path).rollouts()[0].result == ""


@pytest.mark.parametrize(
    "content", [b"not a database, and longer than a header" * 50, b"\0" * 4096]
)
def test_a_file_that_is_no_journal_is_refused_with_the_way_out(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(JournalUnusable, match=r"journal\.sqlite cannot be used") as caught:
        Journal(path)
    assert caught.value.next_steps[0].startswith("mv ")
    assert path.read_bytes() == content


def test_a_journal_of_a_later_version_is_left_alone(path: Path) -> None:
    Journal(path).close()
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")
    database.close()
    before = path.read_bytes()
    with pytest.raises(JournalTooNew, match=f"it has version {VERSION + 1}") as caught:
        Journal(path)
    assert any("upgrade Sartoris" in step for step in caught.value.next_steps)
    assert not any("mv" in step for step in caught.value.next_steps)
    assert path.read_bytes() == before


def test_a_directory_in_its_place_is_refused(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(JournalUnusable):
        Journal(path)


def test_many_processes_may_create_and_write_it_at_once(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(path, str(number))) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    journal = Journal(path)
    assert [len(journal.events(str(number))) for number in range(4)] == [21] * 4


def _write(path: Path, session: str) -> None:
    journal = Journal(path)
    journal.record(started(session))
    for number in range(20):
        journal.record(
            DesiredStateChanged(
                session=session, slot="slot0", release=f"slot0-{number}", before="slot0-0"
            )
        )


@pytest.mark.parametrize(("umask", "mode"), [(0o002, 0o664), (0o022, 0o644), (0o077, 0o600)])
def test_its_files_are_for_those_that_the_umask_allows(path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        journal = Journal(path)
        journal.record(started("one"))
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    names = ["journal.sqlite", "journal.sqlite-shm", "journal.sqlite-wal"]
    assert modes == dict.fromkeys(names, mode)
    assert path.parent.stat().st_mode & 0o777 == 0o777 & ~umask
