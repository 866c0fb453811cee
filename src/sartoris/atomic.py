"""Write a file so that a reader, or the process after a crash, sees the old or the new whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_text(path: Path, text: str) -> None:
    """Replace `path` by a file with `text`, durable before it is visible."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = _write_beside(path, text)
    new.replace(path)


def write_bytes(path: Path, content: bytes) -> None:
    """The same with `content`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _bytes_beside(path, content).replace(path)


def create_text(path: Path, text: str) -> bool:
    """Create `path` with `text` if nothing is there; whether it did. Of many at once, one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = _write_beside(path, text)
    try:
        os.link(new, path)
    except FileExistsError:
        return False
    finally:
        new.unlink()
    return True


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    import json

    write_text(path, json.dumps(document, indent=1) + "\n")


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in `path`; None if there is no file. Raises ValueError if it is not one."""
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None
    import json

    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError(f"{path} does not hold a JSON object")  # noqa: TRY004
    return document


def remove_leftovers(path: Path) -> None:
    """Remove what processes have left that were killed while they wrote `path`."""
    if not path.parent.is_dir():
        return
    for beside in path.parent.iterdir():
        if beside.name.startswith(f".{path.name}.") and beside.name.endswith(".new"):
            beside.unlink(missing_ok=True)


def _write_beside(path: Path, text: str) -> Path:
    return _bytes_beside(path, text.encode("utf-8", "surrogateescape"))


def _bytes_beside(path: Path, content: bytes) -> Path:
    """Under a name that nobody can know before, and through no link that others made."""
    new = path.with_name(f".{path.name}.{os.urandom(8).hex()}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(new, flags, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    return new
