"""Compose: one commit with one complete tree from a commit and its submodules.

Each gitlink is replaced by the tree of the commit it records, at any depth, and one commit without
parents is written around the result, with a header for the path of each. That commit is a function
of the source commit alone, so that composing again, elsewhere or later, gives the same id.

Trees are made from trees, and only along the paths of gitlinks; no file is read and no index made.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sartoris.agent.parts import headers
from sartoris.errors import Refused
from sartoris.git.command import Git
from sartoris.git.objects import (
    TREE,
    Gitlink,
    GitObject,
    TreeEntry,
    TreeOutline,
    outline,
    parse_tree,
    read_objects,
    write_commit,
    write_trees,
)
from sartoris.git.partial import bring_missing, is_partial
from sartoris.git.submodules import UPDATE_COMMAND, git_directory, object_directory
from sartoris.git.unknown_submodules import require_known

SOURCE_TRAILER = b"Source-Commit: "


class SubmoduleNotCheckedOut(Refused):
    """A release needs a submodule that is not checked out in the working repository."""

    def __init__(self, path: str) -> None:
        self.path = path
        message = f"the submodule {_shown(path)} is not checked out"
        super().__init__(message, next_steps=[UPDATE_COMMAND])


class SubmoduleCommitMissing(Refused):
    """A submodule is checked out, but the commit that the release needs of it is not there."""

    def __init__(self, path: str, commit: str) -> None:
        self.path = path
        self.commit = commit
        message = (
            f"the submodule {_shown(path)} does not have commit {commit}, which is recorded for it;"
            " if fetching does not bring it, it was never pushed"
        )
        super().__init__(message, next_steps=[UPDATE_COMMAND])


class Store(Protocol):
    """Where composed objects are written, and through which their parts are read."""

    @property
    def git(self) -> Git:
        """git in a repository that sees its own objects and those of `read_also`."""

    def read_also(self, directories: Iterable[Path]) -> None:
        """Let commands that start after this see the objects in these directories too."""


@dataclass(frozen=True)
class Part:
    """A complete tree, and the paths in it of the submodules that were composed into it."""

    tree: str
    places: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Composed:
    """What composing gave: the commit, its tree, and what became of each submodule's commit."""

    commit: str
    tree: str
    source: str
    submodules: Mapping[str, Part]


class Composer:
    """Composes commits of the working repository at `top` into `store`.

    `composed_before` is given commits of submodules, and answers with what was composed of those
    that are in the store already, complete; they are not looked at again.
    """

    def __init__(
        self,
        top: Path,
        store: Store,
        composed_before: Callable[[Sequence[str]], Mapping[str, Part]],
    ) -> None:
        self._top = top.absolute()
        self._store = store
        self._composed_before = composed_before
        self._composed: dict[str, Part] = {}

    def compose(self, source_commit: str) -> Composed:
        """Compose one commit.

        Raises `SubmoduleNotCheckedOut`, `UnknownSubmodules`, `SubmoduleCommitMissing`, or `Refused`
        when there is no such source commit.
        """
        source = read_objects(self._store.git, [f"{source_commit}^{{commit}}"])[0]
        if source is None:
            raise Refused(f"{source_commit} is not a commit of {self._top}")
        part = self._complete(source, inside="")
        content = composed_commit(source.id, source.content, part.tree, part.places)
        commit = write_commit(self._store.git, content)
        return Composed(commit, part.tree, source.id, self._composed)

    def _complete(self, commit: GitObject, inside: str) -> Part:
        tree = tree_of(commit.content)
        parts = outline(self._store.git, tree)
        if not parts.gitlinks:
            return Part(tree)
        self._compose_submodules(commit.id, parts.gitlinks, inside)
        places: list[bytes] = []
        for link in parts.gitlinks:
            nested = self._composed[link.commit].places
            places += [link.path, *(link.path + b"/" + place for place in nested)]
        grafts = {link.path: self._composed[link.commit].tree for link in parts.gitlinks}
        return Part(graft(self._store.git, tree, parts, grafts), tuple(places))

    def _compose_submodules(self, commit: str, links: Sequence[Gitlink], inside: str) -> None:
        unknown = {link.commit: link for link in links if link.commit not in self._composed}
        self._composed.update(self._composed_before(list(unknown)))
        moved = [link for at, link in unknown.items() if at not in self._composed]
        if not moved:
            return
        repositories = self._repositories_of(commit, moved, inside)
        for link, repository in zip(moved, repositories, strict=True):
            self._bring_missing(repository, link.commit)
        self._store.read_also([object_directory(one) for one in repositories])
        commits = read_objects(self._store.git, [link.commit for link in moved])
        for link, found in zip(moved, commits, strict=True):
            path = f"{inside}{os.fsdecode(link.path)}"
            if found is None or found.kind != "commit":
                raise SubmoduleCommitMissing(path, link.commit)
            self._composed[link.commit] = self._complete(found, inside=f"{path}/")

    def _repositories_of(self, commit: str, links: Sequence[Gitlink], inside: str) -> list[Path]:
        """Where the submodules that a commit records are, which is itself at `inside`."""
        paths = [os.fsdecode(link.path) for link in links]
        found = {path: git_directory(self._top, f"{inside}{path}") for path in paths}
        missing = [path for path, repository in found.items() if repository is None]
        if missing:
            require_known(self._store.git, commit, missing, inside.removesuffix("/"))
            raise SubmoduleNotCheckedOut(f"{inside}{missing[0]}")
        return [repository for repository in found.values() if repository is not None]

    def _bring_missing(self, repository: Path, commit: str) -> None:
        git = Git(self._top, git_dir=repository)
        if is_partial(repository) and git.succeeds("cat-file", "-e", f"{commit}^{{commit}}"):
            bring_missing(git, commit)


def graft(git: Git, tree: str, parts: TreeOutline, grafts: Mapping[bytes, str]) -> str:
    """The tree with other trees (path to tree id) in the place of what it has at these paths.

    `parts` is the outline of `tree`. Writes only the directories above the grafts, deepest first.
    """
    above = {directory for path in grafts for directory in _parents(path)}
    ordered = sorted(above, key=_depth, reverse=True)
    ids = [parts.directories[directory] if directory else tree for directory in ordered]
    entries = {
        directory: parse_tree(content)
        for directory, content in zip(ordered, read_objects(git, ids), strict=True)
        if content is not None
    }
    made = dict(grafts)
    for depth in sorted({_depth(directory) for directory in ordered}, reverse=True):
        level = [directory for directory in ordered if _depth(directory) == depth]
        trees = [_replaced(directory, entries[directory], made) for directory in level]
        made.update(zip(level, write_trees(git, trees), strict=True))
    return made[b""]


def composed_commit(source: str, content: bytes, tree: str, places: Iterable[bytes] = ()) -> bytes:
    """The composed commit as git stores it, from the source commit (id and content) and the tree.

    `places` are those of submodules in the tree. Who, when, and in which encoding stay as they are,
    byte for byte. Parents and signatures go: history stays on the deployment server, and a
    signature would not fit the new tree.
    """
    header, _, message = content.partition(b"\n\n")
    kept = (b"author ", b"committer ", b"encoding ")
    lines = [b"tree " + tree.encode()]
    lines += [line for line in header.split(b"\n") if line.startswith(kept)]
    lines += headers(places)
    paragraphs = [message.rstrip(b"\n"), SOURCE_TRAILER + source.encode() + b"\n"]
    return b"\n".join(lines) + b"\n\n" + b"\n\n".join(filter(None, paragraphs))


def source_of(content: bytes) -> str | None:
    """The source commit of a composed commit, given its content; None if it is not composed."""
    last_line = content.rstrip(b"\n").rpartition(b"\n")[2]
    if not last_line.startswith(SOURCE_TRAILER):
        return None
    return last_line[len(SOURCE_TRAILER) :].decode()


def tree_of(commit: bytes) -> str:
    """The tree of a commit, given its content."""
    return commit.partition(b"\n")[0].removeprefix(b"tree ").decode()


def _replaced(
    directory: bytes, entries: Iterable[TreeEntry], made: Mapping[bytes, str]
) -> list[TreeEntry]:
    prefix = directory + b"/" if directory else b""
    return [
        TreeEntry(TREE, entry.name, made[prefix + entry.name])
        if prefix + entry.name in made
        else entry
        for entry in entries
    ]


def _parents(path: bytes) -> list[bytes]:
    """The directories above a path; the root is the empty path."""
    parts = path.split(b"/")
    return [b"/".join(parts[:count]) for count in range(len(parts))]


def _depth(directory: bytes) -> int:
    return directory.count(b"/") + 1 if directory else 0


def _shown(path: str) -> str:
    """The path in one line that any terminal can show."""
    if path.isprintable():
        return path
    shown = os.fsencode(path).decode(errors="backslashreplace")
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in shown)
