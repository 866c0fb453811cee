"""The Salt formula, which is part of this package, as files of a file root.

Beside them stands `.sartoris-formula.json`: what was written, by its digest, so that the next
version replaces that and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator
from pathlib import Path

from sartoris.atomic import read_json, write_json, write_text
from sartoris.errors import Refused

PARTS = ("_modules", "_runners", "_states", "reactor", "sartoris", "pillar.example")
RECORD = ".sartoris-formula.json"
_HERE = Path(__file__).parent


def export(directory: Path, force: bool = False) -> list[str]:
    """Write the formula into `directory`; the names of the files that were not so before.

    Files of an earlier version that this one does not have are removed. Raises `Refused`, and then
    nothing has changed, when a file is in the way that was not written by this function, or was
    changed since; `force` replaces it.
    """
    written = _record(directory)
    files = {str(path.relative_to(_HERE)): path.read_text() for path in _files()}
    there = {name: _digest_of(directory / name) for name in {*written, *files}}
    new = [name for name, content in files.items() if there[name] != _digest(content)]
    foreign = [name for name in new if there[name] not in ("", written.get(name))]
    if foreign and not force:
        raise _in_the_way(directory, foreign)
    for name in new:
        write_text(directory / name, files[name])
    gone = [name for name in written if name not in files and there[name] == written[name]]
    for name in gone:
        (directory / name).unlink()
    record = {name: _digest(content) for name, content in files.items()}
    write_json(directory / RECORD, record)
    return sorted([*new, *gone])


def master_configuration(directory: Path) -> str:
    """What the master's configuration needs to use a formula in `directory`."""
    root = json.dumps(str(directory))
    runners = json.dumps(str(directory / "_runners"))
    return f"file_roots:\n  base:\n    - {root}\nrunner_dirs:\n  - {runners}\n"


def _files() -> Iterator[Path]:
    for part in PARTS:
        found = [_HERE / part] if (_HERE / part).is_file() else sorted((_HERE / part).rglob("*"))
        yield from (path for path in found if path.is_file() and path.suffix != ".pyc")


def _record(directory: Path) -> dict[str, str]:
    """What was written before; nothing when that is not known."""
    try:
        return read_json(directory / RECORD) or {}
    except ValueError:
        return {}


def _digest_of(path: Path) -> str:
    """Of the file there; "" for none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def _in_the_way(directory: Path, names: list[str]) -> Refused:
    shown = "\n".join(f"  {name}" for name in names)
    return Refused(
        f"{directory} has files that `sartoris formula` did not write as they are:\n{shown}",
        next_steps=[
            "sartoris formula ANOTHER-DIRECTORY   # and compare",
            f"sartoris formula --force {shlex.quote(str(directory))}   # replaces them",
        ],
    )
