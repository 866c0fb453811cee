"""Where things are."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Optional

from sartoris.agent.files import lexists, make_directory
from sartoris.agent.order import Order


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
        """Make the agent's own directories; does nothing, cheaply, when they are there."""
        if self.trash.is_dir():
            return
        made = (self.releases, self.meta, self.index, self.staged.parent, self.state.parent)
        for directory in (*made, self.shared, self.lock.parent, self.trash):
            make_directory(directory)

    def set_aside(self, path: Path) -> None:
        """Move somebody's directory or file to adopted/, under a name of its own."""
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        self.adopted.mkdir(exist_ok=True)
        name, number = f"{path.name}-{now}", 1
        while lexists(self.adopted / name):
            name, number = f"{path.name}-{now}-{number}", number + 1
        path.rename(self.adopted / name)

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
