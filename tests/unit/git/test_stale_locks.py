"""Lock files that a killed git left."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sartoris.git.stale_locks import remove_lock_files

LOCKS = ("index.lock", "refs/heads/main.lock", "modules/ext/HEAD.lock", "worktrees/a/index.lock")


@pytest.fixture
def top(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "wiki")], check=True)
    return tmp_path / "wiki"


def leave(top: Path, *names: str) -> list[Path]:
    paths = [top / ".git" / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return paths


def test_they_are_removed_wherever_they_are_and_named(top: Path) -> None:
    paths = leave(top, *LOCKS)
    assert sorted(remove_lock_files(top / ".git", top)) == sorted(paths)
    assert not any(path.exists() for path in paths)


def test_after_that_git_works_again(top: Path) -> None:
    leave(top, "index.lock")
    (top / "file").touch()
    command = ["git", "add", "file"]
    assert subprocess.run(command, cwd=top, capture_output=True, check=False).returncode != 0
    remove_lock_files(top / ".git", top)
    subprocess.run(command, cwd=top, check=True)


def test_what_is_not_git_s_lock_stays(top: Path) -> None:
    paths = leave(top, "deploy/lock", "deploy/some.lock", "objects/pack/x.lock", "HEAD.locked")
    assert remove_lock_files(top / ".git", top) == []
    assert all(path.exists() for path in paths)


def test_while_a_git_works_there_nothing_is_removed(top: Path) -> None:
    paths = leave(top, "index.lock")
    with subprocess.Popen(
        ["git", "cat-file", "--batch"], cwd=top, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as git:
        assert git.stdin is not None
        assert git.stdout is not None
        git.stdin.write(b"x\n")
        git.stdin.flush()
        git.stdout.readline()  # it is there now
        assert remove_lock_files(top / ".git", top) == []
        git.stdin.close()
    assert remove_lock_files(top / ".git", top) == paths


def test_a_git_that_works_elsewhere_does_not_count(top: Path, tmp_path: Path) -> None:
    paths = leave(top, "index.lock")
    other = tmp_path / "other"
    subprocess.run(["git", "init", "--quiet", str(other)], check=True)
    with subprocess.Popen(
        ["git", "cat-file", "--batch"], cwd=other, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as git:
        assert git.stdin is not None
        assert git.stdout is not None
        git.stdin.write(b"x\n")
        git.stdin.flush()
        git.stdout.readline()
        assert remove_lock_files(top / ".git", top) == paths
        git.stdin.close()


def test_where_processes_cannot_be_seen_nothing_is_removed(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = leave(top, "index.lock")

    def no_proc(_: object) -> list[str]:
        raise FileNotFoundError

    monkeypatch.setattr(os, "listdir", no_proc)
    assert remove_lock_files(top / ".git", top) == []
    assert paths[0].exists()
