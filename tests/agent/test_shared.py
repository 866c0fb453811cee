"""What lives on across releases: nothing of it leaves the site unnoticed."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from .conftest import Target, entries, tree

SHARED: dict[str, Any] = {"shared": ("uploads", "config.php"), "shared_directories": ("uploads",)}


@pytest.fixture
def lively(target: Target) -> Target:
    """A site with three uploads and a file of secrets in its live tree; nothing is shared yet."""
    target.release("t1", {"a": "1", "uploads/index.htm": "tracked"})
    for name in ("cat", "dog", "deep/bird"):
        (target.live / "uploads" / name).parent.mkdir(exist_ok=True)
        (target.live / "uploads" / name).write_text(name)
    (target.live / "config.php").write_text("secret")
    (target.live / "config.php").chmod(0o640)
    return target


def test_files_that_are_only_live_stop_the_fetch_and_are_counted(lively: Target) -> None:
    commit = lively.publisher.release("t2", {"a": "2", "uploads/index.htm": "tracked"})
    refused = lively.ask("fetch", "t2", commit, **SHARED)
    assert (refused["error"], refused["held"]) == ("shared-left", ["t1"])
    where = "/srv/app/.sartoris/shared/slot0"
    files = f"files that are live at uploads, config.php are not in {where}, nor in git"
    assert refused["message"] == f"{files}: they would leave the site"
    named = "uploads: 3 files: cat, dog, deep/bird\nconfig.php: config.php"
    assert refused["output"] == named
    assert list((lively.own / "shared/slot0").iterdir()) == []


def test_after_they_are_copied_it_is_fetched_and_they_are_live(lively: Target) -> None:
    commit = lively.publisher.release("t2", {"a": "2", "uploads/index.htm": "tracked"})
    asked = lively.ask("share", **SHARED)
    assert asked["shared"] == ["missing 0 3 uploads", "missing 0 1 config.php"]
    assert not (lively.own / "shared/slot0/uploads").exists()

    copied = lively.ask("share", share=("uploads", "config.php"), **SHARED)
    assert (copied["error"], copied["message"]) == ("", "copied 5")
    assert copied["shared"] == ["directory 4 0 uploads", "file 1 0 config.php"]
    assert (lively.live / "uploads").is_symlink() is False

    lively.deploy("t2", commit, **SHARED)
    assert (lively.live / "uploads/deep/bird").read_text() == "deep/bird"
    assert (lively.live / "uploads/index.htm").read_text() == "tracked"
    assert (lively.live / "config.php").read_text() == "secret"
    assert (lively.live / "config.php").stat().st_mode & 0o777 == 0o640
    assert lively.ask("share", **SHARED)["shared"] == copied["shared"]
    lively.release("t3", {"a": "3"}, **SHARED)


def test_what_comes_after_the_copy_is_asked_about_again_and_what_is_there_stays(
    lively: Target,
) -> None:
    lively.ask("share", share=("uploads", "config.php"), **SHARED)
    (lively.own / "shared/slot0/config.php").write_text("newer")
    (lively.live / "uploads/new").write_text("new")
    commit = lively.publisher.release("t2", {"a": "2"})
    refused = lively.ask("fetch", "t2", commit, **SHARED)
    assert (refused["error"], refused["output"]) == ("shared-left", "uploads: new")
    assert lively.ask("share", share=("uploads", "config.php"), **SHARED)["message"] == "copied 1"
    lively.deploy("t2", commit, **SHARED)
    assert (lively.live / "config.php").read_text() == "newer"


def test_with_leave_they_go(lively: Target) -> None:
    more: dict[str, Any] = {"shared": ("uploads",), "shared_directories": ("uploads",)}
    lively.release("t2", {"a": "2"}, leave=True, **more)
    assert tree(lively.live / "uploads/") == {}
    assert (lively.own / "releases/t1/uploads/cat").read_text() == "cat"


def test_a_file_that_may_leave_is_still_no_empty_directory(lively: Target) -> None:
    commit = lively.publisher.release("t2", {"a": "2"})
    refused = lively.ask("fetch", "t2", commit, leave=True, **SHARED)
    assert refused["error"] == "shared-missing"
    assert "/srv/app/.sartoris/shared/slot0/config.php" in refused["message"]


def test_in_place_they_become_the_shared_ones(target: Target) -> None:
    deploy = partial(target.release, switch="in-place")
    deploy("t1", {"a": "1"})
    (target.live / "uploads").mkdir()
    (target.live / "uploads/cat").write_text("cat")
    (target.live / "config.php").write_text("secret")
    assert target.ask("share", switch="in-place", **SHARED)["shared"][0] == "missing 0 0 uploads"
    deploy("t2", {"a": "2"}, **SHARED)
    assert (target.live / "uploads/cat").read_text() == "cat"
    assert (target.own / "shared/slot0/config.php").read_text() == "secret"


def test_where_a_slot_has_moved_they_are_at_the_old_place(target: Target) -> None:
    more = {**SHARED, "share": (), "leave": False}
    (target.own / "shared/slot0/uploads").mkdir(parents=True)
    (target.own / "shared/slot0/uploads/cat").write_text("cat")
    (target.own / "shared/slot0/config.php").write_text("secret")
    target.release("t1", {"a": "1"}, **SHARED)
    moved = replace(target, path="/opt/forum/current", slot="current")
    commit = target.publisher.release("t2", {"a": "2"})
    more["moved_from"] = target.path
    assert moved.ask("share", **more)["shared"] == ["missing 0 1 uploads", "missing 0 1 config.php"]
    assert not moved.own.exists()

    assert moved.ask("fetch", "t2", commit, **more)["error"] == "shared-left"
    more["share"] = ("uploads", "config.php")
    assert moved.ask("share", **more)["message"] == "copied 2"
    more["share"] = ()
    moved.deploy("t2", commit, **more)

    assert (moved.live / "uploads/cat").read_text() == "cat"
    assert (moved.live / "config.php").read_text() == "secret"
    assert (target.live / "uploads/cat").read_text() == "cat"


def test_what_stands_at_an_adopted_path_counts_as_live(target: Target) -> None:
    (target.live / "uploads").mkdir(parents=True)
    (target.live / "uploads/cat").write_text("cat")
    (target.live.parent / "elsewhere").mkdir()
    (target.live.parent / "elsewhere/config.php").write_text("secret")
    (target.live / "config.php").symlink_to("../elsewhere/config.php")
    commit = target.publisher.release("t1", {"a": "1"})
    refused = target.ask("fetch", "t1", commit, adopt=True, **SHARED)
    assert refused["output"] == "uploads: cat\nconfig.php: config.php"
    target.ask("share", share=SHARED["shared"], **SHARED)
    target.deploy("t1", commit, adopt=True, **SHARED)
    assert (target.live / "uploads/cat").read_text() == "cat"
    assert (target.live / "config.php").read_text() == "secret"


def test_links_are_copied_as_links(lively: Target) -> None:
    (lively.live / "uploads/latest").symlink_to("cat")
    lively.ask("share", share=("uploads",), **SHARED)
    assert os.fspath((lively.own / "shared/slot0/uploads/latest").readlink()) == "cat"
    assert tree(lively.own / "shared/slot0/uploads").keys() >= entries({"deep/bird": ""}).keys()


def test_only_what_is_shared_is_copied(lively: Target) -> None:
    assert lively.ask("share", share=("a",), **SHARED)["error"] == "bad-order"
    assert lively.ask("share", moved_from="../x", **SHARED)["error"] == "bad-order"
