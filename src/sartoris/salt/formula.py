"""The Salt formula as files of a file root: those of this package, and the joined modules.

Beside them stands `.sartoris-formula.json`: what was written, by its digest, so that the next
version replaces that and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from sartoris.atomic import read_json, write_json, write_text
from sartoris.errors import Refused
from sartoris.salt import made

PARTS = ("_states", "reactor", "sartoris", "pillar.example")
RECORD = ".sartoris-formula.json"
_NO_FILE = "no file"  # a digest of none: of what is there, but cannot be read as a file
_HERE = Path(__file__).parent


def export(directory: Path, force: bool = False) -> list[str]:
    """Write the formula into `directory`; the names of the files that were not so before.

    Files of an earlier version that this one does not have are removed. Raises `Refused`, and then
    nothing has changed, when a file is in the way that was not written by this function, or was
    changed since, or a symbolic link that leads nowhere; `force` replaces it. A directory where a
    file belongs, or the reverse, is refused in any case.
    """
    files = _files()
    _check_kinds(directory, files)
    written = _record(directory)
    there = {name: _digest_of(directory / name) for name in {*written, *files}}
    new = [name for name, content in files.items() if there[name] != _digest(content)]
    foreign = [name for name in new if there[name] not in ("", written.get(name))]
    foreign += [RECORD] if _digest_of(directory / RECORD) == _NO_FILE else []
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


def _files() -> dict[str, str]:
    """The text of each file by its name in the formula."""
    return made.texts() | {str(path.relative_to(_HERE)): path.read_text() for path in _kept()}


def _kept() -> Iterator[Path]:
    for part in PARTS:
        found = [_HERE / part] if (_HERE / part).is_file() else sorted((_HERE / part).rglob("*"))
        yield from (path for path in found if path.is_file() and path.suffix != ".pyc")


def _check_kinds(directory: Path, names: Iterable[str]) -> None:
    """Raises `Refused` where not even `force` could write: for what is not ours to remove."""
    places = [directory / name for name in (RECORD, *names)]
    above = {parent for place in places for parent in place.parents}
    blocked = [path for path in above if os.path.lexists(path) and not path.is_dir()]
    wrong = [f"{path} is not a directory" for path in sorted(blocked)]
    wrong += [f"{path} is a directory" for path in places if path.is_dir()]
    if wrong:
        raise _no_room(directory, wrong)


def _record(directory: Path) -> dict[str, str]:
    """What was written before; nothing when that is not known."""
    try:
        return read_json(directory / RECORD) or {}
    except ValueError:
        return {}


def _digest_of(path: Path) -> str:
    """Of the file there; "" for nothing at all."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return _NO_FILE if os.path.lexists(path) else ""


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def _no_room(directory: Path, wrong: list[str]) -> Refused:
    shown = "\n".join(f"  {one}" for one in wrong)
    return Refused(
        f"the formula cannot be written into {directory}:\n{shown}",
        next_steps=[
            "sartoris formula ANOTHER-DIRECTORY",
            f"sartoris formula {shlex.quote(str(directory))}   # when that is out of the way",
        ],
    )


def _in_the_way(directory: Path, names: list[str]) -> Refused:
    shown = "\n".join(f"  {name}" for name in names)
    return Refused(
        f"{directory} has files that `sartoris formula` did not write as they are:\n{shown}",
        next_steps=[
            "sartoris formula ANOTHER-DIRECTORY   # and compare",
            f"sartoris formula --force {shlex.quote(str(directory))}   # replaces them",
        ],
    )
