"""The lock of a rollout, and the one that lasts as long as a command."""

from __future__ import annotations

import fcntl
import itertools
import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from sartoris.documents import NewerVersion
from sartoris.rollout.lock import (
    CommandRunning,
    Holder,
    LockHeld,
    NoRollout,
    RolloutLock,
    exclusively,
    running,
)
from tests.documents import add_field

PROCESSES = multiprocessing.get_context("spawn")


def holder(session: str = "one", who: str = "Alice <a@e>", **changes: Any) -> Holder:
    alice = Holder(
        session=session,
        user="alice",
        who=who,
        host="tin",
        process=42,
        since=1_700_000_000.0,
        action="start",
        why="the train",
    )
    return alice._replace(**changes)


BOB = holder("two", "Bob <b@e>", user="bob")


@pytest.fixture
def lock(tmp_path: Path) -> RolloutLock:
    return RolloutLock(tmp_path / "deploy" / "lock")


def test_a_free_lock_has_no_holder(lock: RolloutLock) -> None:
    assert lock.holder() is None


def test_the_lock_says_everything_about_its_holder(lock: RolloutLock) -> None:
    lock.take(holder())
    assert lock.holder() == holder()
    told = holder().describe()
    for part in ("Alice <a@e>", "alice", "tin", "start", "the train", "ago"):
        assert part in told


def test_the_second_to_take_it_is_told_who_has_it(lock: RolloutLock) -> None:
    lock.take(holder())
    with pytest.raises(LockHeld, match="Alice <a@e>") as caught:
        lock.take(BOB)
    assert caught.value.holder == holder()
    assert "Ask Alice <a@e> first" in caught.value.message
    assert any("--force" in step for step in caught.value.next_steps)
    assert lock.holder() == holder()


def test_only_the_session_that_has_the_lock_releases_it(lock: RolloutLock) -> None:
    lock.take(BOB)
    lock.release(holder())
    assert lock.holder() == BOB
    lock.release(BOB)
    assert lock.holder() is None
    lock.release(BOB)


def test_it_is_mine_from_any_of_my_processes_and_keeps_its_session(lock: RolloutLock) -> None:
    lock.take(holder())
    mine = lock.require(holder("three", action="sync"), force=False)
    assert (mine.session, mine.action, mine.since) == ("one", "sync", holder().since)
    assert lock.holder() == mine


def test_somebody_else_needs_force_and_goes_on_with_the_same_session(lock: RolloutLock) -> None:
    lock.take(holder())
    with pytest.raises(LockHeld):
        lock.require(BOB, force=False)
    assert lock.holder() == holder()
    taken = lock.require(BOB, force=True)
    assert (taken.who, taken.session) == (BOB.who, "one")


def test_there_is_nothing_to_join_when_the_lock_is_free(lock: RolloutLock) -> None:
    with pytest.raises(NoRollout, match="nothing to sync"):
        lock.require(holder(action="sync"), force=True)
    assert lock.holder() is None


def test_what_a_later_version_says_in_a_lock_is_kept(lock: RolloutLock) -> None:
    lock.take(holder())
    add_field(lock.path, "pool", "drained")
    assert lock.holder() == holder()._replace(unknown={"pool": "drained"})
    lock.require(holder("three", action="sync"), force=False)
    written = json.loads(lock.path.read_text())
    assert (written["pool"], written["action"], written["version"]) == ("drained", "sync", 1)


def test_a_lock_counts_as_held_wherever_it_was_cut_off(lock: RolloutLock) -> None:
    lock.take(holder())
    text = lock.path.read_text().rstrip()
    for length in range(len(text)):
        lock.path.write_text(text[:length])
        with pytest.raises(LockHeld):
            lock.take(BOB)
        assert lock.path.read_text() == text[:length]


def test_a_lock_of_a_newer_version_is_refused_and_stays(lock: RolloutLock) -> None:
    lock.take(holder())
    text = add_field(lock.path, "version", 2)
    for use in (
        lock.holder,
        lambda: lock.take(BOB),
        lambda: lock.require(holder(), force=True),
        lambda: lock.release(holder()),
    ):
        with pytest.raises(NewerVersion, match="upgrade Sartoris"):
            use()
    assert lock.path.read_text() == text


def test_a_lock_that_is_no_file_counts_as_held_and_is_kept_beside(lock: RolloutLock) -> None:
    for make in (Path.mkdir, lambda path: path.symlink_to(path.name), os.mkfifo):
        lock.path.parent.mkdir(exist_ok=True)
        make(lock.path)
        with pytest.raises(LockHeld, match="its lock file is not readable"):
            lock.take(holder())
        lock.release(lock.require(holder(), force=True))
        assert lock.holder() is None
    aside = sorted(path.name for path in lock.path.parent.iterdir())
    assert aside == ["lock.unreadable-1", "lock.unreadable-2", "lock.unreadable-3"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"session": 1}', "null\n"])
def test_a_damaged_lock_still_counts_as_held(lock: RolloutLock, text: str) -> None:
    lock.path.parent.mkdir()
    lock.path.write_text(text)
    with pytest.raises(LockHeld, match="its lock file is not readable"):
        lock.take(holder())
    with pytest.raises(LockHeld):
        lock.require(holder(), force=False)
    assert lock.require(holder(), force=True).session == "one"
    assert json.loads(lock.path.read_text())["who"] == "Alice <a@e>"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deploy" / "running"


def test_a_command_keeps_others_out_and_names_itself(path: Path) -> None:
    with exclusively(path, "alice"):
        assert running(path) == os.getpid()
        named = f"process {os.getpid()} of alice"
        with pytest.raises(CommandRunning, match=named), exclusively(path, "bob"):
            pass
        assert running(path) == os.getpid()
    assert running(path) is None
    with exclusively(path, "bob"):
        pass


@pytest.fixture
def at_the_door(path: Path) -> Iterator[BinaryIO]:
    """The file of a command that is inside and has not written its name yet."""
    path.parent.mkdir()
    with path.open("wb", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def test_a_command_that_is_just_coming_in_is_named_all_the_same(
    path: Path, at_the_door: BinaryIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: at_the_door.write(b"4321 colleague\n"))
    with pytest.raises(CommandRunning, match="process 4321 of colleague"), exclusively(path, "bob"):
        pass
    assert running(path) == 4321


def test_a_command_that_is_just_leaving_keeps_nobody_out(
    path: Path, at_the_door: BinaryIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: at_the_door.close())
    with exclusively(path, "bob"):
        assert running(path) == os.getpid()


@pytest.mark.usefixtures("at_the_door")
def test_a_command_that_never_says_its_name_is_not_waited_for_long(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with pytest.raises(CommandRunning, match=r"repository$"), exclusively(path, "bob"):
        pass


def test_of_a_longer_name_that_was_there_before_nothing_is_told(
    path: Path, at_the_door: BinaryIO
) -> None:
    at_the_door.write(b"43 bob\n9 colleague\n")
    with pytest.raises(CommandRunning, match=r"\(process 43 of bob\)"), exclusively(path, "bob"):
        pass


def test_nothing_runs_where_nothing_ever_ran(path: Path) -> None:
    assert running(path) is None


def test_a_command_that_failed_was_not_killed(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusively(path, "alice"):
        _ = 1 // 0
    with exclusively(path, "alice") as last_was_killed:
        assert not last_was_killed


def test_the_command_after_a_killed_one_is_told(path: Path) -> None:
    inside = PROCESSES.Event()
    process = PROCESSES.Process(target=_stay_inside, args=(path, inside))
    process.start()
    assert inside.wait(30)
    assert running(path) == process.pid
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert running(path) is None
    with exclusively(path, "a user with a longer name") as last_was_killed:
        assert last_was_killed
        assert running(path) == os.getpid()
    with exclusively(path, "bob") as last_was_killed:
        assert not last_was_killed


def _stay_inside(path: Path, inside: Event) -> None:
    with exclusively(path, "alice"):
        inside.set()
        signal.pause()


def test_who_only_asks_whether_something_runs_keeps_nobody_out(path: Path) -> None:
    with exclusively(path, "alice"):
        pass
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            running(path)

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    try:
        for _ in range(300):
            with exclusively(path, "alice"):
                pass
    finally:
        stop.set()
        for asker in askers:
            asker.join()


@pytest.mark.parametrize("what", ["directory", "link"])
def test_what_stands_where_commands_keep_each_other_out_is_set_aside(
    tmp_path: Path, what: str
) -> None:
    path = tmp_path / "running"
    if what == "directory":
        path.mkdir()
    else:
        path.symlink_to("/nowhere/at-all")
    assert running(path) is None
    with exclusively(path, "somebody") as last_was_killed:
        assert not last_was_killed
        assert running(path) == os.getpid()
    assert (tmp_path / "running.unreadable-1").is_symlink() == (what == "link")
