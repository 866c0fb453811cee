"""Which releases stand on this target, and what is live."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any, Optional

from sartoris.agent.files import is_real_directory, read_json, write_json
from sartoris.agent.order import Order
from sartoris.agent.place import Place


@dataclass(frozen=True, eq=False, repr=False)
class Release:
    """What meta/TAG.json says. `serial` counts the releases of a target: clocks may jump."""

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


class Records:
    """Which releases stand on this target, and what the slot's state is."""

    def __init__(self, place: Place, order: Order) -> None:
        self.place, self.order = place, order

    def release(self, name: str) -> Optional[Release]:
        content = read_json(self.place.meta / f"{name}.json")
        known = {key: content[key] for key in Release.__annotations__ if key in content}
        if set(Release.__annotations__) - set(known) - {"submodules"}:  # older records lack it
            return None
        return Release(**{**known, "shared": tuple(known["shared"])})

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
        """The slot's records whose release is gone: an agent died between the two."""
        return [one for one in self.releases() if one.slot == slot and not self.is_present(one)]

    def write(self) -> None:
        """Record the order's release as the newest one."""
        order = self.order
        serial = max((record.serial for record in self.releases()), default=0) + 1
        record = {
            "release": order.release,
            "slot": order.slot,
            "repository": order.repository,
            "commit": order.commit,
            "mode": order.switch,
            "serial": serial,
            "when": time.time(),
            "deploy_file": order.deploy_file if order.deploy_text else "",
            "shared": list(order.shared),
            "submodules": order.submodules,
        }
        write_json(self.place.meta / f"{order.release}.json", record)

    def state(self) -> dict[str, Any]:
        return read_json(self.place.state)

    def live(self) -> str:
        """The release that is live now, "" for none."""
        if is_real_directory(self.place.path):
            state = self.state()
            return str(state.get("live", "")) if state.get("mode") == "in-place" else ""
        return self.place.linked_release() or ""

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
