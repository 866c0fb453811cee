"""Work trees with real submodules: each is a repository of its own, on its recorded commit.

The git directory of a tree is not in the tree but in git/SLOT/NUMBER, and those of its submodules
are inside that one. A `.git` file with a relative path leads there, from staging/ as well as from
releases/, so that it stays right when the tree is taken over and renamed. All borrow the objects of
the one store.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import Optional

from sartoris.agent.errors import Failure, GitFailed, SubmoduleFailed
from sartoris.agent.files import (
    is_real_directory,
    lexists,
    read_json,
    remove,
    remove_if_possible,
    write_json,
)
from sartoris.agent.place import Place
from sartoris.agent.records import TREE_RULES, Release
from sartoris.agent.submodules import Submodules
from sartoris.agent.tree import Tree

_TICK = 0.011  # seconds; what changes after this has another time than what was before


class RealTree(Tree):
    """A work tree with a git directory. `inside` is the path of a submodule, "" for the release."""

    def __init__(
        self,
        path: Path,
        git_directory: Path,
        commit: str,
        submodules: Submodules,
        inside: str = "",
    ) -> None:
        super().__init__(path, git_directory / "index", submodules.store)
        self.commit, self.git_directory, self.inside = commit, git_directory, inside
        self._submodules = submodules
        self._state_file = git_directory / "sartoris.json"
        self._filled = False

    @cached_property
    def parts(self) -> list[RealTree]:
        """The submodules that the commit records. Raises GitFailed."""
        return [self._part(path, commit) for path, commit in self._links().items()]

    def _links(self) -> dict[str, str]:
        return dict(self._submodules.of(self.commit))

    def _part(self, path: str, commit: str) -> RealTree:
        inside = f"{self.inside}/{path}" if self.inside else path
        directory = self.git_directory / "modules" / _key(path)
        return RealTree(self.path / path, directory, commit, self._submodules, inside)

    def fill(self) -> None:
        """Bring every tracked file to its commit, here and in the submodules."""
        self._filled = True
        if read_json(self._state_file).get("tree_rules") != TREE_RULES:
            self.index.unlink(missing_ok=True)
        self._make_git_directory()
        self._drop_former()
        self._remember(fingerprint="")
        self._fill_own()
        self._point()
        for part in self.parts:
            part.bring(self)

    def _fill_own(self) -> None:
        try:
            super().fill()
        except GitFailed as failure:
            if not self.inside:
                raise
            raise SubmoduleFailed(self.inside, failure) from failure

    def bring(self, parent: Tree) -> None:
        """Fill this submodule, unless it is as it was left when it was filled last."""
        parent.parent_of(os.path.relpath(self.path, parent.path))
        if self._is_as_left():
            for part in self.parts:
                part.bring(self)
            return
        if not is_real_directory(self.path):
            remove(self.path)
        self.path.mkdir(exist_ok=True)
        self.fill()

    def remove_untracked(self) -> None:
        if self._filled:
            super().remove_untracked()
        for part in self.parts:
            part.remove_untracked()

    def save_stat_cache(self) -> None:
        """Remember what all files look like, now that they are right."""
        filled = [part for part in self._all_parts() if part._filled]
        if filled:
            time.sleep(_TICK)
        for part in filled:
            part._remember(fingerprint=_fingerprint(part.path, part._opaque()))

    def _all_parts(self) -> Iterator[RealTree]:
        for part in self.parts:
            yield part
            yield from part._all_parts()

    def _remember(self, fingerprint: str) -> None:
        state = {"commit": self.commit, "links": self._links(), "fingerprint": fingerprint}
        write_json(self._state_file, {**state, "tree_rules": TREE_RULES})

    def _is_as_left(self) -> bool:
        state = read_json(self._state_file)
        return (
            (state.get("commit"), state.get("tree_rules")) == (self.commit, TREE_RULES)
            and _text_of(self.git_directory / "HEAD") == f"{self.commit}\n"
            and _text_of(self.path / ".git") == self._pointer()
            and state.get("fingerprint", "") != ""
            and state["fingerprint"] == _fingerprint(self.path, self._opaque())
        )

    def _make_git_directory(self) -> None:
        directory, store = self.git_directory, self.store.path
        if not (directory / "HEAD").is_file():
            (directory / "objects" / "info").mkdir(parents=True, exist_ok=True)
            (directory / "refs").mkdir(exist_ok=True)
            (directory / "config").write_text(self._config(), encoding="ascii")
            objects = os.path.relpath(store / "objects", directory / "objects")
            (directory / "objects/info/alternates").write_bytes(os.fsencode(f"{objects}\n"))
        if (store / "shallow").is_file():
            (directory / "shallow").write_bytes((store / "shallow").read_bytes())

    def _config(self) -> str:
        sha256 = len(self.commit) == 64
        core = f"[core]\n\trepositoryformatversion = {sha256:d}\n\tbare = false\n"
        extension = "[extensions]\n\tobjectFormat = sha256\n" if sha256 else ""
        return f"{core}{extension}[submodule]\n\tactive = .\n"

    def _pointer(self) -> str:
        return f"gitdir: {os.path.relpath(self.git_directory, self.path)}\n"

    def _point(self) -> None:
        """Make this a checkout of the commit, for whoever runs git in it."""
        where = self.path / ".git"
        if _text_of(where) != self._pointer():
            if self._is_live and is_real_directory(where):
                self.place.set_aside(where)
            remove(where)
            where.write_text(self._pointer(), encoding="ascii")
        (self.git_directory / "HEAD").write_text(f"{self.commit}\n", encoding="ascii")

    def _drop_former(self) -> None:
        """Remove the submodules that an earlier commit had, and this one has not."""
        former = read_json(self._state_file).get("links", {})
        for path in set(former) - set(self._links()):
            self.drop(path, str(former[path]))

    def drop(self, path: str, commit: str) -> None:
        """Remove a submodule; in a live tree, what is not its own is set aside with it."""
        part = self._part(path, commit)
        with contextlib.suppress(Failure, FileNotFoundError):
            self.parent_of(path, make=False)
            if self._is_live and part.has_untracked_files():
                self.place.set_aside(part.path)
            remove(part.path)
        remove(part.git_directory)

    def has_untracked_files(self) -> bool:
        if not self.index.is_file() or not self.path.is_dir():
            return lexists(self.path)
        former = read_json(self._state_file).get("links", {})
        parts = [self._part(path, commit) for path, commit in former.items()]
        own = self.store.git("ls-files", "--others", "-z", tree=self.path, index=self.index)
        inside = tuple(os.fsencode(f"{path}/") for path in former)
        others = [one for one in own.split(b"\0") if one and not one.startswith(inside)]
        return bool(others) or any(part.has_untracked_files() for part in parts)

    def has_untracked(self, path: str) -> bool:
        for part in self.parts:
            start = f"{os.path.relpath(part.path, self.path)}/"
            if path.startswith(start):
                return part.has_untracked(path[len(start) :])
        return super().has_untracked(path)

    def _opaque(self) -> frozenset[str]:
        return frozenset(os.fspath(part.path) for part in self.parts)

    def _excluded(self) -> str:
        return os.fspath(self.path / ".git")

    def changed(self, commit: str) -> list[tuple[str, str]]:
        if not self.path.is_dir():
            return [("D", ".")]
        found = super().changed(commit)
        if _text_of(self.path / ".git") != self._pointer():
            found.append(("M" if lexists(self.path / ".git") else "D", ".git"))
        for part in self.parts:
            path = os.path.relpath(part.path, self.path)
            found += [(how, f"{path}/{name}") for how, name in part.changed(part.commit)]
        return found


def tree_for(path: Path, index: Path, submodules: Submodules) -> Tree:
    """The tree at `path`, to be filled as the order says: with a git directory or without one.

    `index` is the index of a tree that has none.
    """
    store = submodules.store
    if store.order.submodules == "update":
        return _with_git_directory(path, index, submodules)
    _without_git_directory(path, index, submodules)
    return Tree(path, index, store)


def _with_git_directory(path: Path, index: Path, submodules: Submodules) -> RealTree:
    place = submodules.store.place
    directory = git_directory_of(path, place)
    if directory is None:
        directory = _new_git_directory(place)
        with contextlib.suppress(FileNotFoundError):
            index.replace(directory / "index")
    return RealTree(path, directory, submodules.order.commit, submodules)


def tree_to_read(path: Path, record: Release, submodules: Submodules) -> RealTree:
    """The tree of a release, as it is."""
    place = submodules.store.place
    directory = git_directory_of(path, place) or place.git_directories / "none"
    return RealTree(path, directory, record.commit, submodules)


def _without_git_directory(path: Path, index: Path, submodules: Submodules) -> None:
    """Remove the git directory of the tree at `path`, and its submodules with their files."""
    directory = git_directory_of(path, submodules.store.place)
    if directory is None:
        return
    state = read_json(directory / "sartoris.json")
    tree = RealTree(path, directory, str(state.get("commit", "")), submodules)
    for name, commit in state.get("links", {}).items():
        tree.drop(name, str(commit))
    with contextlib.suppress(FileNotFoundError):
        (directory / "index").replace(index)
    (path / ".git").unlink()
    remove(directory)


def git_directory_of(tree: Path, place: Place) -> Optional[Path]:
    """The git directory that a tree's `.git` file names, if it is one of the slot's."""
    text = _text_of(tree / ".git")
    if not text.startswith("gitdir: "):
        return None
    found = Path(os.path.normpath(tree / text[len("gitdir: ") :].rstrip("\n")))
    return found if found.parent == place.git_directories and is_real_directory(found) else None


def remove_unused_git_directories(place: Place) -> None:
    """Remove the slot's git directories whose tree is gone."""
    if not place.git_directories.is_dir():
        return
    trees = [place.staged, place.path, *place.releases.iterdir()]
    used = {git_directory_of(tree, place) for tree in trees}
    for directory in list(place.git_directories.iterdir()):
        if directory not in used:
            remove_if_possible(directory)


def _new_git_directory(place: Place) -> Path:
    place.git_directories.mkdir(parents=True, exist_ok=True)
    number = 1
    while lexists(place.git_directories / str(number)):
        number += 1
    directory = place.git_directories / str(number)
    directory.mkdir()
    return directory


def _key(path: str) -> str:
    """A name for the submodule at a path: one component, whatever is in the path."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:20]


def _text_of(path: Path) -> str:
    """What is in a file that is no link; "" where there is none."""
    if path.is_symlink():
        return ""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ""


def _fingerprint(directory: Path, opaque: Collection[str]) -> str:
    """A digest of the names, times and sizes in a directory; `opaque` directories by name only."""
    digest, waiting = hashlib.sha256(), [os.fspath(directory)]
    while waiting:
        here = waiting.pop()
        digest.update(b"\0")
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return ""
        for entry in entries:
            digest.update(os.fsencode(entry.name) + b"\0")
            if not entry.is_dir(follow_symlinks=False):
                facts = entry.stat(follow_symlinks=False)
                times = (facts.st_mtime_ns, facts.st_ctime_ns)
                digest.update(repr((facts.st_ino, facts.st_mode, facts.st_size, times)).encode())
            elif entry.path not in opaque:
                waiting.append(entry.path)
    return digest.hexdigest()
