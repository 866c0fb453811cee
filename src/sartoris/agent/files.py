"""Files and directories, and when they are on disk."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import glob
import json
import os
import pwd
import shutil
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

MEBIBYTE = 1 << 20
_FILES = 32  # git has given back a few when it ends


def lexists(path: Path) -> bool:
    try:
        path.lstat()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return False
        raise
    return True


def is_for_a_group(directory: Path) -> bool:
    """Whether what is in a directory is its group's to change: it hands its group down (setgid),
    and the group may write.
    """
    both = stat.S_ISGID | stat.S_IWGRP
    return directory.stat().st_mode & both == both


def make_directory(path: Path) -> None:
    """Make a directory and those above it that are missing, for all to read, whatever the umask,
    and for a group to write where the one above is.

    Raises OSError, also where a link above it leads to nothing: that is somebody's to mend.
    """
    try:
        path.mkdir()
    except FileNotFoundError as error:
        if path.parent.is_symlink():
            code, link = errno.ENOENT, os.fspath(path.parent)
            raise FileNotFoundError(code, os.strerror(code), link) from error
        make_directory(path.parent)
        make_directory(path)
    except FileExistsError:  # or it is none, as who uses it will see
        pass
    else:
        group = stat.S_IWGRP if is_for_a_group(path.parent) else 0
        path.chmod(0o755 | group | path.stat().st_mode & stat.S_ISGID)


def is_real_directory(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def is_real_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def owner_of(path: Path) -> str:
    """The name of the user whose file it is, or the number where there is no name."""
    try:
        number = path.lstat().st_uid
    except OSError:
        return "owner unknown"
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def remove(path: Path) -> None:
    """Remove a file, a link or a whole tree, whatever stands there; nothing is fine too."""
    if is_real_directory(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_if_possible(*paths: Path) -> None:
    """Remove as much as can be: in directories of other users, their files stay."""
    for path in paths:
        with contextlib.suppress(OSError):
            if is_real_directory(path):
                _let_me_write(path)
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _let_me_write(tree: Path) -> None:
    """In our own directories, also those that a program has made read-only; root needs no leave."""
    if os.geteuid() == 0:
        return
    for directory, _, _ in os.walk(tree):
        with contextlib.suppress(OSError):
            mode = Path(directory).lstat().st_mode
            if mode & stat.S_IRWXU != stat.S_IRWXU:
                Path(directory).chmod(stat.S_IMODE(mode) | stat.S_IRWXU)


def set_beside(path: Path) -> Path:
    """Give what stands there, and should not, a name of its own beside it; that name."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    there = unused(path.with_name(f"{path.name}.set-aside-{now}"))
    path.rename(there)
    return there


def unused(path: Path) -> Path:
    """The path, or one with a number at its end where there is something already."""
    found, number = path, 1
    while lexists(found):
        found, number = path.with_name(f"{path.name}-{number}"), number + 1
    return found


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty when none can be read there, as after a power cut."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def write_json(path: Path, content: Mapping[str, Any], *, durable: bool = False) -> None:
    """Replace a file, under a name until then that nobody can know before."""
    if is_real_directory(path):
        set_beside(path)
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


def _reserve_files(path: Path) -> None:
    """A file system, or a quota, may have space and yet take no more files."""
    made = [path.with_name(f"{path.name}-{number}") for number in range(_FILES)]
    try:
        for one in made:
            one.unlink(missing_ok=True)
            create(one, 0o600).close()
    finally:
        for one in made:
            one.unlink(missing_ok=True)


def reserve(path: Path, size: int) -> None:
    """Raise the OSError that writing `size` bytes at `path`, or a few files, gives, if one."""
    _reserve_files(path)
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
