"""Where things are."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Optional

from sartoris.agent.files import (
    is_real_directory,
    is_real_file,
    lexists,
    make_directory,
    owner_of,
    remove_if_possible,
    set_beside,
    unused,
)
from sartoris.agent.order import Order

_REMAINS_SHOWN = 5


class Place:
    """The paths of one slot on this target. `root` is the directory that stands for its `/`."""

    def __init__(self, order: Order, root: str) -> None:
        self.root = "" if root == "/" else root.rstrip("/")
        self.path = Path(self.root + order.path)
        self.directory = self.path.parent
        self.own = self.directory / ".sartoris"
        self.releases = self.own / "releases"
        self.meta = self.own / "meta"
        self.index = self.own / "index"
        self.staged = self.own / "staging" / order.slot
        # No release begins with a dot: these cannot be a release's index.
        self.staged_index = self.index / f".staging-{order.slot}"
        self.checkout = self.index / f".checkout-{order.slot}"
        self.in_place_index = self.index / f".in-place-{order.slot}"
        self.state = self.own / "state" / f"{order.slot}.json"
        self.git_directories = self.own / "git" / order.slot
        self.shared = self.own / "shared" / order.slot
        self.trash = self.own / "trash" / order.slot
        self.adopted = self.own / "adopted"
        self.lock = self.own / "lock" / order.slot
        self.store = self.own / f"{order.repository}.git"
        self.store_lock = self.own / "lock" / f".store-{order.repository}"

    def make(self) -> None:
        """Make the agent's own directories, and mend what is not what it should be.

        Does nothing, cheaply, when they are there. What stands in the place of one is set aside;
        not so in shared/, where people keep what is theirs, nor where all of it should be.
        """
        made = (self.releases, self.meta, self.index, self.staged.parent, self.state.parent)
        for directory in (self.own, *made, self.lock.parent, self.trash.parent, self.trash):
            if not directory.is_dir():
                if lexists(directory) and directory != self.own:
                    set_beside(directory)
                make_directory(directory)
        make_directory(self.shared)
        for lock in (self.lock, self.store_lock):
            if lexists(lock) and not is_real_file(lock):
                set_beside(lock)

    def throw_away(self, path: Path) -> None:
        """Move it out of the way, and remove it as far as that can be done."""
        there = unused(self.trash / path.name)
        try:
            path.rename(there)
        except PermissionError:  # a directory that is read-only cannot be moved to another one
            if not is_real_directory(path):
                raise
            path.chmod(0o700)
            path.rename(there)
        remove_if_possible(there)

    def remains(self) -> list[str]:
        """What could not be removed, and whose it is: a few of the files, if there are any."""
        found: list[str] = []
        for where, directories, files in os.walk(self.trash):
            here = Path(where)
            if here != self.trash and not directories and not files:
                found.append(self._shown(here))
            found += [self._shown(here / name) for name in files]
            if len(found) >= _REMAINS_SHOWN:
                break
        return found[:_REMAINS_SHOWN]

    def _shown(self, path: Path) -> str:
        return f"{self.logical(os.fspath(path))} ({owner_of(path)})"

    def set_aside(self, path: Path, name: str = "") -> Path:
        """Move somebody's directory or file to adopted/, under a name of its own; its new path."""
        there = self.adopted / (name or self.name_in_adopted(path))
        if lexists(self.adopted) and not self.adopted.is_dir():
            set_beside(self.adopted)
        self.adopted.mkdir(exist_ok=True)
        path.rename(there)
        return there

    def name_in_adopted(self, path: Path) -> str:
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        return unused(self.adopted / f"{path.name}-{now}").name

    def point(self, text: str) -> None:
        """Have a link at the path, in the place of another one or of nothing, by one rename."""
        link = self.state.with_name(f".{self.state.stem}.link")
        link.unlink(missing_ok=True)
        link.symlink_to(text)
        link.replace(self.path)

    def logical(self, text: str) -> str:
        """The text with paths as the order speaks of them, the same on every target."""
        return text.replace(self.root + "/", "/") if self.root else text

    def linked_release(self) -> Optional[str]:
        """The release that the live link names; "" for no link, None for one that is not ours."""
        try:
            return self.release_in(self.path)
        except OSError:
            return "" if not lexists(self.path) else None

    def release_in(self, link: Path) -> Optional[str]:
        """The release that a symbolic link in this directory names, None if it names another thing.

        Raises OSError when it is no link.
        """
        # Textually, not resolved: the link of a damaged target may point at nothing.
        text = os.path.normpath(self.logical(os.fspath(link.readlink())))
        where, _, name = text.rpartition("/")
        return name if where in (".sartoris/releases", self.logical(str(self.releases))) else None

    def linked_by_others(self) -> set[str]:
        """The releases that any link beside the path points at, whoever made it."""
        found: set[str] = set()
        with os.scandir(self.directory) as entries:
            for entry in entries:
                if entry.is_symlink():
                    found.add(self.release_in(Path(entry.path)) or "")
        return found
