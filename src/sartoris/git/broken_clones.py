"""Submodules whose clone was killed.

The last that `git clone` does is to write the branches. Before, git takes what is there for a
repository all the same, looks for its HEAD in vain, and never ends the clone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from sartoris.git.command import Git
from sartoris.git.submodules import (
    gitdir_file,
    head_commit,
    is_in_modules,
    known_gitlinks,
    remove_place,
)


def forget_half_cloned(git: Git, commits: Sequence[str]) -> list[str]:
    """Remove what there is of half cloned submodules, so that git begins anew; their paths.

    Those are looked at, at any depth, that one of the commits records.
    """
    found: list[str] = []
    for path in [path for commit in commits for path in _half_cloned(git, commit)]:
        repository = gitdir_file(git.directory / path / ".git")
        if repository is not None and is_in_modules(git, git.directory / path):
            shutil.rmtree(repository, ignore_errors=True)
            remove_place(git.directory, path)
            found.append(path)
    return found


def _half_cloned(git: Git, commit: str) -> list[str]:
    found: list[str] = []
    for path, recorded in known_gitlinks(git, commit):
        place = git.directory / path
        if _is_half_cloned(place):
            found.append(path)
        elif (place / ".git").exists():
            found += [f"{path}/{inner}" for inner in _half_cloned(Git(place), recorded)]
    return found


def _is_half_cloned(place: Path) -> bool:
    """Whether nothing is there but the way to a repository without any commit of its own."""
    repository = gitdir_file(place / ".git")
    if repository is None or os.listdir(place) != [".git"]:  # noqa: PTH208
        return False
    if head_commit(repository) is not None:
        return False
    heads = ("for-each-ref", "--count=1", "refs/heads")
    return not Git(place, repository).run(*heads, check=False).stdout
