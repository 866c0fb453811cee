"""Work trees that are exactly the release's."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from sartoris.agent.errors import Failure
from sartoris.agent.files import is_real_directory, lexists, remove
from sartoris.agent.records import Release
from sartoris.agent.store import Store


class Tree:
    """A work tree of the store, with an index of its own."""

    def __init__(self, path: Path, index: Path, store: Store) -> None:
        self.path, self.index, self.store = path, index, store
        self.place, self.order = store.place, store.order
        self.commit = self.order.commit

    def fill(self) -> None:
        """Bring every tracked file to the commit; only what differs is written."""
        # A killed git left it: we have the slot's lock, and git itself holds it while it lives.
        self.index.with_name(f"{self.index.name}.lock").unlink(missing_ok=True)
        self.path.mkdir(exist_ok=True)
        self._git("read-tree", "--reset", "-u", self.commit)

    def _git(self, *arguments: str) -> None:
        self.store.git(*arguments, tree=self.path, index=self.index)

    def remove_untracked(self) -> None:
        """Remove everything that is not in the commit.

        Counting proves that there is nothing to remove at a fraction of what `git clean` costs:
        after `fill` every entry of the index exists, so an equal number means no others do.
        """
        if self._is_exact():
            return
        self._git("clean", "-ffdxq")
        if not self._is_exact():
            for repository in list(_named(self.path, ".git", self._opaque())):
                if os.fspath(repository) != self._excluded():
                    remove(repository)  # clean passes over these
        if not self._is_exact():
            message = "the staged tree has other files than the release"
            raise Failure("io-error", f"{message}; is this file system case-insensitive?")

    def _is_exact(self) -> bool:
        with self.index.open("rb") as file:
            entries = int.from_bytes(file.read(12)[8:], "big")
        # An empty tree counts as one empty directory, which it is.
        return max(entries, 1) == _count(self.path, self._opaque(), self._excluded())

    def _opaque(self) -> frozenset[str]:
        """The directories inside that are one entry of the index each, whatever is in them."""
        return frozenset()

    def _excluded(self) -> str:
        """What is the tree's own without being in the commit; "" for nothing."""
        return ""

    def save_stat_cache(self) -> None:
        """Note how all files look, which are right now; before anybody else may change them."""

    def remove_extras(self, record: Release) -> None:
        """Remove the deploy file and the shared links that were put into an earlier release."""
        for path in filter(None, (record.deploy_file, *record.shared)):
            with contextlib.suppress(Failure, FileNotFoundError):
                where = self.parent_of(path, make=False) / path.rpartition("/")[2]
                if not is_real_directory(where):
                    where.unlink()

    def add_extras(self) -> None:
        """Put the deploy file and the shared links where they belong."""
        if self.order.deploy_text:
            self._write_deploy_file()
        for path in self.order.shared:
            self._share(path)

    def _write_deploy_file(self) -> None:
        name = self.order.deploy_file
        where = self.parent_of(name) / name.rpartition("/")[2]
        if is_real_directory(where):
            raise Failure("release-refused", f"the release has a directory where {name} belongs")
        # Anew beside it, then renamed: never through a link, never half written in a live tree.
        temporary = where.with_name(f"{where.name}.sartoris-new")
        temporary.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, 0o666), "wb") as file:
            file.write(os.fsencode(self.order.deploy_text))
        temporary.replace(where)

    def _share(self, path: str) -> None:
        shared = self.place.shared / path
        where = self.parent_of(path) / path.rpartition("/")[2]
        text = os.path.relpath(shared, where.parent)
        if where.is_symlink() and os.fspath(where.readlink()) == text:
            return
        if lexists(shared):
            self._make_room(path, where)
        elif lexists(where):
            shared.parent.mkdir(parents=True, exist_ok=True)
            where.rename(shared)
        else:
            shared.mkdir(parents=True)
        where.symlink_to(text)

    def _make_room(self, path: str, where: Path) -> None:
        """Make room for a shared link; what is not the release's own is set aside, not lost."""
        if lexists(where) and self.path == self.place.path and self.has_untracked(path):
            self.place.set_aside(where)
        remove(where)

    def has_untracked(self, path: str) -> bool:
        """Whether there is a file at or below a path that is not in the index."""
        arguments = ("ls-files", "--others", "-z", "--", f":(literal){path}")
        return bool(self.store.git(*arguments, tree=self.path, index=self.index))

    def parent_of(self, path: str, *, make: bool = True) -> Path:
        """The directory inside this tree that holds `path`; reached through no symbolic link."""
        where = self.path
        for part in path.split("/")[:-1]:
            where = where / part
            if make and not lexists(where):
                where.mkdir()
            if not is_real_directory(where):
                message = f"{path} cannot be placed: a directory above it is a link or a file"
                raise Failure("release-refused", message)
        return where

    def differences(self, record: Release) -> list[tuple[str, str]]:
        """Status letter and path of each file whose content is not that of the record's commit."""
        placed = tuple(filter(None, (record.deploy_file, *record.shared)))
        return [
            (letter, path)
            for letter, path in self.changed(record.commit)
            if not any(path == one or path.startswith(one + "/") for one in placed)
        ]

    def changed(self, commit: str) -> list[tuple[str, str]]:
        """Status letter and path of each tracked file whose content is not the commit's.

        An index made afresh knows no times, so git reads every file.
        """
        with tempfile.TemporaryDirectory() as directory:
            fresh = Tree(self.path, Path(directory) / "index", self.store)
            fresh._git("read-tree", commit)
            options = ("--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules=all")
            answer = self.store.git(
                *("diff", "--name-status", "-z", *options), tree=self.path, index=fresh.index
            )
        fields = os.fsdecode(answer).split("\0")
        return list(zip(fields[::2], fields[1::2]))  # noqa: B905 - not in 3.9


def _count(tree: Path, opaque: Collection[str], excluded: str) -> int:
    """How many files, links, empty and `opaque` directories a tree has, without `excluded`.

    git has no empty directories, except the places of submodules, and those are index entries.
    """
    total, directories = 0, [os.fspath(tree)]
    while directories:
        here = 0
        with os.scandir(directories.pop()) as entries:
            for entry in entries:
                if entry.path == excluded:
                    continue
                here += 1
                if entry.is_dir(follow_symlinks=False) and entry.path not in opaque:
                    directories.append(entry.path)
                    total -= 1
        total += max(here, 1)
    return total


def _named(tree: Path, name: str, opaque: Collection[str]) -> Iterator[Path]:
    for directory, directories, files in os.walk(tree):
        directories[:] = [one for one in directories if f"{directory}/{one}" not in opaque]
        if name in directories or name in files:
            yield Path(directory) / name
