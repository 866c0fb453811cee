"""Files and directories, and when they are on disk."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import glob
import json
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

MEBIBYTE = 1 << 20


def lexists(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def make_directory(path: Path) -> None:
    """Make a directory and those above it that are missing, for all to read, whatever the umask."""
    try:
        path.mkdir()
    except FileNotFoundError:
        make_directory(path.parent)
        make_directory(path)
    except FileExistsError:  # or it is none, as who uses it will see
        pass
    else:
        path.chmod(0o755 | path.stat().st_mode & stat.S_ISGID)


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
    """Replace a file, under a name until then that nobody can know before."""
    remove_if_possible(*path.parent.glob(f".{glob.escape(path.name)}.*.new"))  # of who was killed
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.new")
    try:
        with create(temporary) as file:
            file.write(json.dumps(content).encode("ascii"))
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        remove_if_possible(temporary)
        raise


def create(path: Path, mode: int = 0o666) -> BinaryIO:
    """A new file to write to. What stands at the path raises FileExistsError, a link as well."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, mode), "wb")


def create_anew(path: Path, content: bytes) -> None:
    """A file in the place of what a killed agent may have left there; no link is followed."""
    remove(path)
    with create(path) as file:
        file.write(content)


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
        path.unlink(missing_ok=True)
        with create(path, 0o600) as file:
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        # Some file systems cannot reserve, which says nothing about their space.
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
    finally:
        path.unlink(missing_ok=True)
