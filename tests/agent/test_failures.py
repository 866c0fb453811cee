"""Bad days: each has its word, the live release stays, and a repeated order gets there."""

from __future__ import annotations

import fcntl
import os
import random
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .conftest import Files, Publisher, Target, entries, tree

BIG: Files = {f"{number}": f"{number}" * 3000 for number in range(300)}


@contextmanager
def mounted(directory: Path, *options: str) -> Iterator[None]:
    """Mount on `directory`; a test that needs it is skipped where one may not, except in CI."""
    done = subprocess.run(["mount", *options, str(directory)], capture_output=True, check=False)
    if done.returncode != 0:
        assert os.environ.get("CI") != "true", done.stderr
        pytest.skip("mount(8) is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def test_another_commit_than_the_ordered_one_is_not_kept(target: Target) -> None:
    target.release("t1", {"a": "1"})
    target.publisher.release("t2", {"a": "2"})
    other = target.publisher.release("t3", {"a": "3"})

    outcome = target.ask("fetch", "t2", other)

    assert (outcome["error"], outcome["held"]) == ("wrong-commit", ["t1"])
    assert not (target.store / "refs/tags/t2").exists()


def test_a_held_release_is_not_confused_with_another_of_that_name(target: Target) -> None:
    target.release("t1", {"a": "1"})
    other = target.publisher.release("t1", {"a": "2"})

    assert target.ask("fetch", "t1", other)["error"] == "conflict"
    assert target.ask("switch", "t1", other)["error"] == "not-held"


def test_a_release_is_not_taken_from_another_slot(target: Target, publisher: Publisher) -> None:
    commit = target.release("t1", {"a": "1"})
    other = Target(target.root, publisher, path="/srv/app/php-slot1", slot="slot1")

    assert other.ask("fetch", "t1", commit)["error"] == "conflict"


def test_a_repository_that_does_not_answer(target: Target, tmp_path: Path) -> None:
    url = str(tmp_path / "nothing here.git")

    outcome = target.ask("fetch", "t1", "0" * 40, url=url)

    assert (outcome["error"], outcome["message"]) == ("fetch-failed", f"{url} does not answer")
    assert outcome["output"]


def test_a_repository_that_lacks_the_release(target: Target) -> None:
    target.publisher.release("t1", {"a": "1"})

    outcome = target.ask("fetch", "t2", "0" * 40)

    assert outcome["error"] == "fetch-failed"
    assert outcome["message"] == f"{target.publisher.path} does not have t2"


def test_git_that_is_not_there(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = target.publisher.release("t1", {"a": "1"})
    monkeypatch.setenv("PATH", "/nonexistent")

    assert target.ask("fetch", "t1", commit)["error"] == "git-missing"


def test_a_slot_that_another_order_holds(target: Target) -> None:
    commit = target.release("t1", {"a": "1"})
    with (target.own / "lock/slot0").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        outcome = target.ask("switch", "t1", commit, timeout=1)
        assert (outcome["error"], outcome["live"]) == ("busy", "t1")

    assert target.ask("switch", "t1", commit, timeout=1)["ok"]


def test_a_full_disk_is_told_given_back_and_forgotten(target: Target) -> None:
    small, big = target.publisher.release("t1", {"a": "1"}), target.publisher.release("t2", BIG)
    with mounted(target.root, "-t", "tmpfs", "-o", "size=3m", "tmpfs"):
        target.deploy("t1", small)
        free = os.statvfs(target.root).f_bavail

        outcome = target.ask("fetch", "t2", big, size=2 << 20)

        assert (outcome["error"], outcome["live"]) == ("no-space", "t1")
        assert "2 MiB may be needed" in outcome["message"]
        assert "are free" in outcome["output"]
        # What stays is a pack at most, and a directory or two.
        assert os.statvfs(target.root).f_bavail > free * 0.9
        assert tree(target.live) == entries({"a": "1"})
        subprocess.run(["mount", "-o", "remount,size=20m", str(target.root)], check=True)
        target.deploy("t2", big)
        assert tree(target.live) == entries(BIG)


def test_a_read_only_target(target: Target) -> None:
    first = target.release("t1", {"a": "1"})
    second = target.publisher.release("t2", {"a": "2"})
    with mounted(target.root, "--bind", str(target.root)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(target.root)], check=True)
        for action, tag, commit in (("fetch", "t2", second), ("switch", "t1", first)):
            outcome = target.ask(action, tag, commit)
            assert (outcome["error"], outcome["live"]) == ("read-only", "t1")
        assert target.ask("status")["ok"]
        assert target.ask("verify")["complete"]


def _truncate(store: Path) -> None:
    for pack in store.glob("objects/pack/*.pack"):
        pack.chmod(0o644)
        os.truncate(pack, pack.stat().st_size // 2)


def _flip(store: Path) -> None:
    for pack in store.glob("objects/pack/*.pack"):
        pack.chmod(0o644)
        content = bytearray(pack.read_bytes())
        for position in random.Random(1).sample(range(12, len(content) - 20), len(content) // 20):
            content[position] ^= 0xFF
        pack.write_bytes(content)


def _delete_packs(store: Path) -> None:
    for file in store.glob("objects/pack/*"):
        file.unlink()


def _empty_refs(store: Path) -> None:
    for ref in store.glob("refs/tags/*"):
        ref.write_bytes(b"")


def _lose_head(store: Path) -> None:
    (store / "HEAD").write_bytes(b"\0" * 40)


DAMAGES = [_truncate, _flip, _delete_packs, _empty_refs, _lose_head]


@pytest.mark.parametrize("mode", ["atomic", "in-place"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_store_is_fetched_anew(
    target: Target, damage: Callable[[Path], None], mode: str
) -> None:
    target.release("t1", BIG, switch=mode)
    damage(target.store)

    target.release("t2", {**BIG, "1": "changed", "new": "new"}, switch=mode)

    assert tree(target.live) == entries({**BIG, "1": "changed", "new": "new"})
    check = ["git", f"--git-dir={target.store}", "fsck", "--full", "--strict"]
    subprocess.run(check, check=True, capture_output=True)
    assert target.ask("status", switch=mode)["held"] == ["t1", "t2"]


def test_objects_that_got_lost_after_the_fetch_are_found_when_they_are_written(
    target: Target,
) -> None:
    target.release("t1", {"a": "1"})
    commit = target.publisher.release("t2", BIG)
    target.ask("fetch", "t2", commit)
    # The ref is here, the release is not: as if a power cut had come in between.
    (target.own / "meta/t2.json").unlink()
    _truncate(target.store)

    assert target.deploy("t2", commit)["live"] == "t2"


@pytest.mark.parametrize("here", [True, False])
def test_a_damaged_publish_repository_is_not_blamed_on_the_store(
    target: Target, here: bool
) -> None:
    target.release("t1", BIG)
    commit = target.publisher.release("t2", {"a": "2"})
    _delete_packs(target.publisher.path)
    for loose in target.publisher.path.glob("objects/??/*"):
        loose.unlink()
    if here:
        _delete_packs(target.store)

    outcome = target.ask("fetch", "t2", commit)

    assert outcome["error"] == ("corrupt-store" if here else "git-failed")
    assert "git fetch failed: " in outcome["message"]
    assert tree(target.live) == entries(BIG)


def test_the_same_failure_has_the_same_message_on_every_target(
    tmp_path: Path, publisher: Publisher
) -> None:
    commit = publisher.release("t1", {"a": "1"})
    messages = set()
    for name in ("web1", "web2"):
        target = Target(tmp_path / name, publisher)
        target.live.parent.parent.mkdir(parents=True)
        target.live.parent.write_text("a file where a directory should be")
        outcome = target.ask("fetch", "t1", commit)
        messages.add((outcome["error"], outcome["message"]))

    assert messages == {("io-error", "Not a directory: /srv/app/.sartoris")}
