"""Which releases stand on this target, and what is live."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional

from sartoris.agent.errors import Failure
from sartoris.agent.files import is_real_directory, read_json, write_json
from sartoris.agent.order import Order, types_of
from sartoris.agent.place import Place

# The newest version of the files in meta/ and state/ that this agent understands; those without one
# are of version 1. Fields that it does not know it ignores, and keeps where it changes a file.
FILE_VERSION = 1

# Which way trees are made, for whoever takes one over. Since 2 its index knows what is in it.
TREE_RULES = 2

_NEW_FIELDS = {"submodules", "tree_rules", "deploy_digest", "made"}  # older records lack them
_MADE_AT_MOST = 20_000

_KINDS: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "tuple[str, ...]": list,
}
_STATE_KINDS: dict[str, Any] = {
    **dict.fromkeys(("mode", "release", "previous", "earlier", "live"), str),
    **dict.fromkeys(("service", "hooks"), str),
    **dict.fromkeys(("order", "adopted"), dict),
}


class Release(NamedTuple):
    """What meta/TAG.json says. `serial` counts the releases of a target: clocks may jump.

    `tree_rules` says which way its tree was made, see `TREE_RULES`. `deploy_digest` is that of what
    the deploy file says, `made` are the files that its prepare hooks have added.
    """

    release: str
    slot: str
    repository: str
    commit: str
    mode: str
    serial: int
    when: float
    deploy_file: str
    shared: tuple[str, ...]
    submodules: str = "compose"
    tree_rules: int = 1
    deploy_digest: str = ""
    made: tuple[str, ...] = ()


class Records:
    """Which releases stand on this target, and what the slot's state is."""

    def __init__(self, place: Place, order: Order) -> None:
        self.place, self.order = place, order

    def release(self, name: str) -> Optional[Release]:
        """None if there is no record, or none that can be read. Raises Failure for a newer one."""
        content = self._read(self.place.meta / f"{name}.json")
        known = {key: content[key] for key in Release._fields if key in content}
        if set(Release._fields) - set(known) - _NEW_FIELDS:
            return None
        kinds = {key: _KINDS[kind] for key, kind in types_of(Release).items()}
        lists = {key: tuple(known[key]) for key in ("shared", "made") if _is_list_in(known, key)}
        if not _are_of(kinds, known) or not all(
            isinstance(one, str) for values in lists.values() for one in values
        ):
            return None
        return Release(**{**known, **lists})

    def releases(self) -> list[Release]:
        """All records on this target, of all slots, oldest first."""
        try:
            names = [entry.name for entry in os.scandir(self.place.meta)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        tags = [name[:-5] for name in names if name.endswith(".json") and name[0] != "."]
        records = [record for record in map(self.release, tags) if record is not None]
        return sorted(records, key=lambda record: (record.serial, record.release))

    def held(self) -> list[Release]:
        """The slot's releases that can be switched to, oldest first."""
        return [
            record
            for record in self.releases()
            if record.slot == self.order.slot and record.mode == self.order.switch
            if self.is_present(record)
        ]

    def is_present(self, record: Release) -> bool:
        place = self.place
        if record.mode == "atomic":
            return is_real_directory(place.releases / record.release)
        return (place.own / f"{record.repository}.git/refs/tags" / record.release).is_file()

    def holds(self, name: str, commit: str) -> bool:
        wanted = (name, commit, self.order.repository)
        return any((one.release, one.commit, one.repository) == wanted for one in self.held())

    def orphaned(self, slot: str) -> list[Release]:
        """The slot's records whose release is gone: an agent died between the two.

        Not that of what is live: in place its tree is there, also where its ref was lost.
        """
        ours = [one for one in self.releases() if one.slot == slot]
        return [one for one in ours if not self.is_present(one) and one.release != self.live()]

    def write(self, made: Sequence[str] = ()) -> None:
        """Record the order's release as the newest one."""
        content = {"version": FILE_VERSION, **self._ordered(made)}
        write_json(self.place.meta / f"{self.order.release}.json", content)

    def ordered(self) -> Release:
        """What `write` records."""
        content = self._ordered(())
        return Release(**{**content, "shared": self.order.shared, "made": ()})

    def _ordered(self, made: Sequence[str]) -> dict[str, Any]:
        order = self.order
        serial = max((record.serial for record in self.releases()), default=0) + 1
        return {
            "release": order.release,
            "slot": order.slot,
            "repository": order.repository,
            "commit": order.commit,
            "mode": order.switch,
            "serial": serial,
            "when": time.time(),
            "shared": list(order.shared),
            "submodules": order.submodules,
            "tree_rules": TREE_RULES,
            "made": list(made[:_MADE_AT_MOST]),
            **self._deploy_file(),
        }

    def write_deploy_file(self) -> None:
        """Record what the deploy file of the order's release has from now on."""
        path = self.place.meta / f"{self.order.release}.json"
        write_json(path, {**self._read(path), **self._deploy_file()})

    def _deploy_file(self) -> dict[str, str]:
        text = self.order.deploy_text
        return {
            "deploy_file": self.order.deploy_file if text else "",
            "deploy_digest": digest_of(os.fsencode(text)),
        }

    def state(self) -> dict[str, Any]:
        """What state/SLOT.json says, as if it were lost if it cannot be read. Raises Failure."""
        content = self._read(self.place.state)
        return content if _are_of(_STATE_KINDS, content) else {}

    def _read(self, path: Path) -> dict[str, Any]:
        """What an older agent would misunderstand, and then prune or switch by, is refused."""
        content = read_json(path)
        version = content.get("version", 1)
        if isinstance(version, int) and version > FILE_VERSION:
            name = self.place.logical(str(path))
            message = f"{name} was written by a newer agent (version {version}; this one reads up"
            raise Failure("agent-too-old", f"{message} to {FILE_VERSION}); upgrade Sartoris here")
        return content

    def live(self) -> str:
        """The release that is live now, "" for none."""
        if is_real_directory(self.place.path):
            state = self.state()
            return str(state.get("live", "")) if state.get("mode") == "in-place" else ""
        linked = self.place.linked_release() or ""
        # A link that leads to nothing serves nothing, whatever it names.
        return linked if is_real_directory(self.place.releases / linked) else ""

    def previous(self, live: str) -> str:
        """What was live before, also when the last switch was written down but never happened."""
        state = self.state()
        if live and state.get("release") == live:
            return str(state.get("previous", ""))
        return str(state.get("earlier", "")) if live and state.get("previous") == live else ""

    def protected(self) -> set[str]:
        """The releases that are never taken over or pruned."""
        live = self.live()
        named = {live, self.previous(live), self.order.release}
        named.update(str(self.state().get(key, "")) for key in ("release", "previous", "live"))
        return named | self.place.linked_by_others()

    def prunable(self, extra: int = 0) -> list[Release]:
        """The slot's releases that are too many, oldest first; `extra` more are about to come."""
        live, held = self.live(), self.held()
        beside = [record for record in held if record.release != live]
        too_many = max(len(beside) + extra - self.order.keep, 0)
        protected = self.protected()
        return [record for record in beside[:too_many] if record.release not in protected]


def _is_list_in(content: dict[str, Any], key: str) -> bool:
    return isinstance(content.get(key), list)


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _are_of(kinds: dict[str, Any], content: dict[str, Any]) -> bool:
    """Whether each known field has its type; true and false are no numbers."""
    return all(
        isinstance(content[key], kind) and not isinstance(content[key], bool)
        for key, kind in kinds.items()
        if key in content
    )
