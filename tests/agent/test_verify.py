"""What is live is looked at: that its tree stands, and that there is nothing else in it."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from .conftest import Target, program

FILES = {"a": "1", "dir/b": "2", ".gitignore": "*.cache\n", "kept.gitkeep": ""}


def _found(target: Target, **more: Any) -> tuple[list[str], list[str]]:
    outcome = target.ask("verify", **more)
    assert outcome["ok"], outcome
    return outcome["changed"], outcome["added"]


@pytest.mark.parametrize("mode", ["atomic", "in-place"])
def test_files_that_were_added_are_found(target: Target, mode: str) -> None:
    target.release("t1", FILES, switch=mode, deploy_text="t1\n", shared=["uploads"])
    assert _found(target, switch=mode) == ([], [])
    (target.live / "evil.php").write_text("x")
    (target.live / "dir/new").mkdir()
    (target.live / "dir/new/evil.php").symlink_to("/etc/passwd")
    (target.live / ".git").mkdir()
    (target.live / ".git/evil.php").write_text("x")
    (target.live / "page.cache").write_text("x")
    (target.live / "uploads/theirs").write_text("x")
    (target.live / "empty").mkdir()

    added = [".git/evil.php", "dir/new/evil.php", "evil.php"]
    assert _found(target, switch=mode) == ([], added)
    assert _found(target, switch=mode, everything=True) == ([], [*added, "page.cache"])


def test_what_was_added_cannot_have_itself_ignored(target: Target) -> None:
    target.release("t1", FILES)
    (target.live / "dir/.gitignore").write_text("*\n")
    (target.live / "dir/evil.php").write_text("x")

    assert "dir/.gitignore" in _found(target)[1]


def test_what_the_releases_own_programs_make_was_not_added(target: Target) -> None:
    target.release("t1", {**FILES, "deploy/target/prepare.1": program("echo x > built; ln -s a l")})
    (target.live / "evil.php").write_text("x")

    assert _found(target) == ([], ["evil.php"])


@pytest.mark.parametrize("mode", ["atomic", "in-place"])
@pytest.mark.parametrize("forged", ["commit: another\n", ""])
def test_a_deploy_file_that_was_forged_is_found(target: Target, mode: str, forged: str) -> None:
    target.release("t1", FILES, switch=mode, deploy_text="commit: 1\n")
    (target.live / ".deploy").write_text(forged)

    assert _found(target, switch=mode) == ([".deploy"], [])


def test_a_shared_link_that_was_replaced_is_found(target: Target) -> None:
    target.release("t1", FILES, shared=["uploads"])
    (target.live / "uploads").unlink()
    (target.live / "uploads").mkdir()

    assert _found(target) == (["uploads"], [])


def test_a_damaged_object_makes_no_right_file_a_damaged_one(target: Target) -> None:
    target.release("t1", FILES)
    blob = target.publisher.git("rev-parse", "t1:a")
    for pack in [*target.store.glob("objects/pack/*.pack"), *target.store.glob("objects/pack/*")]:
        if pack.exists() and pack.suffix == ".pack":
            content = pack.read_bytes()
            pack.unlink()
            # Only the trees and the commit are here again, as loose objects.
            for name in ("t1", "t1^{tree}", "t1:dir"):
                kind = target.publisher.git("cat-file", "-t", name)
                _copy_object(target, name, kind)
            assert content
    assert not list(target.store.glob(f"objects/{blob[:2]}/{blob[2:]}"))

    assert _found(target) == ([], [])


def _copy_object(target: Target, name: str, kind: str) -> None:
    import subprocess

    git = ["git", f"--git-dir={target.publisher.path}", "cat-file", kind, name]
    content = subprocess.run(git, capture_output=True, check=True).stdout
    into = ["git", f"--git-dir={target.store}", "hash-object", "-t", kind, "-w", "--stdin"]
    subprocess.run(into, input=content, capture_output=True, check=True)


def test_a_live_link_that_leads_to_nothing_is_not_live_and_is_brought(target: Target) -> None:
    commit = target.release("t1", {**FILES, "deploy/target/live.1": program("echo x >> ../../ran")})
    shutil.rmtree(target.live.resolve())

    outcome = target.ask("status")
    assert (outcome["live"], outcome["held"]) == ("", [])

    fetched = target.ask("fetch", "t1", commit)
    assert (fetched["live"], fetched["due"]) == ("t1", ["hooks"])
    assert target.ask("switch", "t1", commit)["due"] == []
    assert (target.own / "ran").read_text() == "x\nx\n"  # at the deploy, and again


def test_after_a_live_link_that_leads_to_nothing_another_release_goes_live(target: Target) -> None:
    target.release("t1", FILES)
    shutil.rmtree(target.live.resolve())

    target.release("t2", {"a": "2"})

    assert (target.live / "a").read_text() == "2"
