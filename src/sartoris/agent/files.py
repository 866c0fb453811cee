"""Files and directories, and when they are on disk."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MEBIBYTE = 1 << 20


def lexists(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def is_real_directory(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def remove(path: Path) -> None:
    """Remove a file, a link or a whole tree, whatever stands there; nothing is fine too."""
    if is_real_directory(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_if_possible(*paths: Path) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            remove(path)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty when it is missing or was interrupted by a power cut."""
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_json(path: Path, content: Mapping[str, Any], *, durable: bool = False) -> None:
    temporary = path.parent / f".{path.name}.new"
    with temporary.open("w", encoding="ascii") as file:
        json.dump(content, file)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    temporary.replace(path)


def sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file_system(directory: Path) -> None:
    """Wait until everything on the file system of `directory` is on disk. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
        if syncfs is None:
            os.sync()
        elif syncfs(descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), os.fspath(directory))
    finally:
        os.close(descriptor)


def reserve(path: Path, size: int) -> None:
    """Raise the OSError that writing `size` bytes at `path` gives, if it gives one."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError as error:
            # Some file systems cannot reserve, which says nothing about their space.
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                raise
        finally:
            os.close(descriptor)
    finally:
        path.unlink(missing_ok=True)
