"""Files whose changes git was told not to look at: assume-unchanged and skip-worktree.

`git status` shows none of them, `git reset --hard` overwrites what the first hides, and stops at
what the second does.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sartoris.git.command import Git

_FLAGS = ("assume-unchanged", "skip-worktree")


@dataclass(frozen=True)
class Hidden:
    """Files of a work tree that are hidden from git and there, by the flags that hide them."""

    assumed: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()

    @property
    def paths(self) -> frozenset[str]:
        return self.assumed | self.skipped

    def __and__(self, paths: Collection[str]) -> Hidden:
        return Hidden(self.assumed & frozenset(paths), self.skipped & frozenset(paths))


def hidden_files(git: Git, top: Path) -> Hidden:
    """Those of the index that `git` looks at; what a sparse checkout leaves out is not there."""
    assumed, skipped = set(), set()
    for record in git.run("ls-files", "-v", "-z").records:
        tag, path = record[0], record[2:]
        if tag == "H" or not os.path.lexists(top / path):
            continue
        if tag.islower():
            assumed.add(path)
        if tag in "Ss":
            skipped.add(path)
    return Hidden(frozenset(assumed), frozenset(skipped))


def show(git: Git, files: Hidden) -> None:
    """Have git look at them again."""
    _set(git, "--no-assume-unchanged", files.assumed)
    _set(git, "--no-skip-worktree", files.skipped)


@contextmanager
def left_alone(git: Git, files: Hidden) -> Iterator[None]:
    """While the body resets to a commit that has the same files as the index: they stay."""
    only_assumed = files.assumed - files.skipped
    _set(git, "--skip-worktree", only_assumed)
    yield
    _set(git, "--no-skip-worktree", only_assumed)
    _set(git, "--assume-unchanged", only_assumed)


def how_to_show(files: Hidden) -> list[str]:
    """The commands that have git look at them again."""
    from sartoris.shell import command

    pairs = zip(_FLAGS, (files.assumed, files.skipped), strict=True)
    return [
        command("git", "update-index", f"--no-{flag}", "--", *sorted(paths))
        for flag, paths in pairs
        if paths
    ]


def _set(git: Git, option: str, paths: Iterable[str]) -> None:
    named = b"".join(os.fsencode(path) + b"\0" for path in sorted(paths))
    if named:
        git.run("update-index", option, "-z", "--stdin", stdin=named)
