"""Work trees that are exactly the release's."""

from __future__ import annotations

import contextlib
import filecmp
import os
import stat
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Optional

from sartoris.agent.checkout import (
    GITLINK,
    LINK,
    Checkout,
    Entry,
    blob_id,
    blob_id_of,
    is_program,
)
from sartoris.agent.errors import Failure, GitFailed
from sartoris.agent.files import (
    is_real_directory,
    is_real_file,
    lexists,
    make_directory,
    remove,
)
from sartoris.agent.index_file import number_of_entries, written_last
from sartoris.agent.modes import Modes, directories_of
from sartoris.agent.records import Release, digest_of
from sartoris.agent.store import Store


class Tree:
    """A work tree of the store, with an index of its own."""

    def __init__(self, path: Path, index: Path, store: Store) -> None:
        self.path, self.index, self.store = path, index, store
        self.place, self.order = store.place, store.order
        self.commit = self.order.commit
        self.stands_at = path  # or where it will, when it is live

    def fill(self) -> None:
        """Bring every tracked file to the commit; only what differs is written."""
        # A killed git left it: we have the slot's lock, and git itself holds it while it lives.
        self.index.with_name(f"{self.index.name}.lock").unlink(missing_ok=True)
        is_new = not lexists(self.path)
        if is_new:
            make_directory(self.path)
        else:
            self._mend_what_git_cannot_see()
        checkout = Checkout(self.store, self.place.checkout)
        checkout.git("read-tree", "--reset", "-u", self.commit, tree=self.path, index=self.index)
        for path, file in checkout.converted(self.commit, self.index).items():
            file.replace(self.path / path)
        checkout.end()
        if not is_new:
            self._mend_directories()

    def recall(self, commit: str) -> None:
        """Make an index that is lost, or damaged, as it is with the commit in the tree.

        It is what tells which files of that commit the next one no longer has. It knows no times,
        so that every file is written.
        """
        with contextlib.suppress(GitFailed):
            if is_real_file(self.index):
                # It names nothing, for there can be no such file, but has to read the index.
                ask = ("ls-files", "-z", "--", ":(literal).git")
                self.store.git(*ask, tree=self.path.parent, index=self.index)
                return
        remove(self.index)
        self.store.git("read-tree", commit, tree=self.path.parent, index=self.index)

    def _mend_what_git_cannot_see(self) -> None:
        """Give those files their permissions back whose changes are too early to be noticed.

        Any other file needs no look. git has written it, under our umask; whoever changes its
        permissions changes the time in its inode, by which git sees that it is to be written again.
        """
        modes = Modes(self.path, exact=not self._is_live)
        for name, executable in written_last(self.index, len(self.commit) // 2):
            # In a live tree a directory may be a link by now, which leads to others' files.
            with contextlib.suppress(Failure, FileNotFoundError, NotADirectoryError):
                path = self.parent_of(name, make=False) / name.rpartition("/")[2]
                facts = path.lstat()
                if stat.S_ISREG(facts.st_mode):
                    self._mend_mode(path, facts, modes.of_file(facts, executable=executable))

    def _mend_directories(self) -> None:
        """Let none be as an earlier release left it, or as somebody made it since."""
        modes = Modes(self.path, exact=not self._is_live)
        for path in self._directories():
            facts = path.lstat()
            self._mend_mode(path, facts, modes.of_directory(facts))

    def _directories(self) -> Iterator[Path]:
        """The directories of the release; the top only where it is not somebody's own choice."""
        if not self._is_live:
            yield self.path
        listed = self.store.git("ls-tree", "-r", "-d", "-z", "--name-only", self.commit)
        yield from (self.path / path for path in os.fsdecode(listed).split("\0")[:-1])

    def _mend_mode(self, path: Path, facts: os.stat_result, wanted: int) -> None:
        if stat.S_IMODE(facts.st_mode) == wanted:
            return
        try:
            path.chmod(wanted)
        except PermissionError:
            if not self._is_live:  # there it may well be another user's
                raise

    @property
    def _is_live(self) -> bool:
        """Whether this is the tree, or inside the tree, that is switched in place."""
        return self.place.path == self.path or self.place.path in self.path.parents

    def remove_untracked(self) -> None:
        """Remove everything that is not in the commit.

        Counting proves that there is nothing to remove at a fraction of what `git clean` costs:
        after `fill` every entry of the index exists, so an equal number means no others do.
        """
        if self._is_exact():
            return
        self.store.git("clean", "-ffdxq", tree=self.path, index=self.index)
        if not self._is_exact():
            for repository in list(_named(self.path, ".git", self._opaque())):
                if os.fspath(repository) != self._excluded():
                    remove(repository)  # clean passes over these
        if not self._is_exact():
            message = "the staged tree has other files than the release"
            raise Failure("io-error", f"{message}; is this file system case-insensitive?")

    def _is_exact(self) -> bool:
        # An empty tree counts as one empty directory, which it is.
        found = _count(self.path, self._opaque(), self._excluded())
        return max(number_of_entries(self.index), 1) == found

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
        descriptor, temporary = tempfile.mkstemp(prefix=".sartoris-", dir=where.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(os.fsencode(self.order.deploy_text))
                file.flush()
                os.fchmod(descriptor, 0o644)
            Path(temporary).replace(where)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _share(self, path: str) -> None:
        shared = self.place.shared / path
        where = self.parent_of(path) / path.rpartition("/")[2]
        text = os.path.relpath(shared, (self.stands_at / path).parent)
        if where.is_symlink() and os.fspath(where.readlink()) == text:
            return
        if lexists(shared):
            self._make_room(path, where)
        elif lexists(where):
            make_directory(shared.parent)
            where.rename(shared)
        else:
            self._refuse_missing(path)
            make_directory(shared)
        where.symlink_to(text)

    def require_shared(self) -> None:
        """Raise Failure for what is to be shared, but is nowhere yet and cannot be made up."""
        for path in self.order.shared:
            if not lexists(self.place.shared / path) and not lexists(self.place.path / path):
                listing = ("ls-tree", "-z", "--full-tree", self.commit, "--", path)
                # What is inside a real submodule is not in the commit, and seen when it is there.
                if self.order.submodules != "update" and not self.store.git(*listing):
                    self._refuse_missing(path)

    def _refuse_missing(self, path: str) -> None:
        """A missing directory is made. An empty one in place of a file of secrets helps nobody."""
        if path in self.order.shared_directories or "." not in path.rpartition("/")[2]:
            return
        message = (
            f"{path} is shared, and not there yet: put the file at {self.place.shared / path} on "
            f"the target; if it is a directory, write deploy.shared = {path}/"
        )
        raise Failure("shared-missing", message)

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
                make_directory(where)
            if not is_real_directory(where):
                message = f"{path} cannot be placed: a directory above it is a link or a file"
                raise Failure("release-refused", message)
        return where

    def differences(self, record: Release) -> list[tuple[str, str]]:
        """Status letter and path of each file whose content is not that of the record's commit."""
        placed = tuple(filter(None, (record.deploy_file, *record.shared)))
        made = set(record.made)
        found = [
            (letter, path)
            for letter, path in self.changed(record.commit)
            if not any(path == one or path.startswith(one + "/") for one in placed)
            and not (letter == "A" and path in made)
        ]
        return found + [("M", path) for path in self._changed_extras(record)]

    def _changed_extras(self, record: Release) -> Iterator[str]:
        """What we have put into the release, and somebody has changed."""
        if record.deploy_file and record.deploy_digest:
            where = self.path / record.deploy_file
            is_ours = is_real_file(where) and digest_of(where.read_bytes()) == record.deploy_digest
            if not is_ours:
                yield record.deploy_file
        for path in record.shared:
            where = self.path / path
            text = os.path.relpath(self.place.shared / path, where.parent)
            if not where.is_symlink() or os.fspath(where.readlink()) != text:
                yield path

    def changed(self, commit: str) -> list[tuple[str, str]]:
        """Where the tree is not what a fresh checkout of the commit would be: a letter and a path.

        D is what is missing, M what has another content or other permissions, A what was added.
        Every file is read.
        """
        with tempfile.TemporaryDirectory() as temporary:
            directory = Path(temporary)
            checkout, index = Checkout(self.store, directory / "checkout"), directory / "index"
            checkout.git("read-tree", commit, tree=directory, index=index)
            entries = checkout.entries(index)
            converted = checkout.converted(commit, index)
            found = list(self._changed(entries, converted))
            added = self.others(entries)
            ignored: set[str] = set()
            if added and not self.order.everything:
                ignored = self._ignored(added, checkout, index)
            return found + [("A", path) for path in added if path not in ignored]

    def others(self, entries: Sequence[Entry]) -> list[str]:
        """The files that are none of the entries, by path; directories that are empty are none."""
        known = {os.fspath(self.path / entry.path) for entry in entries}
        skipped, found = {*self._opaque(), self._excluded()}, []
        for where, directories, files in os.walk(self.path):
            links = [name for name in directories if (Path(where) / name).is_symlink()]
            directories[:] = [name for name in directories if f"{where}/{name}" not in skipped]
            paths = (f"{where}/{name}" for name in (*files, *links))
            found += [path for path in paths if path not in known and path not in skipped]
        return sorted(os.path.relpath(path, self.path) for path in found)

    def others_than_indexed(self) -> list[str]:
        """As `others`, of the tree as it was filled."""
        listed = self.store.git("ls-files", "-z", tree=self.path, index=self.index)
        paths = os.fsdecode(listed).split("\0")[:-1]
        return self.others([Entry("", "", path) for path in paths])

    def _ignored(self, paths: Sequence[str], checkout: Checkout, index: Path) -> set[str]:
        """Which of the files the release's own .gitignore names; no added one has a say."""
        asked = b"".join(os.fsencode(path) + b"\0" for path in paths)
        ask = ("check-ignore", "--no-index", "-z", "--stdin")
        try:
            said = checkout.git(*ask, tree=self.path, index=index, stdin=asked)
        except GitFailed as failure:
            if failure.code != 1:  # none of them
                raise
            return set()
        names = os.fsdecode(said).split("\0")
        return {name for name in names if name and name.rpartition("/")[2] != ".gitignore"}

    def _changed(
        self, entries: Sequence[Entry], converted: Mapping[str, Path]
    ) -> Iterator[tuple[str, str]]:
        modes = Modes(self.path, exact=not self._is_live)
        real = {""}
        for path in directories_of(entry.path for entry in entries):
            where = self.path / path
            if path.rpartition("/")[0] not in real or not is_real_directory(where):
                continue  # what is in it will be missing
            real.add(path)
            facts = where.lstat()
            if stat.S_IMODE(facts.st_mode) != modes.of_directory(facts):
                yield "M", path
        for entry in entries:
            if entry.mode == GITLINK:
                continue
            if entry.path.rpartition("/")[0] not in real or not lexists(self.path / entry.path):
                yield "D", entry.path
            elif not self._is_right(entry, converted.get(entry.path), modes):
                yield "M", entry.path

    def _is_right(self, entry: Entry, converted: Optional[Path], modes: Modes) -> bool:
        where = self.path / entry.path
        facts = where.lstat()
        if entry.mode == LINK:
            is_link = stat.S_ISLNK(facts.st_mode)
            return is_link and blob_id(entry.id, os.fsencode(where.readlink())) == entry.id
        if not stat.S_ISREG(facts.st_mode):
            return False
        if stat.S_IMODE(facts.st_mode) != modes.of_file(facts, executable=is_program(entry)):
            return False
        if self.store.programs.left() <= 0:
            raise self.store.programs.too_late()
        if converted is not None:
            return filecmp.cmp(where, converted, shallow=False)
        return blob_id_of(where, entry.id) == entry.id


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
