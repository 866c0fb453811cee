"""A journal that is lost, locked or full in the middle of a rollout does not stop it."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.system.site import Site


def lose_journal(site: Site) -> None:
    for file in site.state_directory.glob("journal*"):
        file.rename(site.root / file.name)


def is_live_everywhere(site: Site, text: str) -> None:
    assert site.deploy("status").code == 0
    assert site.everywhere() == {site.desired()}
    assert site.files("web3")["index.php"] == text


def test_a_journal_that_is_moved_away_after_the_start_changes_nothing(started: Site) -> None:
    lose_journal(started)
    started.ok("sync")
    is_live_everywhere(started, "version 2\n")


@pytest.mark.parametrize("words", ["resync", "finish", "abort"])
def test_nor_does_one_that_is_moved_away_after_the_switch(started: Site, words: str) -> None:
    hook = started.hook("post-sync.check", "exit 1")
    assert started.deploy("sync").code == 72
    hook.unlink()
    lose_journal(started)
    started.ok(words)
    is_live_everywhere(started, "version 1\n" if words == "abort" else "version 2\n")


def test_a_state_that_is_lost_later_is_rebuilt_from_the_new_journal(started: Site) -> None:
    before = started.desired()
    lose_journal(started)
    started.hook("post-sync.check", "exit 1")
    assert started.deploy("sync").code == 72
    (started.state_directory / "rollout.json").unlink()
    started.ok("abort")
    assert started.everywhere() == {before} == {started.desired()}


def test_a_journal_that_is_moved_away_while_a_sync_runs_changes_nothing(started: Site) -> None:
    away = started.root / "away"
    away.mkdir()
    started.hook("pre-sync.move", f"mv {started.state_directory}/journal* {away}")
    started.ok("sync")
    is_live_everywhere(started, "version 2\n")


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes, as on a full disk; Python ignores the signal."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_journal_that_cannot_grow_is_a_warning_and_the_abort_goes_on(started: Site) -> None:
    hook = started.hook("post-sync.check", "exit 1")
    assert started.deploy("sync").code == 72
    hook.unlink()
    before = started.status()["rollout"]["before"]["release"]
    with small_files(40_000):  # the journal is larger already
        ran = started.deploy("abort")
    assert ran.code == 0, ran.err
    assert "journal.sqlite cannot be written" in ran.err
    assert started.everywhere() == {before} == {started.desired()}
