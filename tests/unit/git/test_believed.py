"""Why git finds no work tree: none is there, it is another user's, or git says what is wrong."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sartoris.git import believed
from sartoris.git.repository import NotARepository, Repository


@pytest.fixture
def top(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "wiki")], check=True)
    (tmp_path / "wiki" / "lib").mkdir()
    return tmp_path / "wiki"


def refusal(directory: Path) -> NotARepository:
    with pytest.raises(NotARepository) as caught:
        Repository.at(directory)
    return caught.value


def test_none_is_there(tmp_path: Path) -> None:
    assert refusal(tmp_path).message == f"{tmp_path} is not in the work tree of a git repository"


def test_inside_of_git_s_own_directory_there_is_none(top: Path) -> None:
    for directory in (top / ".git", top / ".git" / "refs"):
        assert "is not in the work tree of a git repository" in refusal(directory).message


def test_a_repository_that_git_cannot_read_is_told_in_git_s_words(top: Path) -> None:
    (top / ".git" / "config").write_text("[broken\n")
    for directory in (top, top / "lib"):
        error = refusal(directory)
        assert error.message.startswith(f"git cannot work in {top}:\n")
        assert "bad config line 1" in error.message


def test_another_user_s_is_told_with_its_owner_and_how_to_trust_it(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: top.stat().st_uid + 1)
    monkeypatch.delenv("SUDO_UID", raising=False)
    message, step = believed.why_not(top / "lib", "fatal: detected dubious ownership")
    assert message.startswith(f"{top} is a repository of another user (")
    assert message.endswith("\nfatal: detected dubious ownership")
    assert step.startswith(f"git config --global --add safe.directory {top}")


def test_under_sudo_root_believes_who_typed_it(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    owner = top.stat().st_uid
    monkeypatch.setenv("SUDO_UID", str(owner))
    assert not believed.is_of_another(top)
    monkeypatch.setenv("SUDO_UID", str(owner + 1))
    assert believed.is_of_another(top) == (owner != 0)
