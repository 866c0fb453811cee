"""What each slot should have, as the master knows it, for minions that come back by themselves.

One file for each slot of a repository. `settled` is the order that brings a minion to what the slot
has had since its last rollout ended; `coming` is there while a rollout is switching, which no
minion may run ahead of.
"""

from __future__ import annotations

import json
import os
import urllib.parse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional

RECORD_VERSION = 1
DEFAULT_DIRECTORY = "/var/lib/sartoris/desired"


@dataclass(frozen=True)
class SlotRecord:
    """`targets` is the compound expression of the slot's fleet; the orders are as for a switch.

    `server` is the minion that the deployment server is, "" for the master itself, and `origin` the
    git directory there that the slot is deployed from.
    """

    repository: str
    slot: str
    targets: str
    settled: Optional[dict[str, Any]] = None
    coming: Optional[dict[str, Any]] = None
    server: str = ""
    origin: str = ""
    version: int = RECORD_VERSION


class Conflict(Exception):
    """A slot of this name is deployed from another server, or another repository there."""


class SlotRecords:
    """The files in `directory`, which whoever deploys can write to."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def of(cls, opts: dict[str, Any]) -> SlotRecords:
        """Where the master's configuration says: `git_deploy.desired`."""
        return cls(Path(opts.get("git_deploy.desired") or DEFAULT_DIRECTORY))

    def write(self, record: SlotRecord) -> None:
        """Raises OSError, and Conflict: servers do not take each other's slots."""
        path = self._path(record)
        before = _read(path)
        if before and (before.server, before.origin) != (record.server, record.origin):
            raise Conflict(
                f"{record.slot} of {record.repository} is deployed from {before.origin} on"
                f" {before.server or 'the master'}; if it is yours now, remove {path} on the master"
            )
        new = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            new.write_text(json.dumps(asdict(record), indent=1))
            new.chmod(0o644)  # the master reads it, whatever the umask of who deploys
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)

    def all(self) -> Iterator[SlotRecord]:
        """Those that can be read; a damaged one counts as none: nothing is deployed by guess."""
        if self.directory.is_dir():
            found = (_read(path) for path in sorted(self.directory.glob("*.json")))
            yield from (record for record in found if record)

    def again(self, record: SlotRecord) -> Optional[SlotRecord]:
        """What the same slot's record says now."""
        return _read(self._path(record))

    def _path(self, record: SlotRecord) -> Path:
        names = (urllib.parse.quote(name, safe="") for name in (record.repository, record.slot))
        return self.directory / f"{'@'.join(names)}.json"


def _read(path: Path) -> Optional[SlotRecord]:
    try:
        record = SlotRecord(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return record if record.version == RECORD_VERSION else None
