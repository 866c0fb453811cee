"""What is not committed, kept as a commit that `git stash apply` takes, under a ref.

As `git stash create` makes one, but whatever git can or cannot read here: a `.gitmodules` with the
marks of a merge, an index that is damaged. And with the files that git was told not to look at,
where a reset would overwrite them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sartoris.errors import GitFailed
from sartoris.git.command import Git
from sartoris.git.hidden import Hidden, hidden_files, show

if TYPE_CHECKING:
    from sartoris.git.repository import Repository

CHANGES = "refs/sartoris/changes"  # where a reset keeps what was not committed
COMMITS = "refs/sartoris/commits"  # and commits that no branch has any more

_STRANGER = {"NAME": "git stash", "EMAIL": "git@stash"}  # as git's own stash is nobody's


@dataclass(frozen=True)
class Kept:
    """`ref` has the changes, "" if there were none. `shown` had been hidden from git until now."""

    ref: str = ""
    shown: Hidden = field(default_factory=Hidden)


def mend_index(git: Git) -> Path | None:
    """Make the index anew, of HEAD, where git cannot read it; where the damaged one is now.

    None if all is well, and where there was none: then what HEAD has is tracked again, too.
    """
    index = _index(git)
    if index.exists() and git.succeeds("ls-files", "-z"):
        return None
    aside = None
    if os.path.lexists(index):
        aside = index.with_name(f"index.damaged-{time.time_ns()}")
        index.rename(aside)
    git.run("read-tree", "HEAD")
    return aside


def save_changes(repository: Repository, directory: str, before: Sequence[str]) -> Kept:
    """As `Repository.save_changes` has it."""
    with _index_of_its_own(repository) as scratch:
        hidden = hidden_files(scratch.git, scratch.top) & differing(scratch.git, before[0])
        show(scratch.git, hidden)
        try:
            staged = scratch.git.text("write-tree")
        except GitFailed:  # in a merge, or an object that it names is lost
            staged = scratch.git.text("rev-parse", "HEAD^{tree}")
            scratch.git.run("read-tree", "HEAD")
        changed, added = _take_in(scratch, before)
        commit = _stash_commit(scratch, staged, f"kept before a reset to {before[0]}")
    if added:  # a reset removes what it knows
        repository.git.run("update-index", *_ADD, stdin=_paths(added))
    shown = hidden & changed
    show(repository.git, shown)
    if not commit:
        return Kept(shown=shown)
    ref = f"{directory}/{commit[:12]}"
    repository.git.run("update-ref", ref, commit)
    return Kept(ref, shown)


# Said here, or git would ask .gitmodules.
_ALONE = "--ignore-submodules=all"
_ADD = ("--add", "--remove", "--replace", "-z", "--stdin")


def _take_in(scratch: Repository, before: Sequence[str]) -> tuple[set[str], set[str]]:
    """Bring the work tree's files into the index; those that differ, and those that are new."""
    git = scratch.git
    # Of a file that was only touched git says that it differs.
    git.run("update-index", "-q", "--refresh", check=False)
    changed = set(git.run("diff-files", "--name-only", _ALONE, "-z").records)
    intended = git.run("diff-files", "--name-only", _ALONE, "--diff-filter=A", "-z").records
    in_the_way = {path for commit in before for path in scratch.in_the_way(commit)}
    added = {*intended, *(path for path in in_the_way if not path.endswith("/"))}
    if changed | added:
        git.run("update-index", *_ADD, stdin=_paths(changed | added))
    return changed, added


def _stash_commit(scratch: Repository, staged: str, message: str) -> str:
    """The commit of what is in the index now; "" where that, and `staged`, is what HEAD has."""
    git = scratch.git
    found = git.text("write-tree")
    if {found, staged} == {git.text("rev-parse", "HEAD^{tree}")}:
        return ""
    nobody = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in _STRANGER.items()
    }
    known = git.succeeds("-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT")
    writing = git if known else git.with_environment(nobody)
    head = git.text("rev-parse", "HEAD")
    index = writing.text("commit-tree", "-p", head, "-m", f"index, {message}", staged)
    return writing.text("commit-tree", "-p", head, "-p", index, "-m", message, found)


@contextmanager
def _index_of_its_own(repository: Repository) -> Iterator[Repository]:
    """The same work tree with a copy of the index, which the body may change."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "index"
        shutil.copyfile(_index(repository.git), copy)
        yield repository.with_index(copy)


def differing(git: Git, commit: str) -> set[str]:
    """The paths whose content in the index is not that of the commit."""
    named = ("--cached", "--name-only", _ALONE, "-z")
    return set(git.run("diff-index", *named, commit, "--").records)


def _index(git: Git) -> Path:
    return Path(git.text("rev-parse", "--path-format=absolute", "--git-path", "index"))


def _paths(paths: set[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in sorted(paths))
