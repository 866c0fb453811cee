"""Why git finds no work tree in a directory: there is none, it is another user's, it is damaged.

git works in no repository whose files are another user's, unless that user says so: its settings
name programs. Whose files these are is seen here by their owners, as git sees it; what git writes
depends on its version and on the language.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sartoris.git.submodules import gitdir_file
from sartoris.permissions import user_name
from sartoris.shell import command


def why_not(directory: Path, said: str) -> tuple[str, str]:
    """The message and what to type where git, asked for the work tree, has `said` why not."""
    top = next((each for each in (directory, *directory.parents) if _is_top(each)), None)
    if top is None or (top / ".git") in (directory, *directory.parents):
        return (
            f"{directory} is not in the work tree of a git repository",
            "cd to the repository that you deploy from",
        )
    others = [each for each in _parts(top) if is_of_another(each)]
    if others:
        whose = ", ".join(owners(others))
        message = f"{top} is a repository of another user ({whose}), and git works there only for"
        step = f"{trust(top)}   # if you trust those who may write there"
        return f"{message} who trusts it:\n{said}", step
    return f"git cannot work in {top}:\n{said}", command("git", "-C", str(top), "status")


def trust(directory: Path) -> str:
    """The command that tells git to work in another user's repository."""
    return command("git", "config", "--global", "--add", "safe.directory", str(directory))


def is_of_another(path: Path) -> bool:
    """Whether git sees the file as another user's: root may work under sudo in its own, and in what
    is of who typed it.
    """
    mine = {os.geteuid()}
    behind = os.environ.get("SUDO_UID", "")
    if os.geteuid() == 0 and behind.isdigit():
        mine.add(int(behind))
    return path.lstat().st_uid not in mine


def owners(paths: Iterable[Path]) -> list[str]:
    """The users to whom files belong, by name where they have one."""
    return list(dict.fromkeys(user_name(path.lstat().st_uid) for path in paths))


def _is_top(directory: Path) -> bool:
    return os.path.lexists(directory / ".git")


def _parts(top: Path) -> list[Path]:
    """What has to be of who runs git: the work tree, and its repository wherever that is."""
    dot_git = top / ".git"
    elsewhere = gitdir_file(dot_git)
    return [each for each in (top, dot_git, elsewhere) if each is not None and each.exists()]
