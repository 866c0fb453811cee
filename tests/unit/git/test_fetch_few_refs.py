"""Fetching a branch in a repository with many tags."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sartoris.errors import GitFailed
from sartoris.git import fetch_few_refs
from sartoris.git.command import Git
from sartoris.git.repository import Repository

ME = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "gc.auto=0")


def git(directory: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *ME, *arguments], cwd=directory, capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(directory: Path, text: str) -> str:
    (directory / "file").write_text(text)
    git(directory, "add", "file")
    git(directory, "commit", "--quiet", "-m", text)
    return git(directory, "rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def two_tags_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_few_refs, "MANY_TAGS", 2)


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """Another person's clone, from which commits are pushed to the origin."""
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git")
    git(tmp_path, "clone", "--quiet", "origin.git", "upstream")
    git(tmp_path / "upstream", "checkout", "--quiet", "-B", "main")
    commit(tmp_path / "upstream", "one")
    git(tmp_path / "upstream", "push", "--quiet", "origin", "main")
    return tmp_path / "upstream"


@pytest.fixture
def clone(tmp_path: Path, upstream: Path) -> Path:
    """With tags of its own, loose and packed."""
    del upstream
    git(tmp_path, "clone", "--quiet", "origin.git", "clone")
    for number in range(4):
        git(tmp_path / "clone", "tag", "-a", "-m", "t", f"t{number}")
    git(tmp_path / "clone", "pack-refs", "--all")
    return tmp_path / "clone"


def push(upstream: Path, text: str, *options: str) -> str:
    new = commit(upstream, text)
    git(upstream, "tag", f"tag-{text}")
    git(upstream, "push", "--quiet", "--tags", *options, "origin", "main")
    return new


def narrowly(clone: Path) -> bool:
    return (clone / ".git" / "deploy" / "narrow.git").is_dir()


def test_it_gets_the_commit_and_brings_the_tracking_ref_forward(
    upstream: Path, clone: Path
) -> None:
    new = push(upstream, "two")
    assert Repository.at(clone).fetch("origin", "main") == new
    assert narrowly(clone)
    assert git(clone, "rev-parse", "origin/main") == git(clone, "rev-parse", "FETCH_HEAD") == new
    assert "main" in (clone / ".git" / "FETCH_HEAD").read_text()
    assert git(clone, "show", f"{new}:file") == "two"
    git(clone, "fsck", "--full")


def test_tags_are_not_fetched(upstream: Path, clone: Path) -> None:
    push(upstream, "two")
    Repository.at(clone).fetch("origin", "main")
    assert git(clone, "tag").split() == ["t0", "t1", "t2", "t3"]


def test_nothing_new_is_no_error(clone: Path) -> None:
    head = git(clone, "rev-parse", "HEAD")
    for _ in range(2):
        assert Repository.at(clone).fetch("origin", "main") == head


def test_history_that_was_written_anew_is_followed(upstream: Path, clone: Path) -> None:
    push(upstream, "two")
    Repository.at(clone).fetch("origin", "main")
    git(upstream, "reset", "--quiet", "--hard", "HEAD^")
    other = push(upstream, "another", "--force")
    git(clone, "update-ref", "-d", "refs/remotes/origin/main")
    git(clone, "gc", "--quiet", "--prune=now")
    assert Repository.at(clone).fetch("origin", "main") == other
    git(clone, "fsck", "--full")


def test_a_linked_work_tree_gets_its_own_fetch_head(
    upstream: Path, clone: Path, tmp_path: Path
) -> None:
    git(clone, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    new = push(upstream, "two")
    assert Repository.at(tmp_path / "linked").fetch("origin", "main") == new
    assert git(tmp_path / "linked", "rev-parse", "FETCH_HEAD") == new
    assert not (clone / ".git" / "FETCH_HEAD").exists()


def test_a_remote_by_a_relative_path_is_found(upstream: Path, clone: Path) -> None:
    git(clone, "remote", "set-url", "origin", "../origin.git")
    new = push(upstream, "two")
    assert Repository.at(clone).fetch("origin", "main") == new


def test_a_branch_that_is_not_there_is_git_s_own_error(clone: Path) -> None:
    with pytest.raises(GitFailed, match="couldn't find remote ref"):
        Repository.at(clone).fetch("origin", "nothing")


def test_hooks_of_the_repository_do_not_run_for_it(upstream: Path, clone: Path) -> None:
    hook = clone / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\necho "$GIT_DIR" >> ../calls\n')
    hook.chmod(0o755)
    push(upstream, "two")
    Repository.at(clone).fetch("origin", "main")
    assert "narrow.git" not in (clone.parent / "calls").read_text()


@pytest.mark.parametrize(
    "setting", ["core.worktree", "extensions.worktreeConfig", "remote.origin.promisor"]
)
def test_a_repository_that_is_put_together_otherwise_is_left_to_git(
    upstream: Path, clone: Path, setting: str
) -> None:
    value = str(clone) if setting == "core.worktree" else "true"
    git(clone, "config", setting, value)
    new = push(upstream, "two")
    assert Repository.at(clone).fetch("origin", "main") == new
    assert not narrowly(clone)


def test_a_shallow_repository_is_left_to_git(upstream: Path, clone: Path, tmp_path: Path) -> None:
    del clone
    push(upstream, "two")
    url = f"file://{tmp_path / 'origin.git'}"
    git(tmp_path, "clone", "--quiet", "--depth=1", url, "shallow")
    for number in range(4):
        git(tmp_path / "shallow", "tag", f"t{number}")
    new = push(upstream, "three")
    assert Repository.at(tmp_path / "shallow").fetch("origin", "main") == new
    assert not narrowly(tmp_path / "shallow")


def test_with_few_tags_it_is_left_to_git(
    upstream: Path, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_few_refs, "MANY_TAGS", 1000)
    new = push(upstream, "two")
    assert Repository.at(clone).fetch("origin", "main") == new
    assert not narrowly(clone)


def test_a_repository_whose_path_needs_quotes(tmp_path: Path, upstream: Path) -> None:
    odd = tmp_path / 'a "b\\c; # d'
    git(tmp_path, "clone", "--quiet", "origin.git", str(odd))
    for number in range(4):
        git(odd, "tag", f"t{number}")
    new = push(upstream, "two")
    assert Repository.at(odd).fetch("origin", "main") == new
    assert Git(odd).text("rev-parse", "origin/main") == new
    assert narrowly(odd)
