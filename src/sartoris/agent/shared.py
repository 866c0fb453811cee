"""What lives on across releases: where it is, what of the live tree would leave with the next."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from sartoris.agent.errors import Failure, GitFailed
from sartoris.agent.files import (
    is_real_directory,
    lexists,
    make_directory,
    remove,
    sync_file_system,
)
from sartoris.agent.records import Records
from sartoris.agent.store import Store

_FILES_NAMED = 3  # files


class Shared:
    """The shared paths of an order, on this target."""

    def __init__(self, records: Records, store: Store) -> None:
        self.place, self.order, self.records, self.store = store.place, store.order, records, store

    def require_nothing_left(self) -> None:
        """Raise Failure where files of the live tree, at a shared path, would not be live any more.

        That is so where a path is shared for the first time, and where the slot has moved.
        """
        left = {path: self.left_behind(path) for path in self.order.shared}
        if self.order.leave or not any(left.values()):
            return
        names = ", ".join(path for path, files in left.items() if files)
        where = self.place.logical(str(self.place.shared))
        message = f"files that are live at {names} are not in {where}, nor in git"
        lines = [_counted(path, files) for path, files in left.items() if files]
        raise Failure("shared-left", f"{message}: they would leave the site", "\n".join(lines))

    def left_behind(self, path: str) -> list[str]:
        """The files that are live at or below a path, and neither in git nor shared yet."""
        if self._becomes_shared(path):
            return []
        tracked = self._tracked(path)
        return [
            name
            for source in self._sources(path)
            for name in _files_below(path, source)
            if name not in tracked and not lexists(self.place.shared / name)
        ]

    def adopt(self, path: str) -> int:
        """Copy what is live at a path into the shared place; what is there stays. How many files.

        May be repeated, also after it was interrupted.
        """
        copied = 0
        for source in self._sources(path):
            for name in _files_below(path, source):
                if lexists(self.place.shared / name):
                    continue
                if self.store.programs.left() <= 0:
                    raise self.store.programs.too_late()
                self._copy(source, path, name)
                copied += 1
            if is_real_directory(source):
                make_directory((self.place.shared / path).parent)
                _make_like(source, self.place.shared / path)
        if copied:
            sync_file_system(self.place.own)
        return copied

    def describe(self) -> list[str]:
        """Of each shared path: `KIND FILES LEFT PATH`."""
        return [self._described(path) for path in self.order.shared]

    def _described(self, path: str) -> str:
        where = self.place.shared / path
        kind = "directory" if where.is_dir() else "file" if lexists(where) else "missing"
        found = sum(1 for _ in _files_below(path, where)) if lexists(where) else 0
        return f"{kind} {found} {len(self.left_behind(path))} {path}"

    def _becomes_shared(self, path: str) -> bool:
        """In place it is moved to the shared place, if that has none."""
        in_place = self.order.switch == "in-place" and is_real_directory(self.place.path)
        return in_place and not self.order.moved_from and not lexists(self.place.shared / path)

    def _sources(self, path: str) -> Iterator[Path]:
        """Where it is live, and was before the slot has moved; but not the shared place."""
        shared = os.path.realpath(self.place.shared / path)
        tops = [self.place.path]
        if self.order.moved_from:
            tops.append(Path(self.place.root + self.order.moved_from))
        for top in tops:
            real = os.path.realpath(top / path)
            if real != shared and lexists(Path(real)):
                yield Path(real)

    def _tracked(self, path: str) -> set[str]:
        """The files at or below it that are in git: of what is live, and of what comes."""
        live = self.records.release(self.records.live())
        found: set[str] = set()
        for commit in filter(None, (live.commit if live else "", self.order.commit)):
            listing = ("ls-tree", "-r", "-z", "--full-tree", "--name-only", commit, "--", path)
            with contextlib.suppress(GitFailed, OSError):  # a store that has not got it
                found.update(os.fsdecode(self.store.git(*listing)).split("\0")[:-1])
        return found

    def _copy(self, source: Path, path: str, name: str) -> None:
        """One file, which is there all at once; with its owner, where we may give it to them."""
        inside = name[len(path) + 1 :]
        shared = self.place.shared / path
        make_directory(shared.parent)
        for parent in reversed(Path(inside).parents if inside else ()):
            _make_like(source / parent, shared / parent)
        there = self.place.shared / name
        temporary = there.with_name(f".sartoris-{os.urandom(8).hex()}")
        try:
            where = source / inside if inside else source
            shutil.copy2(where, temporary, follow_symlinks=False)
            _give(where, temporary)
            temporary.replace(there)
        except BaseException:
            remove(temporary)
            raise


def _files_below(path: str, where: Path) -> Iterator[str]:
    """The files at or below `where`, each as it is called inside a release."""
    if not is_real_directory(where):
        yield path
        return
    for directory, directories, files in os.walk(where):
        links = [one for one in directories if (Path(directory) / one).is_symlink()]
        below = os.path.relpath(directory, where)
        here = path if below == "." else f"{path}/{below}"
        yield from (f"{here}/{name}" for name in sorted((*files, *links)))


def _make_like(directory: Path, there: Path) -> None:
    if lexists(there):
        return
    make_directory(there)
    shutil.copystat(directory, there)
    _give(directory, there)


def _give(like: Path, path: Path) -> None:
    """To the owner of another file; only root may, and for others it is theirs anyway."""
    facts = like.lstat()
    with contextlib.suppress(PermissionError):
        os.chown(path, facts.st_uid, facts.st_gid, follow_symlinks=False)


def _counted(path: str, files: list[str]) -> str:
    names = ", ".join(name[len(path) + 1 :] or name for name in files[:_FILES_NAMED])
    more = f" and {len(files) - _FILES_NAMED} more" if len(files) > _FILES_NAMED else ""
    return f"{path}: {len(files)} files: {names}{more}" if len(files) > 1 else f"{path}: {names}"
