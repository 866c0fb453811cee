"""What stood at the path before a release took its place, and its way back there."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Optional

from sartoris.agent.errors import Failure
from sartoris.agent.files import (
    is_real_directory,
    is_real_file,
    lexists,
    make_directory,
    remove,
    sync_directory,
    write_json,
)
from sartoris.agent.order import Order
from sartoris.agent.place import Place
from sartoris.agent.records import FILE_VERSION, Release
from sartoris.agent.store import Store


class Adopted(NamedTuple):
    """What the switch to `release` has taken the place of, as the slot's state remembers it.

    `name` is what it is called in adopted/: a directory that stood there, or, where a release is
    switched in place, the files of one that the release has written over; `is_kept` once all of
    them are there. `link` is what it led to, if it was a link. `before` is the state of the slot
    until then.
    """

    release: str
    name: str
    link: str
    before: Mapping[str, Any]
    is_kept: bool = False

    def to_json(self) -> dict[str, Any]:
        return {**self._asdict(), "before": dict(self.before)}

    @property
    def live_before(self) -> str:
        """The release that it was; "" if it was none of ours."""
        is_in_place = self.before.get("mode") == "in-place"
        return str(self.before.get("live" if is_in_place else "release", ""))

    def describe(self, place: Place) -> str:
        """Where it lies, or what the link led to."""
        return f"-> {self.link}" if self.link else place.logical(str(place.adopted / self.name))


def adopted_in(state: Mapping[str, Any]) -> Optional[Adopted]:
    """What the release of the state has taken the place of, if that was anything."""
    said = state.get("adopted", {})
    release, name, link = (said.get(key) for key in ("release", "name", "link"))
    before = said.get("before")
    if not all(isinstance(text, str) for text in (release, name, link)):
        return None
    if not isinstance(before, dict) or release != state.get("release") or "/" in name:
        return None
    return Adopted(release, name, link, before, is_kept=said.get("is_kept") is True)


def refuse_source(place: Place, order: Order) -> None:
    """Raise Failure where the repository that is deployed from is at the path, or below it."""
    url = os.path.realpath(order.url.removeprefix("file://"))
    here = f"{os.path.realpath(place.directory)}/{place.path.name}"
    if order.url.startswith(("/", "file:///")) and f"{url}/".startswith(f"{here}/"):
        message = f"{order.path} has the repository in it that is deployed from"
        raise Failure("path-holds-source", f"{message}; deploy.path has to be another place")


class WayBack:
    """Takes the release of a slot away, and puts there again what stood there before.

    Each step may be repeated by another order, should the agent die after it.
    """

    def __init__(self, place: Place, store: Store) -> None:
        self.place, self.store = place, store

    def of_link(self, adopted: Adopted) -> bool:
        """Where a link leads to the release. False where what was adopted is not there any more."""
        place, kept = self.place, self.place.adopted / adopted.name
        ours_or_free = place.linked_release() is not None
        if adopted.link:
            if not ours_or_free and not self._leads_to(adopted.link):
                return False
            self.place.point(adopted.link)
        elif lexists(kept) and ours_or_free:
            place.path.unlink(missing_ok=True)
            kept.rename(place.path)
        elif lexists(kept) or not is_real_directory(place.path):
            return False
        self._remember(adopted.before)
        return True

    def of_work_tree(self, adopted: Adopted, record: Optional[Release]) -> bool:
        """Where the release was checked out at the path."""
        if adopted.link:
            self._back_to_link(adopted, record)
            return True
        if adopted.is_kept and record is not None:
            self.take_out(record, self.place.path, but=record.shared)
        self._bring_back(self.place.adopted / adopted.name)
        self._remember(adopted.before)
        return True

    def _back_to_link(self, adopted: Adopted, record: Optional[Release]) -> None:
        """Without a moment that is longer than a rename; what was written there since is kept."""
        place, left = self.place, None
        if is_real_directory(place.path):
            left = place.set_aside(place.path)
        place.point(adopted.link)
        self._remember(adopted.before)
        if left is not None and record is not None:
            self.take_out(record, left)

    def take_out(self, record: Release, top: Path, but: Iterable[str] = ()) -> None:
        """Remove the files of a release from a tree, and the directories that are empty then."""
        listing = ("ls-tree", "-r", "-z", "--full-tree", "--name-only", record.commit)
        names = os.fsdecode(self.store.git(*listing)).split("\0")[:-1]
        placed = [path for path in (record.deploy_file, *record.shared) if path and path not in but]
        directories = {top}
        for name in (*names, *placed):
            where = top / name
            if any(not is_real_directory(one) for one in where.parents if top in one.parents):
                continue
            directories.update(one for one in where.parents if top in one.parents)
            if name in but or any(name.startswith(f"{one}/") for one in but):
                continue
            if is_real_directory(where):  # a submodule
                remove(where)
            else:
                where.unlink(missing_ok=True)
        for directory in sorted(directories, key=lambda one: len(one.parts), reverse=True):
            with contextlib.suppress(OSError):
                directory.rmdir()

    def keep_overwritten(self, order: Order, adopted: Adopted) -> None:
        """Have what the release will write over in adopted/, as it is."""
        listing = ("ls-tree", "-r", "-z", "--full-tree", "--name-only", order.commit)
        names = os.fsdecode(self.store.git(*listing)).split("\0")[:-1]
        kept = self.place.adopted / adopted.name
        make_directory(kept)
        for name in (*names, *([order.deploy_file] if order.deploy_text else [])):
            where, there = self.place.path / name, kept / name
            if not (where.is_symlink() or is_real_file(where)) or lexists(there):
                continue
            make_directory(there.parent)
            try:
                os.link(where, there, follow_symlinks=False)
            except OSError:  # another file system, or another user's file
                shutil.copy2(where, there, follow_symlinks=False)

    def _bring_back(self, kept: Path) -> None:
        for directory, _, files in os.walk(kept):
            links = [one.name for one in Path(directory).iterdir() if one.is_symlink()]
            where = self.place.path / os.path.relpath(directory, kept)
            make_directory(where)
            for name in {*files, *links}:
                (Path(directory) / name).replace(where / name)
        remove(kept)

    def _leads_to(self, text: str) -> bool:
        path = self.place.path
        return path.is_symlink() and os.fspath(path.readlink()) == text

    def _remember(self, before: Mapping[str, Any]) -> None:
        write_json(self.place.state, {"version": FILE_VERSION, **before}, durable=True)
        sync_directory(self.place.directory)
