"""What each slot should have, as the master knows it, for minions that come back by themselves.

One file for each slot of a repository. `settled` is the order that brings a minion to what the slot
has had since its last rollout ended; `coming` is there while a rollout is switching, which no
minion may run ahead of.
"""

from __future__ import annotations

import json
import os
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
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


class NewerRecord(Exception):
    """A record is of a version that this runner would misunderstand."""


class BadRecord(ValueError):
    """It is no record of a slot."""


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
        """Raises OSError, NewerRecord, and Conflict: servers do not take each other's slots."""
        path = self._path(record)
        before = _read(path)
        if before and (before.server, before.origin) != (record.server, record.origin):
            raise Conflict(
                f"{record.slot} of {record.repository} is deployed from {before.origin} on"
                f" {before.server or 'the master'}; if it is yours now, remove {path} on the master"
            )
        # Under a name that nobody can know before: deployers may write to the directory, too.
        descriptor, new = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(json.dumps(asdict(record), indent=1))
                os.fchmod(descriptor, 0o644)  # the master reads it, whatever the umask
            Path(new).replace(path)
        except BaseException:
            Path(new).unlink(missing_ok=True)
            raise

    def all(self) -> Iterator[SlotRecord]:
        """Those that can be read; a damaged or a newer one counts as none: nothing is deployed by
        guess.
        """
        if self.directory.is_dir():
            found = (_known(path) for path in sorted(self.directory.glob("*.json")))
            yield from (record for record in found if record)

    def again(self, record: SlotRecord) -> Optional[SlotRecord]:
        """What the same slot's record says now."""
        return _known(self._path(record))

    def _path(self, record: SlotRecord) -> Path:
        names = (urllib.parse.quote(name, safe="") for name in (record.repository, record.slot))
        return self.directory / f"{'@'.join(names)}.json"


def record_of(content: Mapping[str, Any]) -> SlotRecord:
    """The record in a JSON object; fields of a later version are ignored.

    Raises NewerRecord, BadRecord.
    """
    version = content.get("version", 1)
    if not isinstance(version, int) or isinstance(version, bool):
        raise BadRecord("the version is no number")
    if version > RECORD_VERSION:
        raise NewerRecord(
            f"the record of a slot was written by a newer Sartoris (version {version}; this runner"
            f" reads up to {RECORD_VERSION}); upgrade Sartoris on the master"
        )
    known = {one.name: content[one.name] for one in fields(SlotRecord) if one.name in content}
    for name, value in known.items():
        if not isinstance(value, _KINDS.get(name, str)):
            raise BadRecord(f"{name} is not as expected")
    try:
        return SlotRecord(**known)
    except TypeError as error:
        raise BadRecord(str(error)) from error


_KINDS: dict[str, Any] = {
    "settled": (dict, type(None)),
    "coming": (dict, type(None)),
    "version": int,
}


def _read(path: Path) -> Optional[SlotRecord]:
    """None if there is none, or none that can be read. Raises NewerRecord."""
    try:
        content = json.loads(path.read_text())
        return record_of(content) if isinstance(content, dict) else None
    except (OSError, ValueError):
        return None


def _known(path: Path) -> Optional[SlotRecord]:
    try:
        return _read(path)
    except NewerRecord:
        return None
