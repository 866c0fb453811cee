"""Carry: the commits of a release's submodules, for targets that keep real submodules.

A *bundle* is a commit without files whose parents are these commits, at any depth. One ref to it
keeps them all, and one fetch brings them all, each with its history. It is a function of the set of
commits alone, so that releases between which no submodule moved have one bundle.

As for `git submodule update`, a commit without a `.gitmodules` has no submodules. Those that a
commit's `.gitmodules_internal` names are not bundled: targets fetch them from where it says.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from sartoris.errors import Refused
from sartoris.git.command import Git
from sartoris.git.objects import (
    GitObject,
    empty_tree,
    outline,
    read_objects,
    write_commit,
    write_pack_of_history,
)
from sartoris.git.submodules import git_directory, object_directory
from sartoris.git.unknown_submodules import require_known
from sartoris.releases.compose import SubmoduleCommitMissing, SubmoduleNotCheckedOut

# After every real commit: git walks from the newest to the oldest, and is to begin with these.
_WHO = b"Sartoris <sartoris> 4102444800 +0000"
_MESSAGE = b"\nSubmodules of a release\n"


class Histories(Protocol):
    """Through which the commits of submodules are read, and where the bundle is written."""

    @property
    def git(self) -> Git:
        """git in a repository that sees its own objects and those of `read_history`."""

    def read_history(self, directories: Iterable[Path]) -> None:
        """Let commands that start after this see these object directories, history included."""


class SubmoduleRefs:
    """Makes the carriers of commits of the working repository at `top`."""

    def __init__(self, top: Path, store: Histories) -> None:
        self._top = top.absolute()
        self._store = store
        self._bundled: set[str] = set()

    def commits(self, source_commit: str) -> list[str]:
        """The commits that a bundle of this commit has to carry, in order.

        Raises `SubmoduleNotCheckedOut`, `UnknownSubmodules`, `SubmoduleCommitMissing`, or `Refused`
        when a `.gitmodules_internal` cannot be read.
        """
        level = [("", source_commit)]
        while level:
            level = self._below(level)
        return sorted(self._bundled)

    def _below(self, level: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """The submodules (path with a final slash, commit) of submodules, one level deeper."""
        git = self._store.git
        names = [f"{commit}:{file}" for _, commit in level for file in _FILES]
        found = read_objects(git, names)
        children: list[tuple[str, str]] = []
        recorded_by: dict[str, tuple[str, str]] = {}
        for (inside, commit), modules, internal in zip(level, found[::2], found[1::2], strict=True):
            if modules is None or modules.kind != "blob":
                continue
            elsewhere = _paths_named(git, internal, inside)
            for link in outline(git, commit).gitlinks:
                children.append((f"{inside}{os.fsdecode(link.path)}/", link.commit))
                recorded_by[children[-1][0]] = inside, commit
                if link.path not in elsewhere:
                    self._bundled.add(link.commit)
        self._require(children, recorded_by)
        return children

    def _require(
        self, submodules: Sequence[tuple[str, str]], recorded_by: Mapping[str, tuple[str, str]]
    ) -> None:
        repositories = [git_directory(self._top, path[:-1]) for path, _ in submodules]
        self._store.read_history([object_directory(one) for one in repositories if one])
        commits = read_objects(self._store.git, [commit for _, commit in submodules])
        for (path, recorded), repository, commit in zip(
            submodules, repositories, commits, strict=True
        ):
            if commit is not None and commit.kind == "commit":
                continue  # even where it is not checked out: an earlier release has it
            if repository is None:
                inside, by = recorded_by[path]
                require_known(self._store.git, by, [path[len(inside) : -1]], inside[:-1])
                raise SubmoduleNotCheckedOut(path[:-1])
            raise SubmoduleCommitMissing(path[:-1], recorded)


_FILES = (".gitmodules", ".gitmodules_internal")


def write_bundle(git: Git, commits: Sequence[str], like: str) -> str:
    """Write the bundle of these commits, which are in order; its id, as long as `like`."""
    git.run("hash-object", "-t", "tree", "-w", "--stdin")
    parents = b"".join(b"parent %s\n" % commit.encode() for commit in commits)
    tree = b"tree %s\n" % empty_tree(like).encode()
    who = b"author %s\ncommitter %s\n" % (_WHO, _WHO)
    return write_commit(git, tree + parents + who + _MESSAGE)


def pack_bundle(git: Git, bundle: str, held: Iterable[str], directory: Path) -> None:
    """Write a pack of the bundle and the history it bundles, without that of the `held` commits.

    Raises `Refused` when the history of a submodule has a hole.
    """
    packed = write_pack_of_history(git, [bundle], held, directory)
    if not packed.ok:
        raise Refused(
            f"the history of a submodule cannot be read:\n{packed.tail()}",
            next_steps=["git submodule foreach --recursive git fsck --connectivity-only"],
        )


def _paths_named(git: Git, internal: GitObject | None, inside: str) -> set[bytes]:
    """The paths in a `.gitmodules_internal`."""
    if internal is None or internal.kind != "blob":
        return set()
    listed = git.run("config", f"--blob={internal.id}", "--null", "--list", check=False)
    if not listed.ok:
        raise Refused(f"{inside}.gitmodules_internal cannot be read:\n{listed.tail()}")
    settings = [setting.partition(b"\n") for setting in listed.stdout.split(b"\0")]
    return {
        value
        for key, _, value in settings
        if key.startswith(b"submodule.") and key.endswith(b".path")
    }
