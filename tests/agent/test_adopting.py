"""What a release took the place of stands there again when the release goes back."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from .conftest import Files, Target, entries, program, tree

FAILS: Files = {"a": "1", "deploy/target/live.1": program("exit 4")}
THEIRS = {"index.php": "theirs", "uploads/cat": "cat"}


def put(target: Target, kind: str) -> None:
    """Have the site of somebody at the path: a directory, or a link to one."""
    where = target.live if kind == "directory" else target.live.with_name("by-hand")
    for name, text in THEIRS.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_text(text)
    if kind == "link":
        target.live.symlink_to("by-hand")


def assert_theirs(target: Target, kind: str) -> None:
    assert tree(target.live) == entries(THEIRS)
    assert target.live.is_symlink() == (kind == "link")


@pytest.mark.parametrize("kind", ["directory", "link"])
@pytest.mark.parametrize("mode", ["atomic", "in-place"])
def test_withdraw_puts_it_back(target: Target, kind: str, mode: str) -> None:
    put(target, kind)
    commit = target.publisher.release("t1", {**FAILS, "index.php": "ours"})
    ask = partial(target.ask, switch=mode)
    assert ask("fetch", "t1", commit, adopt=True)["ok"]

    switched = ask("switch", "t1", commit, adopt=True)
    assert (switched["error"], switched["live"]) == ("live-failed", "t1")
    assert (target.live / "index.php").read_text() == "ours"
    told = {"link": "-> by-hand"}.get(kind, "/srv/app/.sartoris/adopted/php-slot0-")
    assert switched["adopted"].startswith(told)
    assert ask("status")["adopted"] == switched["adopted"]

    for _ in range(2):
        back = ask("withdraw", "t1")
        assert (back["error"], back["live"], back["adopted"]) == ("", "", "")
        assert back["in_the_way"].startswith("path-is-")
        assert_theirs(target, kind)
    assert list((target.own / "adopted").glob("*")) == []


@pytest.mark.parametrize("mode", ["atomic", "in-place"])
def test_it_can_be_adopted_again_after_it_was_put_back(target: Target, mode: str) -> None:
    put(target, "directory")
    for tag in ("t1", "t2"):
        target.release(tag, {"index.php": tag}, adopt=True, switch=mode)
        assert (target.live / "index.php").read_text() == tag
        target.ask("withdraw", tag, switch=mode)
        assert_theirs(target, "directory")
    commit = target.publisher.release("t3", {"a": "1"})
    assert target.ask("fetch", "t3", commit, switch=mode)["error"] == "path-is-directory"


def test_a_switch_that_is_repeated_still_knows_what_it_adopted(target: Target) -> None:
    put(target, "directory")
    commit = target.release("t1", {"a": "1"}, adopt=True)
    lies = target.ask("switch", "t1", commit)["adopted"]
    assert (Path(f"{target.root}{lies}") / "uploads/cat").read_text() == "cat"


def test_after_the_next_release_it_stays_where_it_is(target: Target) -> None:
    put(target, "directory")
    target.release("t1", {"a": "1"}, adopt=True)
    target.release("t2", {"a": "2"})
    outcome = target.ask("withdraw", "t2")
    assert (outcome["live"], outcome["adopted"]) == ("", "")
    assert not target.live.exists()
    (kept,) = (target.own / "adopted").iterdir()
    assert tree(kept) == entries(THEIRS)


@pytest.mark.parametrize("kind", ["directory", "link"])
@pytest.mark.parametrize("mode", ["atomic", "in-place"])
@pytest.mark.parametrize("step", ["rename", "symlink", "replace"])
def test_a_switch_that_died_half_way_can_be_taken_back_or_repeated(
    target: Target, monkeypatch: pytest.MonkeyPatch, kind: str, mode: str, step: str
) -> None:
    put(target, kind)
    commit = target.publisher.release("t1", {"index.php": "ours"})
    assert target.ask("fetch", "t1", commit, adopt=True, switch=mode)["ok"]

    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    name = {"rename": "rename", "symlink": "symlink_to", "replace": "replace"}[step]
    with monkeypatch.context() as patch:
        real = getattr(Path, name)

        def sometimes(self: Path, *rest: Any) -> Any:
            ours = (self, Path(rest[0]) if rest else self)
            at_path = target.live in ours or ".link" in self.name
            return dies() if at_path else real(self, *rest)

        patch.setattr(Path, name, sometimes)
        with suppress(KeyboardInterrupt):
            target.ask("switch", "t1", commit, adopt=True, switch=mode)

    back = target.ask("withdraw", "t1", switch=mode)
    assert back["ok"], back
    assert_theirs(target, kind)
    target.deploy("t1", commit, adopt=True, switch=mode)
    assert (target.live / "index.php").read_text() == "ours"
    assert target.ask("withdraw", "t1", switch=mode)["ok"]
    assert_theirs(target, kind)


def test_from_in_place_to_atomic_and_back(target: Target) -> None:
    first = target.release("t1", {"a": "1"}, switch="in-place")
    (target.live / "upload").write_text("u")
    commit = target.publisher.release("t2", {"a": "2"})
    assert target.ask("status")["in_the_way"] == "path-is-directory"
    switched = target.deploy("t2", commit, adopt=True)
    assert (switched["live"], switched["previous"]) == ("t2", "t1")

    for _ in range(2):
        back = target.ask("switch", "t1", first, left="t2")
        assert (back["error"], back["live"]) == ("", "t1")
        assert tree(target.live) == entries({"a": "1", "upload": "u"})
    assert not target.live.is_symlink()
    assert target.release("t3", {"a": "3"}, switch="in-place")


def test_from_atomic_to_in_place_and_back(target: Target) -> None:
    first = target.release("t1", {"a": "1"}, shared=("up",), shared_directories=("up",))
    (target.live / "up/cat").write_text("cat")
    commit = target.publisher.release("t2", {"a": "2"})
    more: dict[str, Any] = {"switch": "in-place", "shared": ("up",), "shared_directories": ("up",)}
    assert target.ask("status", **more)["in_the_way"] == "path-is-link"
    switched = target.deploy("t2", commit, adopt=True, **more)
    assert (switched["live"], switched["previous"]) == ("t2", "t1")
    assert not target.live.is_symlink()
    assert (target.live / "up/cat").read_text() == "cat"
    verified = target.ask("verify", **more)
    assert (verified["complete"], verified["changed"], verified["added"]) == (True, [], [])

    for _ in range(2):
        back = target.ask("switch", "t1", first, left="t2", **more)
        assert (back["error"], back["live"]) == ("", "t1")
    assert os.fspath(target.live.readlink()) == ".sartoris/releases/t1"
    assert (target.live / "up/cat").read_text() == "cat"


def test_going_back_to_another_release_than_was_adopted_is_a_switch(target: Target) -> None:
    first = target.release("t1", {"a": "1"})
    target.ask("withdraw", "t1")
    put(target, "directory")
    target.release("t2", {"a": "2"}, adopt=True)
    assert target.ask("switch", "t1", first, left="t2")["live"] == "t1"


def test_live_hooks_run_again_for_what_is_live_again(target: Target) -> None:
    hook = {"deploy/target/live.1": program(f"echo $GIT_DEPLOY_RELEASE >> {target.root}/ran")}
    first = target.release("t1", hook, switch="in-place")
    target.release("t2", {"a": "2"}, adopt=True)
    assert target.ask("switch", "t1", first, left="t2")["due"] == []
    assert len((target.root / "ran").read_text().split("\n")) == 3


@pytest.mark.parametrize("mode", ["atomic", "in-place"])
def test_the_repository_that_is_deployed_from_is_not_adopted(target: Target, mode: str) -> None:
    publish = target.live / ".git/deploy/publish.git"
    publish.parent.mkdir(parents=True)
    commit = target.publisher.release("t1", {"a": "1"})
    target.publisher.path.rename(publish)
    outcome = target.ask("fetch", "t1", commit, url=str(publish), adopt=True, switch=mode)
    assert outcome["error"] == "path-holds-source"
    assert publish.is_dir()


def test_a_damaged_memory_counts_as_none(target: Target) -> None:
    put(target, "directory")
    target.release("t1", {"a": "1"}, adopt=True)
    state = target.own / "state/slot0.json"
    content = json.loads(state.read_bytes())
    for damaged in ({}, {"release": "t1"}, {**content["adopted"], "name": "../../x"}):
        state.write_text(json.dumps({**content, "adopted": damaged}))
        assert target.ask("status")["adopted"] == ""


def test_what_the_adopted_directory_lost_by_the_checkout_is_kept_once(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(target, "directory")
    monkeypatch.setattr(os, "link", _no_links)
    commit = target.release("t1", {"index.php": "ours"}, switch="in-place", adopt=True)
    target.ask("switch", "t1", commit, switch="in-place")
    (kept,) = (target.own / "adopted").iterdir()
    assert tree(kept) == entries({"index.php": "theirs"})


def _no_links(*_: Any, **__: Any) -> None:
    raise OSError(18, "cross-device")
