"""The way things go on most days."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from .conftest import Files, Publisher, Target, entries, link, program, tree

FILES: Files = {
    "index.php": "one",
    "bin/run": program("true"),
    "current": link("lib/v1"),
    "lib/v1/a.php": "a",
    "not utf-8 \udcff": "\udcfe",
    "with space/'quote'\n\"": "odd",
}


def test_a_release_is_live_only_after_the_switch(target: Target, publisher: Publisher) -> None:
    commit = publisher.release("t1", FILES)

    fetched = target.ask("fetch", "t1", commit)
    assert (fetched["ok"], fetched["live"], fetched["held"]) == (True, "", ["t1"])
    assert not target.live.exists()

    switched = target.ask("switch", "t1", commit)
    assert (switched["ok"], switched["live"], switched["previous"]) == (True, "t1", "")
    assert str(target.live.readlink()) == ".sartoris/releases/t1"
    assert tree(target.live) == entries(FILES)


@pytest.mark.parametrize("mode", ["atomic", "in-place"])
def test_links_execute_bits_and_odd_names_are_kept(target: Target, mode: str) -> None:
    target.release("t1", FILES, switch=mode)

    assert tree(target.live) == entries(FILES)


def test_the_deploy_file_is_written_into_the_release(target: Target) -> None:
    target.release("t1", {"a": "1"}, deploy_text="commit: x\n", deploy_file="etc/.deploy")

    assert (target.live / "etc/.deploy").read_text() == "commit: x\n"
    assert target.ask("verify")["changed"] == []


def test_a_repeated_order_changes_nothing_and_keeps_the_previous_release(target: Target) -> None:
    target.release("t1", {"a": "1"})
    commit = target.release("t2", {"a": "2"})
    before = target.live.resolve().stat().st_ino

    again = target.deploy("t2", commit)

    assert (again["live"], again["previous"], again["held"]) == ("t2", "t1", ["t1", "t2"])
    assert target.live.resolve().stat().st_ino == before


def test_a_held_release_needs_neither_url_nor_git(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = target.release("t1", {"a": "1"})
    target.release("t2", {"a": "2"})
    monkeypatch.setenv("PATH", "/nonexistent")

    outcome = target.deploy("t1", first, url="/nonexistent")

    assert (outcome["live"], outcome["previous"]) == ("t1", "t2")
    assert (target.live / "a").read_text() == "1"


@pytest.mark.parametrize("mode", ["atomic", "in-place"])
def test_the_same_commit_as_another_release_is_not_fetched_again(target: Target, mode: str) -> None:
    commit = target.release("t1", FILES, switch=mode)

    again = target.deploy("t2", commit, switch=mode, url="/nowhere")

    assert (again["ok"], again["live"], again["previous"]) == (True, "t2", "t1")
    assert tree(target.live) == entries(FILES)
    assert target.ask("verify", switch=mode)["changed"] == []


def test_an_annotated_tag_is_resolved_to_its_commit(target: Target, publisher: Publisher) -> None:
    commit = publisher.release("t0", {"a": "1"})
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    publisher.git(*identity, "tag", "-a", "-m", "m", "t1", commit)

    assert target.deploy("t1", commit)["live"] == "t1"


def test_a_slot_where_nothing_was_ever_deployed_has_an_empty_status(target: Target) -> None:
    outcome = target.ask("status")

    assert (outcome["ok"], outcome["live"], outcome["held"]) == (True, "", [])
    assert list(target.root.iterdir()) == []


def test_two_slots_share_one_store_and_keep_their_own_releases(target: Target) -> None:
    other = replace(target, path="/srv/app/php-slot1", slot="slot1")
    for number in range(5):
        target.release(f"slot0-{number}", {"a": str(number)}, keep=2)
        other.release(f"slot1-{number}", {"a": f"other {number}"}, keep=2)

    assert target.ask("status")["held"] == ["slot0-2", "slot0-3", "slot0-4"]
    assert other.ask("status")["held"] == ["slot1-2", "slot1-3", "slot1-4"]
    assert [path.name for path in target.own.glob("*.git")] == ["site.git"]


def test_a_shared_path_outlives_releases_and_starts_as_the_release_has_it(target: Target) -> None:
    shared = ("uploads", "etc/site.conf")
    target.release("t1", {"a": "1", "etc/site.conf": "seed"}, shared=shared, keep=0)
    (target.live / "uploads/photo").write_text("photo")
    (target.live / "etc/site.conf").write_text("edited")

    for tag in ("t2", "t3", "t4"):
        target.release(tag, {"a": tag, "etc/site.conf": tag}, shared=shared, keep=0)

    assert (target.live / "uploads/photo").read_text() == "photo"
    assert (target.live / "etc/site.conf").read_text() == "edited"
    assert target.ask("verify")["changed"] == []


def test_withdraw_takes_away_only_the_release_that_it_names(target: Target) -> None:
    target.release("t1", {"a": "1"})

    assert target.ask("withdraw", "t0")["live"] == "t1"
    for _ in range(2):
        outcome = target.ask("withdraw", "t1")
        assert (outcome["ok"], outcome["live"], outcome["held"]) == (True, "", ["t1"])
    assert not target.live.is_symlink()


def test_the_state_says_what_was_ordered(target: Target) -> None:
    target.release("t1", {"a": "1"})
    state = json.loads((target.own / "state/slot0.json").read_bytes())

    assert (state["release"], state["previous"], state["order"]["action"]) == ("t1", "", "switch")


def test_a_fetch_brings_only_what_the_held_release_does_not_have(target: Target) -> None:
    files = {f"lib/{number}.php": f"{number}" for number in range(300)}
    target.release("t1", files)
    before = _objects(target)

    target.release("t2", {**files, "lib/7.php": "changed"})

    # A commit, two trees and a file, and what they are deltas to: not the other 299 files.
    assert _objects(target) - before < 10


def _objects(target: Target) -> int:
    """How many objects the packs of the store hold, one that is in two packs counted twice."""
    counted = subprocess.run(
        ["git", f"--git-dir={target.store}", "count-objects", "-v"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    numbers = dict(line.split(": ") for line in counted.splitlines())
    return int(numbers["in-pack"]) + int(numbers["count"])


@pytest.mark.parametrize("mode", ["atomic", "in-place"])
def test_who_catches_up_is_not_taken_back_behind_a_later_order(target: Target, mode: str) -> None:
    old = target.release("t1", {"a": "1"}, switch=mode, decided=1)
    target.release("t2", {"a": "2"}, switch=mode, decided=2)

    for action in ("fetch", "switch"):
        refused = target.ask(action, "t1", old, switch=mode, decided=1, catch_up=True)
        assert (refused["error"], refused["live"]) == ("superseded", "t2")
    target.deploy("t1", old, switch=mode, decided=3, catch_up=True)
    assert (target.live / "a").read_text() == "1"


def test_who_catches_up_gets_again_what_it_was_ordered_last(target: Target) -> None:
    """That one was ordered once more, later than the order to catch up was written."""
    commit = target.release("t1", {"a": "1"}, decided=2)
    target.live.unlink()

    target.deploy("t1", commit, decided=1, catch_up=True)
    assert (target.live / "a").read_text() == "1"


BOTH = pytest.mark.parametrize("mode", ["atomic", "in-place"])


@BOTH
@pytest.mark.parametrize("name", [".env", "config/local.php"])
def test_a_shared_file_that_is_not_there_stops_the_fetch_and_is_told(
    target: Target, mode: str, name: str
) -> None:
    target.release("t1", {"a": "1"}, switch=mode)
    commit = target.publisher.release("t2", {"a": "2"})

    outcome = target.ask("fetch", "t2", commit, switch=mode, shared=(name,))

    assert (outcome["error"], outcome["live"]) == ("shared-missing", "t1")
    where = f"/srv/app/.sartoris/shared/slot0/{name}"
    assert outcome["message"] == (
        f"{name} is shared, and not there yet: put the file at {where} on the target; if it is a "
        f"directory, write deploy.shared = {name}/"
    )
    assert not (target.own / "shared/slot0" / name).exists()

    file = Path(f"{target.root}{where}")
    file.parent.mkdir(exist_ok=True)
    file.write_text("secret")
    target.deploy("t2", commit, switch=mode, shared=(name,))
    assert (target.live / name).read_text() == "secret"


@BOTH
def test_a_missing_shared_directory_is_made(target: Target, mode: str) -> None:
    more = {"shared": ("uploads", "cache.d"), "shared_directories": ("cache.d",), "switch": mode}

    target.release("t1", {"a": "1"}, **more)

    for name in more["shared"]:
        assert (target.live / name).is_symlink()
        assert (target.live / name).is_dir()


@BOTH
def test_what_the_release_has_at_a_shared_path_begins_it(target: Target, mode: str) -> None:
    more = {"shared": (".env",), "switch": mode}
    target.release("t1", {".env": "first"}, **more)
    target.release("t2", {".env": "second"}, **more)

    assert (target.live / ".env").read_text() == "first"
