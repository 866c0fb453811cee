"""Which files a filter makes, wherever that is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.git.command import Git
from sartoris.git.filters import filtered_files, may_have_attributes


@pytest.fixture
def git(tmp_path: Path) -> Git:
    git = Git(tmp_path / "work")
    Git(tmp_path).run("init", "--quiet", "work")
    git.run("config", "filter.mine.smudge", "sed s/a/b/")
    git.run("config", "filter.clean-only.clean", "cat")
    git.run("config", "filter.off.smudge", "")
    for name in ("logo.png", "doc/big [1].mine", "plain.txt"):
        (tmp_path / "work" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "work" / name).write_text("a\n")
    git.run("add", "--all")
    return git


def attributes(git: Git, text: str, name: str = ".gitattributes") -> None:
    path = git.directory / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text + "\n")
    if not name.startswith(".git/"):
        git.run("add", "--", name)


def found(git: Git) -> list[tuple[str, str]]:
    git.run("config", "filter.long.process", "true")  # not before: no filter has to run
    return filtered_files(git, git.directory / ".git")


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("*.png filter=lfs -text", [("logo.png", "lfs")]),
        ("*.png filter=git-crypt-secret", [("logo.png", "git-crypt-secret")]),
        ("*.mine filter=mine", [("doc/big [1].mine", "mine")]),
        ("[attr]large filter=long\n*.png large", [("logo.png", "long")]),
        ("*.png filter=clean-only", []),
        ("*.png filter=off", []),
        ("*.png filter=of-nobody", []),
        ("*.png filter=lfs\n*.png -filter", []),
        ("*.png filter", []),
        ("*.png binary", []),
    ],
)
def test_a_file_is_another_one_where_a_filter_makes_it(
    git: Git, text: str, files: list[tuple[str, str]]
) -> None:
    attributes(git, text)
    assert found(git) == files


def test_without_attributes_there_is_nothing_to_ask(git: Git) -> None:
    assert found(git) == []


def test_attributes_of_a_directory(git: Git) -> None:
    attributes(git, "*.mine filter=mine", "doc/.gitattributes")
    assert found(git) == [("doc/big [1].mine", "mine")]


def test_attributes_of_this_clone_only(git: Git) -> None:
    attributes(git, "*.mine filter=mine", ".git/info/attributes")
    assert found(git) == [("doc/big [1].mine", "mine")]


def test_attributes_of_the_user(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    attributes(git, "*.mine filter=mine", ".git/own")
    git.run("config", "core.attributesFile", str(git.directory / ".git/own"))
    assert found(git) == [("doc/big [1].mine", "mine")]
    git.run("config", "--unset", "core.attributesFile")
    attributes(git, "*.png filter=mine", ".git/git/attributes")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(git.directory / ".git"))
    assert found(git) == [("logo.png", "mine")]


def test_whether_there_are_attributes_is_told_by_the_index_where_it_has_the_names(git: Git) -> None:
    repository = git.directory / ".git"
    assert not may_have_attributes(repository)
    git.run("update-index", "--index-version", "4")
    assert may_have_attributes(repository)
    git.run("update-index", "--index-version", "2")
    attributes(git, "*.png binary", "doc/.gitattributes")
    assert may_have_attributes(repository)
    git.run("update-index", "--split-index")
    assert may_have_attributes(repository)
