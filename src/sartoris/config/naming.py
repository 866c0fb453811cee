"""How a repository gets its name: `repo-name-detection = dot-git-parent-dir`."""

from __future__ import annotations

import os
from pathlib import Path


def repository_name(git_dir: Path, top: Path) -> str:
    """The name of the directory that holds `.git`.

    A linked work tree has the name of the repository that it belongs to; a submodule, and a work
    tree whose git directory is elsewhere, that of the work tree; a bare repository its own name
    without `.git`.
    """
    git_dir = _absolute(git_dir)
    common = _common_dir(git_dir)
    if common.name == ".git":
        return common.parent.resolve().name
    linked = common != git_dir
    if not linked and (top / ".git").exists():
        return top.resolve().name
    return common.resolve().name.removesuffix(".git")


def _common_dir(git_dir: Path) -> Path:
    """The git directory that a linked work tree shares, read as git does, without running it."""
    try:
        common = os.fsdecode((git_dir / "commondir").read_bytes()).rstrip("\n")
    except OSError:
        return git_dir
    return Path(os.path.normpath(git_dir / common))


def _absolute(path: Path) -> Path:
    # Not `resolve`: a `.git` that is a symbolic link still names its own parent.
    return Path(os.path.abspath(path))  # noqa: PTH100
