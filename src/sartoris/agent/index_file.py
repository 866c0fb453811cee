"""What is read from git's index without git, which would list all of it.

The format is git's gitformat-index(5), version 2, which is what git writes where no setting asks
for another one, as none does here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_START_OF_ENTRIES = 12  # bytes: a signature, the version, the number of entries
_AT_MODE, _AT_ID = 24, 40  # where they are in an entry, which begins with the time of its inode
_ALIGNED = 8
_FILE_MODES = {0o100644: False, 0o100755: True}


def number_of_entries(index: Path) -> int:
    with index.open("rb") as file:
        return int.from_bytes(file.read(_START_OF_ENTRIES)[8:], "big")


def has_file(index: Path, name: str) -> bool:
    """Whether there may be a file of this name, in whatever directory."""
    return os.fsencode(name) + b"\0" in index.read_bytes()


def written_last(index: Path, size_of_id: int) -> Iterator[tuple[str, bool]]:
    """The files whose inode changed in the second in which the index was written, and whether each
    is executable.

    git compares whole seconds. What somebody does to one of these files' permissions in that same
    second it does not see.
    """
    try:
        content = index.read_bytes()
        second = int(index.stat().st_mtime) & 0xFFFFFFFF
    except FileNotFoundError:
        return
    wanted, position = second.to_bytes(4, "big"), _START_OF_ENTRIES - 1
    while (position := content.find(wanted, position + 1)) >= 0:
        # Anything else that has these bytes is no mode of a file where the mode would be.
        mode = int.from_bytes(content[position + _AT_MODE : position + _AT_MODE + 4], "big")
        if (position - _START_OF_ENTRIES) % _ALIGNED or mode not in _FILE_MODES:
            continue
        start = position + _AT_ID + size_of_id + 2
        end = content.find(b"\0", start)
        yield os.fsdecode(content[start:end]), _FILE_MODES[mode]
