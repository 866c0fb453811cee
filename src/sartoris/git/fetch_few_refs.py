"""Fetch a branch without looking at every tag.

After a fetch git walks from what it got to all refs, to see that nothing is missing, and before one
it offers them all to the server. A repository that has deployed for years has tens of thousands of
tags, and each start would wait for them. So the fetch runs in a small repository beside it, whose
few refs are commits that the real one has, and whose object directory is the real one's: objects
come to where they belong, and the same check is made against the few.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from sartoris.git.command import Git

# Below, the check takes no longer than the processes that this takes.
MANY_TAGS = 1000
_LINE = 60  # bytes of packed-refs that a ref takes, at least
_KNOWN = "refs/heads/known"
# In repositories that are partial, of another hash, or put together in another way, git does more
# than this knows of.
_SPECIAL = r"^(extensions\..*|core\.worktree|remote\..*\.(promisor|partialclonefilter))$"


def is_worth_it(git: Git, git_dir: Path) -> bool:
    """Whether the repository has many tags, and nothing that a plain fetch alone knows to do."""
    if not _has_many_tags(git_dir) or (git_dir / "shallow").exists():
        return False
    return not git.succeeds("config", "--get-regexp", _SPECIAL)


def _has_many_tags(git_dir: Path) -> bool:
    try:
        if (git_dir / "packed-refs").stat().st_size > MANY_TAGS * _LINE:
            return True
    except FileNotFoundError:
        pass
    try:
        with os.scandir(git_dir / "refs" / "tags") as loose:
            return sum(1 for _ in islice(loose, MANY_TAGS)) == MANY_TAGS
    except FileNotFoundError:
        return False


class NarrowRepository:
    """The repository at `place` through which `git`, of the repository `git_dir`, fetches."""

    def __init__(self, place: Path, git: Git, git_dir: Path) -> None:
        self._place = place
        self._git = git
        self._git_dir = git_dir
        objects = {"GIT_OBJECT_DIRECTORY": str(git_dir / "objects")}
        self._narrow = Git(git.directory, place, objects, git.limit)

    def fetch(self, options: Sequence[str], site: str, branch: str, known: Sequence[str]) -> str:
        """Fetch one branch; the commit at its tip. Raises `GitFailed`.

        `known` are commits that the repository has. Its remote-tracking refs and FETCH_HEAD are
        brought forward as a plain fetch would do it.
        """
        self._prepare(known)
        self._narrow.reach("fetch", *options, "--", site, f"refs/heads/{branch}", remote=site)
        commit = self._narrow.text("rev-parse", "--verify", "FETCH_HEAD^{commit}")
        self._follow(commit)
        return commit

    def _prepare(self, known: Sequence[str]) -> None:
        # Made anew each time, so that no ref in it is older than the objects.
        shutil.rmtree(self._place, ignore_errors=True)
        (self._place / "refs").mkdir(parents=True)
        (self._place / "HEAD").write_text(f"ref: {_KNOWN}\n")
        included = str(self._git_dir / "config").replace("\\", "\\\\").replace('"', '\\"')
        (self._place / "config").write_text(
            f'[include]\n\tpath = "{included}"\n[core]\n\tbare = true\n\thooksPath = /dev/null\n',
            errors="surrogateescape",
        )
        lines = [f"{commit} {_KNOWN}{number or ''}\n" for number, commit in enumerate(known)]
        (self._place / "packed-refs").write_text("".join(lines))

    def _follow(self, commit: str) -> None:
        own = self._git.text("rev-parse", "--path-format=absolute", "--git-path", "FETCH_HEAD")
        shutil.copyfile(self._place / "FETCH_HEAD", own)
        wanted = ("for-each-ref", "--format=%(refname)", f"--points-at={commit}", "refs/remotes")
        for ref in self._narrow.lines(*wanted):
            self._git.run("update-ref", "-m", "fetch", ref, commit)
