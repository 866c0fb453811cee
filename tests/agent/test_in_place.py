"""Slots that switch by a checkout in one work tree."""

from __future__ import annotations

import json
from functools import partial

import pytest

from .conftest import Target, entries, program, tree


def test_only_the_switch_touches_the_tree_and_untracked_files_stay(target: Target) -> None:
    target.release("t1", {"a": "1", "old": "x"}, switch="in-place")
    (target.live / "upload").write_text("u")
    commit = target.publisher.release("t2", {"a": "2"})

    fetched = target.ask("fetch", "t2", commit, switch="in-place")
    assert (fetched["live"], fetched["held"]) == ("t1", ["t1", "t2"])
    assert (target.live / "a").read_text() == "1"

    switched = target.ask("switch", "t2", commit, switch="in-place")
    assert (switched["live"], switched["previous"]) == ("t2", "t1")
    assert tree(target.live) == entries({"a": "2", "upload": "u"})


def test_going_back_needs_no_url_and_repairs_edits(target: Target) -> None:
    deploy = partial(target.release, switch="in-place")
    first = deploy("t1", {"a": "1", "b": "b"})
    deploy("t2", {"a": "2", "b": "b"})
    (target.live / "b").write_text("edited")
    assert target.ask("verify", switch="in-place")["changed"] == ["b"]

    assert target.ask("switch", "t1", first, switch="in-place", url="")["ok"]

    assert tree(target.live) == entries({"a": "1", "b": "b"})


def test_old_releases_are_forgotten_beyond_keep(target: Target) -> None:
    for number in range(6):
        target.release(f"t{number}", {"a": str(number)}, switch="in-place", keep=2)

    assert target.ask("status", switch="in-place")["held"] == ["t3", "t4", "t5"]


def test_somebody_elses_directory_is_taken_only_when_adopted(target: Target) -> None:
    target.live.mkdir(parents=True)
    (target.live / "a").write_text("theirs")
    (target.live / "other").write_text("theirs")
    commit = target.publisher.release("t1", {"a": "1"})

    outcome = target.ask("fetch", "t1", commit, switch="in-place")
    assert outcome["error"] == "path-is-directory"

    target.deploy("t1", commit, switch="in-place", adopt=True)
    assert tree(target.live) == entries({"a": "1", "other": "theirs"})


def test_a_file_or_a_link_at_the_path_is_refused(target: Target) -> None:
    commit = target.publisher.release("t1", {"a": "1"})
    target.live.parent.mkdir(parents=True)
    target.live.write_text("x")
    assert target.ask("fetch", "t1", commit, switch="in-place")["error"] == "path-is-file"
    target.live.unlink()
    target.live.symlink_to("elsewhere")
    assert target.ask("fetch", "t1", commit, switch="in-place")["error"] == "path-is-link"


def test_an_interrupted_switch_is_repaired_by_repeating_it(target: Target) -> None:
    target.release("t1", {"a": "1", "b": "1"}, switch="in-place")
    commit = target.publisher.release("t2", {"a": "2", "b": "2"})
    target.ask("fetch", "t2", commit, switch="in-place")
    # As a kill in the middle leaves it: intended, half written, git's own lock still there.
    state = target.own / "state/slot0.json"
    content = json.loads(state.read_bytes())
    state.write_text(json.dumps({**content, "release": "t2", "previous": "t1", "earlier": ""}))
    (target.live / "a").write_text("2")
    (target.own / "index/.in-place-slot0.lock").touch()
    assert target.ask("status", switch="in-place")["live"] == "t1"

    outcome = target.deploy("t2", commit, switch="in-place")

    assert (outcome["live"], outcome["previous"]) == ("t2", "t1")
    assert tree(target.live) == entries({"a": "2", "b": "2"})


def test_prepare_hooks_do_not_run_and_live_hooks_do(target: Target) -> None:
    hooks = {
        "deploy/target/prepare.x": program("touch prepared"),
        "deploy/target/live.x": program("touch lively"),
    }
    target.release("t1", hooks, switch="in-place")

    assert (target.live / "lively").exists()
    assert not (target.live / "prepared").exists()


def test_what_stood_at_a_shared_path_becomes_the_shared_place(target: Target) -> None:
    deploy = partial(target.release, switch="in-place", adopt=True, shared=("uploads",))
    (target.live / "uploads").mkdir(parents=True)
    (target.live / "uploads/photo").write_text("photo")

    deploy("t1", {"a": "1"})
    deploy("t2", {"a": "2"})

    assert (target.live / "uploads").is_symlink()
    assert (target.live / "uploads/photo").read_text() == "photo"


def test_a_directory_in_the_place_of_a_shared_link_is_set_aside_not_lost(target: Target) -> None:
    deploy = partial(target.release, switch="in-place", shared=("uploads",))
    deploy("t1", {"a": "1"})
    (target.live / "uploads").unlink()
    (target.live / "uploads").mkdir()
    (target.live / "uploads/photo").write_text("photo")

    commit = target.publisher.release("t2", {"a": "2"})
    more = {"switch": "in-place", "shared": ["uploads"]}
    assert target.ask("fetch", "t2", commit, **more)["error"] == "shared-left"
    deploy("t2", {"a": "2"}, leave=True)

    assert (target.live / "uploads").is_symlink()
    (kept,) = (target.own / "adopted").iterdir()
    assert (kept / "photo").read_text() == "photo"


def test_withdraw_takes_the_files_of_a_first_release_away(target: Target) -> None:
    target.release("t1", {"a": "1", "lib/b": "b"}, switch="in-place", deploy_text="x")
    (target.live / "upload").write_text("u")

    for _ in range(2):
        outcome = target.ask("withdraw", "t1", switch="in-place")
        assert (outcome["error"], outcome["live"]) == ("", "")
        assert tree(target.live) == entries({"upload": "u"})
    target.release("t2", {"a": "2"}, switch="in-place")


def test_withdraw_is_refused_where_a_release_was_live_before(target: Target) -> None:
    target.release("t1", {"a": "1"}, switch="in-place")
    target.release("t2", {"a": "2"}, switch="in-place")

    outcome = target.ask("withdraw", "t2", switch="in-place")

    assert (outcome["error"], outcome["live"]) == ("bad-order", "t2")


@pytest.mark.parametrize("mode", ["atomic", "in-place"])
def test_wrong_orders_leave_the_live_tree_alone(target: Target, mode: str) -> None:
    target.release("t1", {"a": "1"}, switch=mode)
    target.publisher.release("t2", {"a": "2"})
    commit = target.publisher.release("t3", {"a": "3"})

    assert target.ask("fetch", "t2", commit, switch=mode)["error"] == "wrong-commit"
    assert target.ask("switch", "t2", commit, switch=mode)["error"] == "not-held"
    assert target.ask("fetch", "t4", commit, switch=mode)["error"] == "fetch-failed"
    assert tree(target.live) == entries({"a": "1"})
