"""What is known of a rollout when its files are lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from sartoris.documents import text_of
from sartoris.events import (
    DesiredStateChanged,
    DocumentWritten,
    Event,
    Published,
    RolloutEnded,
    RolloutStarted,
    StepStarted,
    Tagged,
)
from sartoris.fleet.desired import Desired
from sartoris.journal.store import Journal
from sartoris.rollout.decisions import Here
from sartoris.rollout.lock import Holder
from sartoris.rollout.recovery import Recovery
from sartoris.rollout.state import Progress, RolloutState, StateLost
from tests.unit.rollout.test_state import BEFORE
from tests.unit.rollout.test_state import STATE as STARTING

HOLDER = Holder(
    session="one",
    user="ann",
    who="Ann <a@e>",
    host="tin",
    process=1,
    since=1000.0,
    action="start",
    repository="/srv/wiki/.git",
)
HERE = Here(branch="main", way=lambda _: "fleet", path=lambda prefix: f"/srv/{prefix}")
NEW = replace(BEFORE, release="slot0-2", commit="c" * 40, source="d" * 40, rollout="slot0-2")
SWITCHING = STARTING.reach(
    Progress.SWITCHING,
    rollout_tag="slot0-2",
    release="slot0-2",
    commit=NEW.commit,
    source=NEW.source,
    before=BEFORE,
)
STARTED = RolloutStarted(
    session="one",
    action="start",
    prefix="slot0",
    slot="slot0",
    start_tag="slot0-1",
    start_commit=BEFORE.source,
    by="Ann <a@e>",
    host="tin",
)
TAGGED = Tagged(session="one", tag="slot0-2", commit=NEW.source, message="two", pushed=True)
PUBLISHED = Published(session="one", release="slot0-2", commit=NEW.commit, source=NEW.source)
CHANGED = DesiredStateChanged(slot="slot0", release="slot0-2", before="slot0-1")
ENDED = RolloutEnded(session="one", result="finished")


class Place:
    """A directory with a journal, and what is warned of."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.warnings: list[str] = []
        self.published = True
        self.recovery = Recovery(
            directory, lambda: self.published, lambda: HERE, self.warnings.append
        )

    def record(self, *events: Event, session: str = "one") -> None:
        journal = Journal(self.directory / "journal.sqlite")
        for event in events:
            journal.record(replace(event, session=session))
        journal.close()

    def ship_first(self) -> None:
        """An older Sartoris brought slot0-1, in a rollout of its own."""
        first = replace(STARTING, session="zero")
        self.record(
            RolloutStarted(
                session="zero",
                action=first.action,
                prefix="slot0",
                slot="slot0",
                start_tag="",
                start_commit="",
                by="Bob <b@e>",
                host="tin",
                at=500.0,
            ),
            Tagged(session="zero", tag="slot0-1", commit=BEFORE.source, message="", pushed=True),
            Published(
                session="zero", release="slot0-1", commit=BEFORE.commit, source=BEFORE.source
            ),
            DesiredStateChanged(slot="slot0", release="slot0-1", before=""),
            RolloutEnded(session="zero", result="finished"),
            session="zero",
        )

    def desire(self, desired: Desired) -> None:
        text = text_of({"slots": {desired.slot: desired.to_json()}})
        (self.directory / "desired.json").write_text(text)

    def state(self, why: str = "", holder: Holder | None = HOLDER) -> RolloutState | None:
        return self.recovery.state(why, holder)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def written(*states: RolloutState) -> Iterable[Event]:
    return [DocumentWritten(document="rollout", content=state.to_json()) for state in states]


def test_without_a_lock_there_is_no_rollout(place: Place) -> None:
    place.record(*written(SWITCHING))
    assert place.state(holder=None) is None


def test_the_newest_state_that_was_written_is_the_state(place: Place) -> None:
    place.record(*written(STARTING, SWITCHING, replace(SWITCHING, left_behind=("web1",))))
    assert place.state() == replace(SWITCHING, left_behind=("web1",), rebuilt="is missing")
    found = place.state("it is empty")
    assert found
    assert found.rebuilt == "cannot be read (it is empty)"


def test_a_lock_that_cannot_be_read_is_of_the_newest_rollout(place: Place) -> None:
    place.record(*written(SWITCHING))
    assert place.state(holder=HOLDER._replace(session="")) == replace(
        SWITCHING, rebuilt="is missing"
    )
    place.record(ENDED)
    assert place.state(holder=HOLDER._replace(session="")) is None


def test_an_end_that_was_killed_before_it_freed_its_lock_is_over(place: Place) -> None:
    place.record(*written(SWITCHING), ENDED)
    found = place.state()
    assert found
    assert found.ended == "finished"


def test_a_rollout_that_went_on_after_an_end_is_not_over(place: Place) -> None:
    place.record(*written(SWITCHING), ENDED, *written(SWITCHING))
    found = place.state()
    assert found
    assert (found.ended, found.progress) == ("", Progress.SWITCHING)


def test_a_journal_with_damaged_events_is_not_believed(place: Place) -> None:
    place.record(*written(SWITCHING))
    for damage in ("'[]'", "'{'", "NULL", "7", "replace(data, 'document', 'documenu')"):
        with closing(sqlite3.connect(place.directory / "journal.sqlite")) as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM events")
            database.execute("DELETE FROM events")
            database.execute("INSERT OR IGNORE INTO events SELECT * FROM kept")
            try:
                database.execute(f"UPDATE events SET data = {damage}")
            except sqlite3.IntegrityError:
                continue
        with pytest.raises(StateLost):
            place.state("it is empty")
        assert place.recovery.desired(f"after {damage}").slots == {}


def test_a_rollout_that_an_older_journal_does_not_know_has_only_begun(place: Place) -> None:
    place.ship_first()
    assert place.state(holder=HOLDER._replace(since=2e10)) is None
    assert place.state("it is empty", HOLDER._replace(since=2e10)) is None


def test_a_journal_that_is_newer_than_the_rollout_says_nothing(place: Place) -> None:
    place.ship_first()
    with pytest.raises(StateLost, match="the journal has nothing of this rollout") as caught:
        place.state(holder=HOLDER._replace(since=1.0))
    steps = [step.split()[2] for step in caught.value.next_steps]
    assert steps == ["abort", "revert", "report"]


def test_without_a_journal_the_state_is_lost_but_for_a_first_start(place: Place) -> None:
    for published, action, why in [
        (True, "start", ""),
        (False, "sync", ""),
        (False, "start", "it is empty"),
    ]:
        place.published = published
        with pytest.raises(StateLost, match="there is no"):
            place.state(why, HOLDER._replace(action=action))
    place.published = False
    assert place.state() is None


def test_a_journal_that_is_none_is_said(place: Place) -> None:
    (place.directory / "journal.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(StateLost, match=r"journal\.sqlite cannot be read: file is not a database"):
        place.state()
    assert (place.directory / "journal.sqlite").read_bytes() == b"no database" * 100


def test_the_desired_state_tells_of_a_switch_that_the_journal_missed(place: Place) -> None:
    place.record(*written(replace(SWITCHING, progress=Progress.PUBLISHED)))
    place.desire(NEW)
    found = place.state()
    assert found
    assert found.progress is Progress.SWITCHING


def test_a_journal_that_stopped_before_the_tag_is_not_believed(place: Place) -> None:
    place.record(*written(STARTING.reach(Progress.STARTED)))
    place.desire(NEW)
    with pytest.raises(StateLost, match="the journal and the desired state do not agree"):
        place.state()


def test_what_was_before_is_taken_from_the_desired_state_while_it_stands(place: Place) -> None:
    place.ship_first()
    place.record(STARTED, StepStarted(step="compose"), TAGGED, PUBLISHED)
    place.desire(BEFORE)
    found = place.state()
    assert found
    assert (found.progress, found.before) == (Progress.PUBLISHED, BEFORE)


def test_an_old_journal_says_what_was_before_a_switch(place: Place) -> None:
    place.ship_first()
    place.record(STARTED, StepStarted(step="compose"), TAGGED, PUBLISHED, CHANGED)
    found = place.state()
    assert found
    assert (found.progress, found.way, found.branch) == (Progress.SWITCHING, "fleet", "main")
    assert (found.source, found.commit, found.release) == (NEW.source, NEW.commit, "slot0-2")
    assert found.before
    assert (found.before.release, found.before.commit) == ("slot0-1", BEFORE.commit)
    assert (found.before.source, found.before.path) == (BEFORE.source, "/srv/slot0")
    assert "tag: slot0-1\n" in found.before.deploy_text


def test_an_old_journal_says_that_an_abort_had_begun(place: Place) -> None:
    place.record(STARTED, StepStarted(step="compose"), TAGGED, StepStarted(step="take back"))
    found = place.state()
    assert found
    assert found.aborting


@pytest.mark.parametrize(("step", "way"), [("sync hook", "hook"), ("check", "hand")])
def test_an_old_journal_says_how_the_release_was_brought(place: Place, step: str, way: str) -> None:
    place.record(STARTED, TAGGED, StepStarted(step=step))
    found = place.state()
    assert found
    assert (found.way, found.progress) == (way, Progress.TAGGED)


def test_an_old_journal_of_a_revert_names_the_release_that_it_goes_back_to(place: Place) -> None:
    place.ship_first()
    place.record(
        RolloutStarted(**{**vars(STARTED), "action": "revert", "start_tag": "slot0-9"}),
        Tagged(**{**vars(TAGGED), "commit": BEFORE.source}),
        StepStarted(step="publish", detail="slot0-1"),
    )
    found = place.state()
    assert found
    assert (found.way, found.release, found.rollout_tag) == ("fleet", "slot0-1", "slot0-2")


def test_a_desired_state_is_what_was_written_last(place: Place) -> None:
    for desired in (BEFORE, NEW):
        place.record(
            DocumentWritten(
                document="desired", content={"slots": {desired.slot: desired.to_json()}}
            )
        )
    found = place.recovery.desired("it is empty")
    assert found.slots == {"slot0": NEW}
    assert "cannot be read (it is empty); rebuilt from the journal: slot0 at slot0-2" in found.note
    assert place.recovery.desired("it is empty") is found
    assert place.warnings == [found.note]


def test_changes_after_the_last_document_count(place: Place) -> None:
    """An older Sartoris has worked here for a while."""
    place.ship_first()
    place.record(
        DocumentWritten(document="desired", content={"slots": {"slot0": NEW.to_json()}}),
        DesiredStateChanged(slot="slot0", release="slot0-1", before="slot0-2"),
    )
    found = place.recovery.desired("")
    assert found.slots["slot0"].release == "slot0-1"
    place.record(DesiredStateChanged(slot="slot0", release="slot0-2", before="slot0-1"))
    assert Place(place.directory).recovery.desired("").slots == {"slot0": NEW}
    place.record(DesiredStateChanged(slot="slot0", release="", before="slot0-2"))
    assert Place(place.directory).recovery.desired("").slots == {}


def test_a_new_server_has_no_desired_state_and_nothing_to_say(place: Place) -> None:
    place.published = False
    assert (place.recovery.desired("").slots, place.warnings) == ({}, [])
    place.record(STARTED)
    assert (Place(place.directory).recovery.desired("").slots, place.warnings) == ({}, [])


def test_a_desired_state_that_nothing_knows_is_said(place: Place) -> None:
    assert place.recovery.desired("").slots == {}
    (warning,) = place.warnings
    assert "is missing, and cannot be rebuilt: there is no" in warning


def test_a_question_leaves_the_journal_as_it_is(place: Place) -> None:
    place.record(*written(SWITCHING))
    before = (place.directory / "journal.sqlite").read_bytes()
    place.state()
    assert (place.directory / "journal.sqlite").read_bytes() == before


def test_a_locked_journal_is_not_taken_for_an_empty_one(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sartoris.journal.reader.PATIENCE", 0.01)
    place.record(*written(SWITCHING))
    with sqlite3.connect(place.directory / "journal.sqlite") as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("CREATE TABLE busy (x)")
        with pytest.raises(StateLost, match="database is locked"):
            place.state()
    other.close()
