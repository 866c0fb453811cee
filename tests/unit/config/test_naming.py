"""How a repository gets its name in each layout."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sartoris.config import ConfigError, read_config
from sartoris.config.naming import repository_name
from sartoris.git.command import Git


def _git(directory: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
    allow = ("-c", "protocol.file.allow=always")
    subprocess.run(["git", *identity, *allow, *arguments], cwd=directory, check=True)


def _name(top: Path) -> str:
    git_dir = Git(top).text("rev-parse", "--absolute-git-dir")
    return repository_name(Path(git_dir), top)


@pytest.fixture
def mediawiki(tmp_path: Path) -> Path:
    top = tmp_path / "mediawiki"
    _git(tmp_path, "init", "-q", str(top))
    _git(top, "commit", "-q", "--allow-empty", "-m", "first")
    return top


def test_it_is_the_directory_that_holds_dot_git(mediawiki: Path) -> None:
    assert _name(mediawiki) == "mediawiki"


def test_a_linked_work_tree_has_the_name_of_its_repository(mediawiki: Path) -> None:
    _git(mediawiki, "worktree", "add", "-q", "../elsewhere")

    assert _name(mediawiki.parent / "elsewhere") == "mediawiki"


def test_a_linked_work_tree_of_a_bare_repository_has_its_name(mediawiki: Path) -> None:
    _git(mediawiki.parent, "clone", "-q", "--bare", "mediawiki", "wiki.git")
    _git(mediawiki.parent / "wiki.git", "worktree", "add", "-q", "../elsewhere", "HEAD")

    assert _name(mediawiki.parent / "elsewhere") == "wiki"


def test_a_bare_repository_has_its_own_name_without_dot_git(mediawiki: Path) -> None:
    _git(mediawiki.parent, "clone", "-q", "--bare", "mediawiki", "wiki.git")

    assert _name(mediawiki.parent / "wiki.git") == "wiki"


def test_a_work_tree_with_its_git_directory_elsewhere_has_its_own_name(mediawiki: Path) -> None:
    _git(mediawiki.parent, "init", "-q", "--separate-git-dir", "store.git", "site")

    assert _name(mediawiki.parent / "site") == "site"


def test_a_submodule_has_the_name_of_its_work_tree(mediawiki: Path, tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q", "super")
    _git(tmp_path / "super", "submodule", "--quiet", "add", str(mediawiki), "skins/vector")

    assert _name(tmp_path / "super" / "skins" / "vector") == "vector"


def test_a_dot_git_that_is_a_symbolic_link_still_names_its_parent(mediawiki: Path) -> None:
    (mediawiki.parent / "store").mkdir()
    (mediawiki / ".git").rename(mediawiki.parent / "store" / ".git")
    (mediawiki / ".git").symlink_to("../store/.git")

    assert repository_name(mediawiki / ".git", mediawiki) == "mediawiki"


@pytest.mark.parametrize("name", ["my site", "-site", "a'b", "line\nbreak", "caf\u00e9"])
def test_a_directory_whose_name_is_not_safe_is_refused(tmp_path: Path, name: str) -> None:
    top = tmp_path / name
    _git(tmp_path, "init", "-q", "--", name)

    with pytest.raises(ConfigError, match=r"the repository's name, .* is not a safe name"):
        read_config(Git(top), git_dir=top / ".git", top=top)
