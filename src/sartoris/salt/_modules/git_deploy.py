# Made from the modules of sartoris/agent by `make docs`; changes belong there.
"""Carry out one order on one target, and answer with one outcome (docs/orders.md).

It travels as one file (`sartoris.agent.joined`): standard library only, Python 3.9 or newer.
`perform` is called in this process (local), `python3 git_deploy.py < order.json` on a target does
the same.

For `path` = D/php-slot0 everything the agent owns stands in D/.sartoris:

    REPOSITORY.git      the object store, shared by all slots of the repository
    releases/TAG        complete trees, and nothing else
    staging/SLOT        the tree that is being made; renaming it to releases/TAG says it is complete
    index/TAG           git's index of each tree, so that the next one costs only the difference
    git/SLOT/N          the git directory of a tree with real submodules, which stays with the tree
    meta/TAG.json       which slot, repository and commit a release is
    state/SLOT.json     what was switched to last, and what was live before
    shared/SLOT, adopted, trash/SLOT, lock
"""

from __future__ import annotations

import codecs
import contextlib
import ctypes
import errno
import fcntl
import hashlib
import json
import math
import os
import pwd
import re
import select
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, Optional, Union

# Salt's loader gives a module its name in sys.modules only after it has run.
sys.modules.setdefault(__name__, types.ModuleType(__name__))


# --- What can go wrong, in words that are the same on every target --------------------------------

ERRORS: dict[str, str] = {
    "bad-order": "the order is malformed: unknown action, missing field, unsafe name or path",
    "unknown-version": "the order is of a version that this agent does not know",
    "agent-too-old": "the order needs an agent of a higher level than this one",
    "busy": "another order held the lock of this slot until the time was up",
    "timeout": "the order took longer than its timeout; what it had started was killed",
    "git-missing": "git is not installed on the target, or not in PATH",
    "no-space": "the file system (or the user's quota) is full",
    "read-only": "the file system is mounted read-only",
    "permission": "the user that the agent runs as may not write there",
    "io-error": "the operating system refused a file operation for another reason",
    "fetch-failed": "the publish repository could not be reached, or lacks the release",
    "wrong-commit": "the release that was fetched is not the commit that the order names",
    "corrupt-store": "the object store is damaged and fetching it anew did not repair it",
    "conflict": "the release is already held, with another commit, slot or repository",
    "release-refused": "the deploy file or a shared path has no safe place in this release's tree",
    "submodule-failed": "a submodule could not be fetched, or not be checked out",
    "prepare-failed": "a deploy/target/prepare.* program of the release failed; nothing went live",
    "live-failed": "a deploy/target/live.* program failed after the switch; the release is live",
    "superseded": "the order is to catch up, and the target was told later to have another release",
    "not-held": "the release to switch to is not complete on this target; fetch it first",
    "path-is-directory": "a directory stands where the live release belongs; adopt not ordered",
    "path-is-file": "a file stands where the live release belongs",
    "path-is-foreign-link": "a link that is not the agent's stands at the path; adopt not ordered",
    "path-is-link": "the slot switches in place, but its path is a symbolic link",
    "service-failed": "the service could not be acted on; after a switch, the release is live",
    "bad-policy": "the target's list of what may be deployed to it is damaged; all is refused",
    "not-allowed": "the target has such a list, and what the order says is not in it",
    "directory-not-ready": "the directory of the path is missing, or is not the listed user's",
    "path-leads-out": "a directory of the listed path, or one of the agent's, is a symbolic link",
    "killed": "the process that carried the order out was killed on the target",
    "crashed": "the agent itself failed; a bug",
}


class Failure(Exception):
    """The order cannot be carried out. `error` is a word from ERRORS; `output` a program's end."""

    def __init__(self, error: str, message: str, output: str = "") -> None:
        super().__init__(message)
        self.error, self.message, self.output = error, message, output

    def told(self) -> dict[str, Any]:
        """The fields of an outcome."""
        return {"ok": False, "error": self.error, "message": self.message, "output": self.output}


class GitFailed(Exception):
    """git exited with another code than 0; not yet known why."""

    def __init__(self, command: str, code: int, output: str) -> None:
        super().__init__(f"git {command} exited with {code}")
        self.output = output


class SubmoduleFailed(GitFailed):
    """git could not bring the submodule at `path` to its commit."""

    def __init__(self, path: str, failure: GitFailed) -> None:
        Exception.__init__(self, str(failure))
        self.path, self.output = path, failure.output


# --- The order, checked: its names and paths are safe to build file names from --------------------

VERSION = 1
LEVEL = 2  # what this agent can do within the version; docs/orders.md says what came with which

_ACTIONS = ("fetch", "switch", "withdraw", "status", "verify", "service")
_SERVICE_ACTIONS = ("restart", "reload", "status")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+@=-]*")
_REPOSITORY = re.compile(r"[^-./\x00-\x1f\x7f][^/\x00-\x1f\x7f]*")
# Only services: systemd has units that halt the machine when they are started.
_UNIT = re.compile(
    r"[A-Za-z0-9_][A-Za-z0-9:_.@-]{0,250}(?<!\.target)(?<!\.socket)(?<!\.mount)(?<!\.automount)"
    r"(?<!\.device)(?<!\.swap)(?<!\.path)(?<!\.timer)(?<!\.slice)(?<!\.scope)"
)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST_NAME = 200  # bytes; suffixes have to fit below the 255 that file systems allow


@dataclass(frozen=True, eq=False, repr=False)
class Order:
    """An order whose names and paths were checked: they are safe to build file names from."""

    action: str
    repository: str
    slot: str
    path: str
    release: str = ""
    commit: str = ""
    url: str = ""
    switch: str = "atomic"
    submodules: str = "compose"
    shared: tuple[str, ...] = ()
    keep: int = 5
    timeout: int = 600
    deploy_file: str = ".deploy"
    deploy_text: str = ""
    adopt: bool = False
    size: int = 0
    service: str = ""
    service_action: str = ""
    decided: int = 0
    catch_up: bool = False


def parse(raw: Any) -> Order:
    """The order in a decoded JSON document. Raises Failure."""
    if not isinstance(raw, dict):
        raise Failure("bad-order", "the order is not a JSON object")
    if raw.get("version") != VERSION or isinstance(raw.get("version"), bool):
        shown = json.dumps(raw.get("version"), default=str)
        raise Failure("unknown-version", f"order of version {shown}; this agent knows {VERSION}")
    _check_level(raw.get("level", 1))
    order = Order(**_typed_fields(raw))
    _check(order)
    return order


def _check_level(level: object) -> None:
    """Before all else: an action or a value that is not known is then not called a mistake."""
    if not isinstance(level, int) or isinstance(level, bool):
        raise _bad("level", "is not of type int")
    if level > LEVEL:
        message = f"this target's agent is of level {LEVEL}, the order needs {level}"
        raise Failure("agent-too-old", message)


def _typed_fields(raw: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, kind in Order.__annotations__.items():
        if name not in raw:
            if not hasattr(Order, name):
                raise _bad(name, "is missing")
            continue
        fields[name] = _typed(name, kind, raw[name])
    return fields


def _typed(name: str, kind: str, value: object) -> object:
    if kind == "tuple[str, ...]":
        if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
            raise _bad(name, "is not a list of strings")
        return tuple(value)
    if type(value).__name__ != kind:
        raise _bad(name, f"is not of type {kind}")
    return value


def _check(order: Order) -> None:
    if order.action not in _ACTIONS:
        raise _bad("action", f"is not one of {', '.join(_ACTIONS)}", order.action)
    if order.switch not in ("atomic", "in-place"):
        raise _bad("switch", "is neither atomic nor in-place", order.switch)
    if order.submodules not in ("compose", "update", "none"):
        raise _bad("submodules", "is not compose, update or none", order.submodules)
    _check_names(order)
    check_path(order.path)
    _check_url(order.url)
    _check_service(order)
    _check_inner_paths(order)
    if order.deploy_text and not _encoded_length(order.deploy_text):
        raise _bad("deploy_text", "is not text that can be written")
    if order.timeout <= 0 or min(order.keep, order.size, order.decided) < 0:
        message = "timeout, keep, size and decided are numbers that are not negative"
        raise Failure("bad-order", message)


def _check_names(order: Order) -> None:
    required = order.action in ("fetch", "switch")
    _check_name("repository", order.repository, _REPOSITORY)
    _check_name("slot", order.slot, _NAME)
    if order.release or required:
        _check_name("release", order.release, _NAME)
    if (order.commit or required) and not _COMMIT.fullmatch(order.commit):
        raise _bad("commit", "is not a full commit id", order.commit)


def _check_name(field: str, value: str, pattern: re.Pattern[str]) -> None:
    safe = pattern.fullmatch(value) and ".." not in value and not value.endswith((".lock", "."))
    if not safe or not 0 < _encoded_length(value) <= _LONGEST_NAME:
        raise _bad(field, "is not a name that is safe to use in file names", value)


def check_path(path: str) -> None:
    parts = path.split("/")
    normal = parts[0] == "" and all(part not in ("", ".", "..") for part in parts[1:])
    if not normal or _CONTROL.search(path) or not _encoded_length(path):
        raise _bad("path", "is not an absolute, normalised path without control characters", path)
    if ".sartoris" in parts:
        raise _bad("path", "lies inside .sartoris, which is the agent's own", path)


def _check_url(url: str) -> None:
    if url.startswith("-") or _CONTROL.search(url) or (url and not _encoded_length(url)):
        raise _bad("url", "is not safe to hand to git", url)


def _check_service(order: Order) -> None:
    if order.service:
        check_unit(order.service)
    if order.service_action not in ("", *_SERVICE_ACTIONS):
        known = ", ".join(_SERVICE_ACTIONS)
        raise _bad("service_action", f"is not one of {known}", order.service_action)
    if order.action == "service" and not (order.service and order.service_action):
        raise Failure("bad-order", "service and service_action are needed")
    if order.action == "switch" and order.service and order.service_action in ("", "status"):
        raise _bad("service_action", "does nothing after a switch", order.service_action)


def check_unit(name: str) -> None:
    if not _UNIT.fullmatch(name):
        raise _bad("service", "is not the name of a service", name)


def _check_inner_paths(order: Order) -> None:
    placed = [("shared", path) for path in order.shared]
    if order.deploy_text:
        placed.append(("deploy_file", order.deploy_file))
    for field, path in placed:
        parts = path.split("/")
        odd = any(part in ("", ".", "..") or part.lower() == ".git" for part in parts)
        if odd or path.startswith("-") or _CONTROL.search(path) or not _encoded_length(path):
            raise _bad(field, "is not a safe path inside the release", path)
    paths = [path for _, path in placed]
    for path in paths:
        if sum(other == path or other.startswith(path + "/") for other in paths) > 1:
            raise _bad("shared", "names a path twice, or one inside another", path)


def _encoded_length(text: str) -> int:
    """How many bytes the text has in a file name; 0 when it cannot be in one."""
    try:
        return len(os.fsencode(text))
    except UnicodeEncodeError:
        return 0


def without_password(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url)


def _bad(field: str, why: str, value: Optional[str] = None) -> Failure:
    return Failure("bad-order", f"{field} {why}" if value is None else f"{field} {value!r} {why}")


# --- Files and directories, and when they are on disk ---------------------------------------------

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
    """The JSON object in a file; empty when it is missing or was cut short by a power cut."""
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


# --- Where things are -----------------------------------------------------------------------------


class Place:
    """The paths of one slot on this target. `root` is the directory that stands for its `/`."""

    def __init__(self, order: Order, root: str) -> None:
        self.root = "" if root == "/" else root.rstrip("/")
        self.path = Path(self.root + order.path)
        self.directory = self.path.parent
        self.own = self.directory / ".sartoris"
        self.releases = self.own / "releases"
        self.meta = self.own / "meta"
        self.index = self.own / "index"
        self.staged = self.own / "staging" / order.slot
        # No release begins with a dot: these cannot be a release's index.
        self.staged_index = self.index / f".staging-{order.slot}"
        self.in_place_index = self.index / f".in-place-{order.slot}"
        self.state = self.own / "state" / f"{order.slot}.json"
        self.git_directories = self.own / "git" / order.slot
        self.shared = self.own / "shared" / order.slot
        self.trash = self.own / "trash" / order.slot
        self.adopted = self.own / "adopted"
        self.lock = self.own / "lock" / order.slot
        self.store = self.own / f"{order.repository}.git"
        self.store_lock = self.own / "lock" / f".store-{order.repository}"

    def make(self) -> None:
        """Make the agent's own directories; does nothing, cheaply, when they are there."""
        if self.trash.is_dir():
            return
        made = (self.releases, self.meta, self.index, self.staged.parent, self.state.parent)
        for directory in (*made, self.shared, self.lock.parent, self.trash):
            directory.mkdir(parents=True, exist_ok=True)

    def set_aside(self, path: Path) -> None:
        """Move somebody's directory or file to adopted/, under a name of its own."""
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        self.adopted.mkdir(exist_ok=True)
        name, number = f"{path.name}-{now}", 1
        while lexists(self.adopted / name):
            name, number = f"{path.name}-{now}-{number}", number + 1
        path.rename(self.adopted / name)

    def logical(self, text: str) -> str:
        """The text with paths as the order speaks of them, the same on every target."""
        return text.replace(self.root + "/", "/") if self.root else text

    def linked_release(self) -> Optional[str]:
        """The release that the live link names; "" for no link, None for one that is not ours."""
        try:
            return self.release_in(self.path)
        except OSError:
            return "" if not lexists(self.path) else None

    def release_in(self, link: Path) -> Optional[str]:
        """The release that a symbolic link in this directory names, None if it names another thing.

        Raises OSError when it is no link.
        """
        # Textually, not resolved: the link of a damaged target may point at nothing.
        text = os.path.normpath(self.logical(os.fspath(link.readlink())))
        where, _, name = text.rpartition("/")
        return name if where in (".sartoris/releases", self.logical(str(self.releases))) else None

    def linked_by_others(self) -> set[str]:
        """The releases that any link beside the path points at, whoever made it."""
        found: set[str] = set()
        with os.scandir(self.directory) as entries:
            for entry in entries:
                if entry.is_symlink():
                    found.add(self.release_in(Path(entry.path)) or "")
        return found


# --- Which releases stand on this target, and what is live ----------------------------------------

# The newest version of the files in meta/ and state/ that this agent understands; those without one
# are of version 1. Fields that it does not know it ignores, and keeps where it changes a file.
FILE_VERSION = 1

_KINDS: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "tuple[str, ...]": list,
}
_STATE_KINDS: dict[str, Any] = {
    **dict.fromkeys(("mode", "release", "previous", "earlier", "live"), str),
    **dict.fromkeys(("service", "hooks", "replaced"), str),
    "order": dict,
}


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
        """None if there is no record, or none that can be read. Raises Failure for a newer one."""
        content = self._read(self.place.meta / f"{name}.json")
        known = {key: content[key] for key in Release.__annotations__ if key in content}
        if set(Release.__annotations__) - set(known) - {"submodules"}:  # older records lack it
            return None
        kinds = {key: _KINDS[str(kind)] for key, kind in Release.__annotations__.items()}
        if not _are_of(kinds, known) or not all(isinstance(one, str) for one in known["shared"]):
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
            if self.stands(record)
        ]

    def stands(self, record: Release) -> bool:
        place = self.place
        if record.mode == "atomic":
            return is_real_directory(place.releases / record.release)
        return (place.own / f"{record.repository}.git/refs/tags" / record.release).is_file()

    def holds(self, name: str, commit: str) -> bool:
        wanted = (name, commit, self.order.repository)
        return any((one.release, one.commit, one.repository) == wanted for one in self.held())

    def fallen(self, slot: str) -> list[Release]:
        """The slot's records whose release is gone: an agent died between the two."""
        return [one for one in self.releases() if one.slot == slot and not self.stands(one)]

    def write(self) -> None:
        """Record the order's release as the newest one."""
        order = self.order
        serial = max((record.serial for record in self.releases()), default=0) + 1
        record = {
            "version": FILE_VERSION,
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
        """What state/SLOT.json says, as if it were lost if it cannot be read. Raises Failure."""
        content = self._read(self.place.state)
        return content if _are_of(_STATE_KINDS, content) else {}

    def _read(self, path: Path) -> dict[str, Any]:
        """What an older agent would misunderstand, and then prune or switch by, is refused."""
        content = read_json(path)
        version = content.get("version", 1)
        if isinstance(version, int) and version > FILE_VERSION:
            name = self.place.logical(str(path))
            message = f"{name} was written by a newer agent (version {version}; this one reads up"
            raise Failure("agent-too-old", f"{message} to {FILE_VERSION}); upgrade Sartoris here")
        return content

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

    def beyond_keep(self, extra: int = 0) -> list[Release]:
        """The slot's releases that are too many, oldest first; `extra` more are about to come."""
        live, held = self.live(), self.held()
        beside = [record for record in held if record.release != live]
        too_many = max(len(beside) + extra - self.order.keep, 0)
        protected = self.protected()
        return [record for record in beside[:too_many] if record.release not in protected]


def _are_of(kinds: dict[str, Any], content: dict[str, Any]) -> bool:
    """Whether each known field has its type; true and false are no numbers."""
    return all(
        isinstance(content[key], kind) and not isinstance(content[key], bool)
        for key, kind in kinds.items()
        if key in content
    )


# --- Running programs, not longer than the order may take -----------------------------------------

OUTPUT_LINES = 20

_GRACE = 0.5  # seconds between SIGTERM, at which git removes its temporary files, and SIGKILL


class Programs:
    """Runs programs until the order's deadline. `lock` is the slot's lock, for git to inherit."""

    def __init__(self, timeout: int) -> None:
        self.timeout = timeout
        self.deadline = time.monotonic() + timeout
        self.lock: Optional[int] = None

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        hold_lock: bool = True,
        tail: int = 1 << 16,
        stdin: bytes = b"",
    ) -> tuple[int, bytes]:
        """Run a program in its own session and wait: exit code, end of its output (`tail` bytes).

        With `hold_lock` the slot stays locked while the program lives, should the agent be killed.
        Raises OSError when it cannot be started, Failure when the time is up.
        """
        with _readable(stdin) as given:
            process = subprocess.Popen(
                list(command),
                cwd=cwd,
                env=dict(environment),
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=() if self.lock is None or not hold_lock else (self.lock,),
            )
        with process:
            try:
                output = self._collect(process, tail)
                return process.wait(max(self.left(), 0)), output
            except subprocess.TimeoutExpired:
                raise self.too_late() from None
            finally:
                _end(process)

    def left(self) -> float:
        return self.deadline - time.monotonic()

    def too_late(self) -> Failure:
        return Failure("timeout", f"the order took longer than {self.timeout} s and was ended")

    def _collect(self, process: subprocess.Popen[bytes], tail: int) -> bytes:
        assert process.stdout is not None
        pipe = process.stdout.fileno()
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        output = bytearray()
        while True:
            # Read on for as long as there is something; a daemon that the program left behind may
            # keep the pipe open after the program itself has ended.
            ended = process.poll() is not None
            if poll.poll(0 if ended else 50):
                chunk = os.read(pipe, 1 << 16)
                if not chunk:
                    return bytes(output)
                output += chunk
                del output[:-tail]
            elif ended:
                return bytes(output)
            if self.left() <= 0:
                raise self.too_late()


@contextlib.contextmanager
def _readable(content: bytes) -> Iterator[int]:
    """A descriptor from which a program reads the content."""
    if not content:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield file.fileno()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a program that still runs, with everything it started, and reap it."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def last_lines(output: bytes) -> str:
    return "\n".join(output.decode(errors="replace").rstrip().split("\n")[-OUTPUT_LINES:])


GIT_VARIABLES_KEPT = (
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_EXEC_PATH",
    "GIT_PROXY_",
    "GIT_SSH",
    "GIT_SSL_",
    "GIT_TRACE",
)


def inherited_environment() -> dict[str, str]:
    """This process's environment without what would point git at another repository."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(GIT_VARIABLES_KEPT)
    }


# --- Locks that end with the process that holds them ----------------------------------------------

_LOCK_POLL = 0.03  # seconds


@contextlib.contextmanager
def locked(path: Path, kind: int, seconds: float) -> Iterator[Optional[int]]:
    """Hold the lock in `path` (fcntl.LOCK_EX or LOCK_SH); its descriptor, None if others hold it.

    Waits at most `seconds`.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        yield descriptor if _take(descriptor, kind, seconds) else None
    finally:
        # Not only closed: a program that outlives the order may have inherited the descriptor.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _take(descriptor: int, kind: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_LOCK_POLL)


# --- Being another user, in a process that has no way back ----------------------------------------

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_KEPT = ("GIT_", "HTTPS_PROXY", "HTTP_PROXY", "LANG", "LC_", "NO_PROXY", "PATH", "TZ")
_UMASK = 0o022


@dataclass(frozen=True, eq=False, repr=False)
class Account:
    """A user of this machine. `groups` are all of them."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str
    shell: str

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """What programs of this user get: root's own variables are not for them."""
        kept = {
            name: value
            for name, value in inherited.items()
            if name.upper().startswith(_KEPT)
            and (not name.startswith("GIT_") or name.startswith(GIT_VARIABLES_KEPT))
        }
        names = {"USER": self.name, "LOGNAME": self.name, "HOME": self.home, "SHELL": self.shell}
        return {"PATH": os.defpath, **kept, **names}

    def become(self) -> None:
        """Turn this process, which is root's, into one of this user's for good. Raises Failure."""
        try:
            os.umask(_UMASK)
            os.setgroups(self.groups)
            os.setresgid(self.gid, self.gid, self.gid)
            os.setresuid(self.uid, self.uid, self.uid)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise Failure("permission", f"the agent cannot become {self.name}: {why}") from error
        _insist(self)
        environment = self.environment(os.environ)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir("/")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)


def _insist(account: Account) -> None:
    """Capabilities outlive root where the machine is set up so; then they would give root back."""
    try:
        os.setuid(0)
    except OSError:
        if os.getresuid() == (account.uid,) * 3 and os.getresgid() == (account.gid,) * 3:
            return
    raise Failure("permission", f"the agent can become {account.name}, but not for good")


def account_of(name: str) -> Optional[Account]:
    try:
        found = pwd.getpwnam(name)
    except (KeyError, ValueError):  # ValueError: no user's name has a null byte
        return None
    groups = os.getgrouplist(found.pw_name, found.pw_gid)
    return Account(
        name=found.pw_name,
        uid=found.pw_uid,
        gid=found.pw_gid,
        groups=tuple(groups),
        home=found.pw_dir,
        shell=found.pw_shell,
    )


def belong_to(parent: int) -> None:
    """Be killed when the parent dies, and let no other process of the user look into this one.

    To be called after `become`, at which the kernel forgets both. What the release runs is of the
    same user; it must not get at a fork's copy of root's memory, nor ask the parent in our name.
    """
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


# --- What may be deployed to this target: the list of whoever runs it -----------------------------

_POLICY = "/etc/sartoris/target.json"
_POLICY_VERSION = 1
_LONGEST_POLICY = 1 << 22  # bytes


@dataclass(frozen=True, eq=False, repr=False)
class _Listed:
    """One deployment that is allowed. `path` may have `*` in its last component."""

    repository: str
    path: str
    user: str
    url: str = ""
    service: str = ""

    def covers(self, path: str) -> bool:
        pattern = ".*".join(map(re.escape, self.path.rpartition("/")[2].split("*")))
        where, _, name = path.rpartition("/")
        same = where == self.path.rpartition("/")[0]
        return same and re.fullmatch(pattern, name, re.DOTALL) is not None


def permitted(order: Order, root: str) -> Optional[Account]:
    """Whose files the order is about, if the target has a list; None when it has none.

    Raises Failure when the list does not have the order in it, or cannot be trusted.
    """
    listed = _read(root)
    if listed is None:
        return None
    accounts = {one.user: _account(one.user) for one in listed}
    account = accounts[_find(listed, order).user]
    if os.geteuid() not in (0, account.uid):
        message = f"{_POLICY} gives {order.path} to {account.name}, and the agent runs as another"
        raise Failure("not-allowed", f"{message} user")
    return account


def _find(listed: list[_Listed], order: Order) -> _Listed:
    """The first that has all that the order says; an order that needs no url may go without."""
    named = [one for one in listed if one.repository == order.repository]
    if not named:
        raise _not_allowed(order, f"repository {order.repository!r}")
    covering = [one for one in named if one.covers(order.path)]
    if not covering:
        raise _not_allowed(order, f"path {order.path!r} for repository {order.repository!r}")
    reached = [one for one in covering if order.url in ("", one.url)]
    if not reached:
        raise _not_allowed(order, f"url {without_password(order.url)!r} for {order.path!r}")
    serving = [one for one in reached if order.service in ("", one.service)]
    if not serving:
        raise _not_allowed(order, f"service {order.service!r} for {order.path!r}")
    return serving[0]


def _not_allowed(order: Order, what: str) -> Failure:
    url = without_password(order.url)
    entry = {"repository": order.repository, "path": order.path, "user": "USER", "url": url}
    if order.service:
        entry["service"] = order.service
    shown = json.dumps({key: value for key, value in entry.items() if value})
    message = f"{_POLICY} does not list {what}; whoever runs the target allows it by the entry"
    return Failure("not-allowed", f"{message} {shown}")


def _read(root: str) -> Optional[list[_Listed]]:
    """The list; None when there is none. What is wrong in any part of it makes it worthless."""
    path = Path(root.rstrip("/") + _POLICY)
    try:
        text = _text(path)
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise _bad_policy("its directory is a symbolic link, or no directory") from None
    except OSError as error:
        raise _bad_policy(os.strerror(error.errno or 0)) from error
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise _bad_policy("it is not JSON") from None
    return _deployments(content)


def _text(path: Path) -> bytes:
    """What is in the file, reached through no link: one that leads nowhere is not "no list"."""
    safe = os.O_NOFOLLOW | os.O_CLOEXEC
    # Only to look a name up in it: users that are not root may be allowed no more.
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | safe)
    try:
        descriptor = os.open(path.name, os.O_RDONLY | os.O_NONBLOCK | safe, dir_fd=directory)
        with os.fdopen(descriptor, "rb") as file:
            _check_owner(os.fstat(descriptor), "it")
            _check_owner(os.fstat(directory), "its directory")
            return file.read(_LONGEST_POLICY)
    finally:
        os.close(directory)


def _check_owner(found: os.stat_result, what: str) -> None:
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise _bad_policy("it is not a file")
    # An agent that is not root answers to its own user, who may be the one that wrote the list.
    if os.geteuid() == 0 and (found.st_uid != 0 or found.st_mode & 0o022):
        raise _bad_policy(f"others than root may write to {what}")


def _deployments(content: Any) -> list[_Listed]:
    if not isinstance(content, dict) or set(content) != {"version", "deployments"}:
        raise _bad_policy("it is not an object with `version` and `deployments`, and no more")
    version = content["version"]
    if version != _POLICY_VERSION or isinstance(version, bool):
        shown = json.dumps(version)
        raise _bad_policy(f"it is of version {shown}; this agent knows {_POLICY_VERSION}")
    if not isinstance(content["deployments"], list):
        raise _bad_policy("`deployments` is not a list")
    return [_entry(f"deployments[{at}]", one) for at, one in enumerate(content["deployments"])]


def _entry(where: str, content: Any) -> _Listed:
    if not isinstance(content, dict) or not all(isinstance(one, str) for one in content.values()):
        raise _bad_policy(f"{where} is not an object whose values are strings")
    known = set(_Listed.__annotations__)
    odd = sorted(set(content) - known) + sorted({"repository", "path", "user"} - set(content))
    if odd:
        raise _bad_policy(f"{where}: {odd[0]!r} is not a known field, or is missing")
    if not all(content.values()):
        raise _bad_policy(f"{where} has an empty value")
    listed = _Listed(**content)
    if "*" in listed.path.rpartition("/")[0]:
        raise _bad_policy(f"{where}: `*` belongs into the last component of path, if at all")
    try:
        check_path(listed.path)
        if listed.service:
            check_unit(listed.service)
    except Failure as failure:
        raise _bad_policy(f"{where}: {failure.message}") from failure
    return listed


def _account(user: str) -> Account:
    account = account_of(user)
    if account is None:
        raise _bad_policy(f"the user {user!r} does not exist")
    if account.uid == 0:
        raise _bad_policy(f"{user!r} is root; nothing of a release runs as root")
    return account


def _bad_policy(why: str) -> Failure:
    return Failure("bad-policy", f"{_POLICY}: {why}; until it is mended, every order is refused")


# --- The service that runs what is deployed -------------------------------------------------------

_STATES = {0: "active", 1: "failed", 2: "failed", 3: "inactive"}  # of an init script, by the LSB
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Service:
    """The order's service on this target: systemd's where that runs, else an init script.

    Where `root` is not /, this machine's services are not the target's: it has init scripts only.
    """

    def __init__(self, order: Order, root: str) -> None:
        self._name, self._action = order.service, order.service_action
        self._programs = Programs(order.timeout)
        self._whole_machine = root == "/"
        script = self._name.removesuffix(".service")
        self._script = Path(root) / "etc/init.d" / script

    def act(self) -> dict[str, Any]:
        """Do what the order says; more fields for the outcome. Raises Failure."""
        systemd = self._whole_machine and Path("/run/systemd/system").is_dir()
        if not systemd and not self._script.is_file():
            raise self._failed("there is no such service on the target")
        if self._action == "status":
            return self._systemd_state() if systemd else self._script_state()
        code, output = self._run(
            ["systemctl", "--quiet", "--no-ask-password", self._action, "--", self._name]
            if systemd
            else self._by_script()
        )
        if code != 0:
            ended = f"exit code {code}" if code > 0 else f"ended by signal {-code}"
            raise self._failed(f"{self._action} failed, {ended}", last_lines(output))
        return {}

    def _systemd_state(self) -> dict[str, Any]:
        properties = "--property=LoadState,ActiveState"
        code, output = self._run(["systemctl", "show", properties, "--", self._name])
        lines = output.decode(errors="replace").splitlines()
        found = dict(line.partition("=")[::2] for line in lines)
        if code != 0 or found.get("LoadState") != "loaded":
            raise self._failed("there is no such service on the target", last_lines(output))
        return {"message": found.get("ActiveState", "unknown")}

    def _script_state(self) -> dict[str, Any]:
        code, output = self._run(self._by_script())
        if code not in _STATES:
            raise self._failed(f"its state cannot be told, exit code {code}", last_lines(output))
        return {"message": _STATES[code], "output": last_lines(output) if code else ""}

    def _by_script(self) -> list[str]:
        # Debian's `service` gives the script the environment that it has when the machine starts.
        if self._whole_machine:
            return ["service", self._script.name, self._action]
        return [os.fspath(self._script), self._action]

    def _run(self, command: list[str]) -> tuple[int, bytes]:
        path = ":".join(filter(None, (os.environ.get("PATH"), _SYSTEM_PATH)))
        environment = {**inherited_environment(), "PATH": path}
        try:
            return self._programs.run(command, cwd=Path("/"), environment=environment)
        except OSError as error:
            raise self._failed(os.strerror(error.errno or 0)) from error

    def _failed(self, why: str, output: str = "") -> Failure:
        return Failure("service-failed", f"service {self._name}: {why}", output)


# --- An order carried out by a process of another user --------------------------------------------

# Seconds above the order's timeout, at which the child itself gives up: it may have been stopped
# until the first, and is killed at the second. Transports wait for half a minute above it.
_GO_ON, _AT_MOST = 1.0, 20.0
_TO_END = 2.0  # seconds that it may take to end when it says nothing more

# Runs the whole agent, which comes over standard input: where it came from is often root's alone.
_START = """
import sys, types
agent = sys.modules["git_deploy"] = types.ModuleType("git_deploy")
exec(compile(sys.stdin.buffer.read(), "git_deploy.py", "exec"), agent.__dict__)
getattr(agent, sys.argv[1])(int(sys.argv[2]))
"""


class Channel:
    """JSON objects, one a line, between the two processes."""

    def __init__(self, end: socket.socket) -> None:
        self._end, self._received = end, b""

    def send(self, message: Mapping[str, Any], seconds: float = math.inf) -> None:
        """Raises socket.timeout when the other side does not take it within `seconds`."""
        self._wait_at_most(seconds)
        self._end.sendall(json.dumps(message).encode("ascii") + b"\n")

    def receive(self, seconds: float = math.inf) -> Optional[dict[str, Any]]:
        """What the other side says next; None when it has ended.

        Raises socket.timeout when it has not said it within `seconds`, and can be called again.
        """
        until = time.monotonic() + seconds
        while b"\n" not in self._received:
            self._wait_at_most(until - time.monotonic())
            chunk = self._end.recv(1 << 16)
            if not chunk:
                return None
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def _wait_at_most(self, seconds: float) -> None:
        # 0 would be not to wait at all, even for what is there.
        self._end.settimeout(None if seconds == math.inf else max(seconds, 0.01))


class _Forked:
    """A forked process, with what is needed of Popen's methods."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> Optional[int]:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


_Process = Union[_Forked, "subprocess.Popen[bytes]"]


def carry_out_as(
    account: Account,
    task: Mapping[str, Any],
    work: Callable[[int], None],
    help_out: Callable[[], Mapping[str, Any]],
    timeout: int,
) -> dict[str, Any]:
    """Let a process of the user do `work` on the task; its answer.

    `work` gets the descriptor of a socket, see `answer`, and is a function of the agent's own. The
    child may ask once for `help_out`, which is called here, by root: that is all that it can have
    of root. Raises Failure when the child is killed, or has no answer well after `timeout` seconds.
    """
    clock = Programs(timeout)
    here, there = socket.socketpair()
    with here:
        with there:
            process = _start(account, work, here, there)
        try:
            answer = _converse(_Child(process, Channel(here), clock), task, help_out)
        except BaseException as error:
            _end_of(process, 0)
            if isinstance(error, socket.timeout):
                raise clock.too_late() from None
            raise
        # Who has answered has nothing left to do.
        code = _end_of(process, _TO_END if answer is None else 0)
    if answer is None:
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}, and no answer"
        message = f"the process that carried the order out as {account.name} ended {how}"
        raise Failure("killed", message)
    return answer


class _Child:
    """The child as its parent hears it: not longer than the order may take, and a little more.

    What the release runs is of the child's user, and so can stop it whenever it likes.
    """

    def __init__(self, process: _Process, channel: Channel, clock: Programs) -> None:
        self._process, self._channel, self._clock = process, channel, clock

    def tell(self, message: Mapping[str, Any]) -> None:
        self._channel.send(message, self._clock.left() + _AT_MOST)

    def hear(self) -> Optional[dict[str, Any]]:
        """What the child says next; None when it has ended. Raises socket.timeout."""
        try:
            return self._channel.receive(self._clock.left() + _GO_ON)
        except socket.timeout:
            # Its time is up as well: if it was stopped, it ends now what it runs, and says so.
            os.kill(self._process.pid, signal.SIGCONT)
            return self._channel.receive(self._clock.left() + _AT_MOST)


def _end_of(process: _Process, seconds: float) -> int:
    """The exit code. A child that has not ended in `seconds`, or was stopped, is killed."""
    until = time.monotonic() + seconds
    while (code := process.poll()) is None:
        if time.monotonic() >= until:
            with contextlib.suppress(ProcessLookupError):  # until it has made itself a group
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            return process.wait()
        time.sleep(0.01)
    return code


def _converse(
    child: _Child, task: Mapping[str, Any], help_out: Callable[[], Mapping[str, Any]]
) -> Optional[dict[str, Any]]:
    with contextlib.suppress(ConnectionError):
        child.tell({"parent": os.getpid(), **task})
        message = child.hear()
        if message is not None and "answer" not in message:
            child.tell(help_out())
            message = child.hear()
        return message["answer"] if message else None
    return None


def answer(
    descriptor: int,
    carry_out: Callable[[Mapping[str, Any], Callable[[], dict[str, Any]]], Mapping[str, Any]],
) -> None:
    """The child's side: read the task, carry it out, send the answer."""
    with socket.socket(fileno=descriptor) as end:
        channel = Channel(end)

        def ask() -> dict[str, Any]:
            channel.send({})
            return channel.receive() or {}

        task = channel.receive()
        if task is not None:
            belong_to(task["parent"])
            channel.send({"answer": carry_out(task, ask)})


def _start(
    account: Account, work: Callable[[int], None], here: socket.socket, there: socket.socket
) -> _Process:
    """Fork, or where that is not safe run the agent anew.

    In a fork only the thread that called is left, and what the others had locked stays locked
    for good. The local transport has a thread for each target, Salt's minion has some of its own.
    """
    source = None if _is_alone() else _source()
    if source is not None:
        return _run_anew(account, source, work.__name__, there)
    # Python loads it when it is first used; then the user may not be able to reach its files.
    codecs.lookup("ascii")
    pid = os.fork()
    if pid == 0:
        _live_as(account, work, here, there)
    return _Forked(pid)


def _is_alone() -> bool:
    with contextlib.suppress(OSError):  # the kernel knows of threads that are not Python's too
        return len(list(Path("/proc/self/task").iterdir())) == 1
    return threading.active_count() == 1


def _live_as(
    account: Account, work: Callable[[int], None], here: socket.socket, there: socket.socket
) -> NoReturn:
    """The forked child."""
    code = 1
    try:
        here.close()
        os.setsid()  # a Ctrl-C at the terminal is for the parent
        account.become()
        work(there.detach())
        code = 0
    except Failure as failure:
        Channel(there).send({"answer": failure.told()})
    finally:
        os._exit(code)


def _source() -> Optional[bytes]:
    """The text of the agent as one file; None when it was read from standard input."""
    here = Path(str(globals().get("__file__", "")))
    own = here.name == "git_deploy.py"
    file = here if own else here.parent.parent / "salt" / "_modules" / "git_deploy.py"
    try:
        return file.read_bytes()
    except OSError:
        return None


def _run_anew(
    account: Account, source: bytes, work: str, there: socket.socket
) -> subprocess.Popen[bytes]:
    problem = ""
    for python in _pythons():
        try:
            process = subprocess.Popen(
                [python, "-I", "-c", _START, work, str(there.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(there.fileno(),),
                cwd="/",
                env=account.environment(os.environ),
                user=account.uid,
                group=account.gid,
                extra_groups=account.groups,
                umask=0o022,
                start_new_session=True,
            )
        except OSError as error:
            problem = os.strerror(error.errno or 0)
        else:
            with contextlib.suppress(BrokenPipeError), process.stdin or contextlib.nullcontext():
                assert process.stdin is not None
                process.stdin.write(source)
            return process
    raise Failure("permission", f"{account.name} can start no Python on the target: {problem}")


def _pythons() -> Iterator[str]:
    """This one, which may be in a place that only root can reach, and the system's."""
    if sys.executable:
        yield sys.executable
    system = shutil.which("python3", path=os.defpath)
    if system is not None:
        yield system


# --- Whether the place of a listed deployment is what the list says -------------------------------


def check_ground(place: Place, user: str) -> None:
    """Refuse a place that is reached through a symbolic link, or is not the user's. Raises Failure.

    `user` is whom this process runs as.

    Whoever can write into the place can change it after this. What protects the rest of the target
    then is that the agent is the listed user by now, and reaches nothing that the user could not.
    """
    here = Path(place.root or "/")
    for part in place.logical(os.fspath(place.directory)).split("/")[1:]:
        here = here / part
        _check_directory(here, place, user)
    _check_owner_of(place.directory, place, user)
    for directory in _own_directories(place):
        if _mode(directory) is not None:
            _check_directory(directory, place, user)
            _check_owner_of(directory, place, user)


def _own_directories(place: Place) -> tuple[Path, ...]:
    kinds = (place.releases, place.meta, place.index, place.staged.parent, place.state.parent)
    more = (place.lock.parent, place.adopted, place.trash.parent, place.shared.parent)
    slots = (place.trash, place.shared, place.git_directories)
    return (place.own, *kinds, *more, place.git_directories.parent, *slots, place.store)


def _check_directory(path: Path, place: Place, user: str) -> None:
    mode, shown = _mode(path), place.logical(os.fspath(path))
    if mode is None:
        where = place.logical(os.fspath(place.directory))
        make = f"install -d -o {user} {shlex.quote(where)}"
        raise Failure("directory-not-ready", f"{where} does not exist; on the target: {make}")
    if stat.S_ISLNK(mode):
        message = f"{shown} is a symbolic link; the list of the target and the order"
        raise Failure("path-leads-out", f"{message} have to name the directory itself")
    if not stat.S_ISDIR(mode):
        raise Failure("directory-not-ready", f"{shown} is not a directory")


def _check_owner_of(directory: Path, place: Place, user: str) -> None:
    if directory.lstat().st_uid == os.geteuid():
        return
    shown = place.logical(os.fspath(directory))
    deep = "" if directory == place.directory else "-R "
    command = f"chown {deep}{user}: {shlex.quote(shown)}"
    message = f"{shown} does not belong to {user}; on the target: {command}"
    raise Failure("directory-not-ready", message)


def _mode(path: Path) -> Optional[int]:
    try:
        return path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


# --- The object store of a repository -------------------------------------------------------------

_PACKS_BEFORE_MAINTENANCE = 50

_SETTINGS = {
    "core.attributesFile": "/dev/null",
    "core.autocrlf": "false",
    "core.fileMode": "true",
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "core.splitIndex": "false",
    "core.symlinks": "true",
    "core.untrackedCache": "false",
    "fetch.unpackLimit": "1",  # keep the pack: half the CPU of unpacking it
    "gc.auto": "0",
    "init.defaultBranch": "none",
    "init.defaultRefFormat": "files",
    "maintenance.auto": "false",
    "protocol.version": "2",
}
_FETCH = (
    *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"),
    "--no-recurse-submodules",
)


# The commands of which all output is read.
_WHOLE = ("cat-file", "config", "diff", "ls-files", "ls-remote", "ls-tree")


class Store:
    """The bare object store of a repository. Its refs are the tags of the releases held."""

    def __init__(self, place: Place, order: Order, programs: Programs) -> None:
        self.place, self.order, self.programs = place, order, programs
        self.path = place.store
        self.ref = f"refs/tags/{order.release}"

    def git(
        self,
        *arguments: str,
        store: Optional[Path] = None,
        tree: Optional[Path] = None,
        index: Optional[Path] = None,
        shallow: Optional[Path] = None,
        more: Optional[Mapping[str, str]] = None,
        stdin: bytes = b"",
    ) -> bytes:
        """Run git on the store, where given with a work tree and index. Raises GitFailed.

        `shallow` is a file with the commits whose trees a fetch says that it has, `more` are
        variables of its environment.
        """
        environment = {
            **inherited_environment(),
            **(more or {}),
            "GIT_DIR": os.fspath(store or self.path),
            "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
            "GIT_TERMINAL_PROMPT": "0",
        }
        if shallow is not None:
            environment["GIT_SHALLOW_FILE"] = os.fspath(shallow)
        if tree is not None and index is not None:
            environment["GIT_WORK_TREE"], environment["GIT_INDEX_FILE"] = str(tree), str(index)
            # What a tree looks like depends on the release only, not on this machine's settings.
            environment["GIT_CONFIG_NOSYSTEM"], environment["GIT_CONFIG_GLOBAL"] = "1", "/dev/null"
        return self._run(arguments, tree or self.place.own, environment, stdin)

    def _run(
        self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], stdin: bytes
    ) -> bytes:
        settings = [part for item in _SETTINGS.items() for part in ("-c", "=".join(item))]
        command = ["git", *settings, *arguments]
        whole = arguments[0] in _WHOLE
        try:
            code, output = self.programs.run(
                command,
                cwd=cwd,
                environment=environment,
                tail=sys.maxsize if whole else 1 << 16,
                stdin=stdin,
            )
        except FileNotFoundError:
            if shutil.which("git") is None:
                raise Failure("git-missing", ERRORS["git-missing"]) from None
            raise
        if code != 0:
            raise GitFailed(arguments[0], code, last_lines(output))
        return output

    def commit_of_ref(self) -> str:
        """The commit that the release's ref names, "" when there is no such ref."""
        try:
            value = (self.path / self.ref).read_text(encoding="ascii").strip()
        except (FileNotFoundError, NotADirectoryError):
            return ""
        if value == self.order.commit:
            return value
        with contextlib.suppress(GitFailed):  # an annotated tag, most likely
            found = self.git("rev-parse", "--verify", "--quiet", f"{self.ref}^{{commit}}")
            return found.decode("ascii").strip()
        return ""

    def bring(self) -> None:
        """Have the release's commit here, under its ref. Raises Failure, GitFailed."""
        if self.commit_of_ref() == self.order.commit:
            return
        if not self.order.url:
            raise Failure("fetch-failed", "the order has no url, and the release is not here yet")
        # Only this slot writes this ref, and nobody else has the slot's lock.
        (self.path / f"{self.ref}.lock").unlink(missing_ok=True)
        if any(record.commit == self.order.commit for record in self._held()):
            self._write_ref()  # the same once more: the order says which commit it is, not the url
            return
        self._fetch()
        self._insist()

    def _write_ref(self) -> None:
        """As git does, by renaming its lock."""
        lock = self.path / f"{self.ref}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text(f"{self.order.commit}\n", encoding="ascii")
        lock.replace(self.path / self.ref)

    def _fetch(self) -> None:
        """Fetch what the newest release of the repository that is held does not have.

        Releases have no common history, so git would send everything again. It looks into the trees
        of what the other side has only if that side is shallow: so we say that we are.
        """
        fetch = ("--", self.order.url, f"+{self.ref}:{self.ref}")
        newest = self._newest()
        if newest is None:
            self.git(*_FETCH, *fetch)
            return
        shallow = self.place.own / f".shallow-{self.order.slot}"
        shallow.write_text(f"{self._shallow()}{newest.commit}\n", encoding="ascii")
        try:
            tip = f"--negotiation-tip=refs/tags/{newest.release}"
            self.git(*_FETCH, tip, *fetch, shallow=shallow)
        finally:
            shallow.unlink(missing_ok=True)

    def fetch_histories(self, url: str, refspecs: Sequence[str]) -> None:
        """Fetch commits with their histories, as far as the other side has them."""
        newest = self._newest()
        ref = f"refs/submodules/{newest.release}" if newest else ""
        tip = [f"--negotiation-tip={ref}"] if ref and (self.path / ref).is_file() else []
        self.git(*_FETCH, "--update-shallow", *tip, "--", url, *refspecs)

    def _shallow(self) -> str:
        """The commits at which the histories of submodules end here, a line each."""
        try:
            return (self.path / "shallow").read_text(encoding="ascii")
        except FileNotFoundError:
            return ""

    def _newest(self) -> Optional[Release]:
        held = self._held()
        return held[-1] if held else None

    def _held(self) -> list[Release]:
        """The repository's releases whose commits are here, oldest first."""
        return [
            record
            for record in Records(self.place, self.order).releases()
            if record.repository == self.order.repository
            and (self.path / "refs" / "tags" / record.release).is_file()
        ]

    def _insist(self) -> None:
        found = self.commit_of_ref()
        if found == self.order.commit:
            return
        (self.path / self.ref).unlink(missing_ok=True)
        message = f"{self.order.release} is {found or 'no commit'} in the publish repository, "
        raise Failure("wrong-commit", f"{message}the order says {self.order.commit}")

    def make(self) -> None:
        """Have a store, which may be empty. The rename makes a half-made one impossible."""
        if (self.path / "HEAD").is_file():
            return
        with self._alone():
            if not (self.path / "HEAD").is_file():
                remove(self.path)
                self._new().rename(self.path)

    def _new(self) -> Path:
        new = self.path.with_name(f"{self.path.name}.new")
        remove(new)
        kind = "sha256" if len(self.order.commit) == 64 else "sha1"
        options = ("--quiet", "--bare", "--template=", f"--object-format={kind}")
        self.git("init", *options, store=new)
        return new

    def rebuild(self, also: Iterable[str]) -> None:
        """Replace the store by one fetched anew: the release, and of `also` what the url has."""
        kinds = ("tags", "submodules") if self.order.submodules == "update" else ("tags",)
        names = {self.order.release, *also}
        wanted = {f"refs/{kind}/{name}" for kind in kinds for name in names}
        with self._alone():
            refs = wanted & self.published(sorted(wanted))
            new = self._new()
            specs = [f"+{ref}:{ref}" for ref in sorted(refs)]
            self.git(*_FETCH, "--update-shallow", "--", self.order.url, *specs, store=new)
            damaged = self.place.trash / self.path.name
            remove(damaged)
            if lexists(self.path):
                self.path.rename(damaged)
            new.rename(self.path)
        remove_if_possible(damaged)

    def published(self, refs: Sequence[str]) -> set[str]:
        """Which of the refs the order's url has. Raises GitFailed when it does not answer."""
        answer = self.git("ls-remote", "--quiet", "--", self.order.url, *refs).decode("latin-1")
        return {line.partition("\t")[2] for line in answer.split("\n")} & set(refs)

    def tidy(self, kept: set[str]) -> None:
        """Remove refs of releases that are gone, and what a killed git left; not while in use."""
        with locked(self.place.store_lock, fcntl.LOCK_EX, 0) as lock:
            if lock is None:
                return
            for kind in ("tags", "submodules", "internal"):
                for ref in (self.path / "refs" / kind).glob("*"):
                    if ref.name not in kept:
                        ref.unlink(missing_ok=True)
            for left in (self.path / "objects" / "pack").glob("tmp_*"):
                left.unlink(missing_ok=True)

    def maintain(self) -> None:
        """Start `git gc` when packs have piled up. It goes to the background: nobody waits."""
        packs = os.listdir(self.path / "objects" / "pack")  # noqa: PTH208 - two hundred Path objects
        if sum(name.endswith(".pack") for name in packs) <= _PACKS_BEFORE_MAINTENANCE:
            return
        settings = {
            **_SETTINGS,
            "gc.auto": "6700",
            "gc.autoPackLimit": str(_PACKS_BEFORE_MAINTENANCE),
            "gc.autoDetach": "true",
            # Refs stay files, which `commit_of_ref` and `tidy` read and remove without git.
            "gc.packRefs": "false",
            # Not "now": a fetch that runs meanwhile may just have come to need an object again.
            "gc.pruneExpire": "1.day.ago",
        }
        command = [*(() if shutil.which("nice") is None else ("nice", "-n", "19")), "git"]
        command += [part for item in settings.items() for part in ("-c", "=".join(item))]
        self.programs.run(
            [*command, "gc", "--auto", "--quiet"],
            cwd=self.path,
            environment={**inherited_environment(), "GIT_DIR": os.fspath(self.path)},
            hold_lock=False,
        )

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Nobody deletes refs, or replaces the store, while this lasts."""
        with locked(self.place.store_lock, fcntl.LOCK_SH, self.programs.left()) as lock:
            if lock is None:
                raise Failure("busy", f"the object store of {self.order.repository} is locked")
            yield

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with locked(self.place.store_lock, fcntl.LOCK_EX, self.programs.left()) as lock:
            if lock is None:
                raise Failure("busy", f"the object store of {self.order.repository} is in use")
            yield


# --- Work trees that are exactly the release's ----------------------------------------------------


class Tree:
    """A work tree of the store, with an index of its own."""

    def __init__(self, path: Path, index: Path, store: Store) -> None:
        self.path, self.index, self.store = path, index, store
        self.place, self.order = store.place, store.order
        self.commit = self.order.commit

    def fill(self) -> None:
        """Bring every tracked file to the commit; only what differs is written."""
        # A killed git left it: we have the slot's lock, and git itself holds it while it lives.
        self.index.with_name(f"{self.index.name}.lock").unlink(missing_ok=True)
        self.path.mkdir(exist_ok=True)
        self._git("read-tree", "--reset", "-u", self.commit)

    def _git(self, *arguments: str) -> None:
        self.store.git(*arguments, tree=self.path, index=self.index)

    def remove_strangers(self) -> None:
        """Remove everything that is not in the commit.

        Counting proves that there is nothing to remove at a fraction of what `git clean` costs:
        after `fill` every entry of the index exists, so an equal number means no others do.
        """
        if self._is_exact():
            return
        self._git("clean", "-ffdxq")
        if not self._is_exact():
            for repository in list(_named(self.path, ".git", self._closed())):
                if os.fspath(repository) != self._unseen():
                    remove(repository)  # clean passes over these
        if not self._is_exact():
            message = "the staged tree has other files than the release; can its names be told"
            raise Failure("io-error", f"{message} apart on this file system?")

    def _is_exact(self) -> bool:
        with self.index.open("rb") as file:
            entries = int.from_bytes(file.read(12)[8:], "big")
        # An empty tree counts as one empty directory, which it is.
        return max(entries, 1) == _count(self.path, self._closed(), self._unseen())

    def _closed(self) -> frozenset[str]:
        """The directories inside that are one entry of the index each, whatever is in them."""
        return frozenset()

    def _unseen(self) -> str:
        """What is the tree's own without being in the commit; "" for nothing."""
        return ""

    def settle(self) -> None:
        """All files are right now; to be told before anybody else may change them."""

    def unplace(self, record: Release) -> None:
        """Remove the deploy file and the shared links that were put into an earlier release."""
        for path in filter(None, (record.deploy_file, *record.shared)):
            with contextlib.suppress(Failure, FileNotFoundError):
                where = self.parent_of(path, make=False) / path.rpartition("/")[2]
                if not is_real_directory(where):
                    where.unlink()

    def furnish(self) -> None:
        """Put the deploy file and the shared links where they belong."""
        if self.order.deploy_text:
            self._write_deploy_file()
        for path in self.order.shared:
            self._share(path)

    def _write_deploy_file(self) -> None:
        name = self.order.deploy_file
        where = self.parent_of(name) / name.rpartition("/")[2]
        if is_real_directory(where):
            raise Failure("release-refused", f"the release has a directory where {name} belongs")
        # Anew beside it, then renamed: never through a link, never half written in a live tree.
        temporary = where.with_name(f"{where.name}.sartoris-new")
        temporary.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, 0o666), "wb") as file:
            file.write(os.fsencode(self.order.deploy_text))
        temporary.replace(where)

    def _share(self, path: str) -> None:
        shared = self.place.shared / path
        where = self.parent_of(path) / path.rpartition("/")[2]
        text = os.path.relpath(shared, where.parent)
        if where.is_symlink() and os.fspath(where.readlink()) == text:
            return
        if lexists(shared):
            self._give_way(path, where)
        elif lexists(where):
            shared.parent.mkdir(parents=True, exist_ok=True)
            where.rename(shared)
        else:
            shared.mkdir(parents=True)
        where.symlink_to(text)

    def _give_way(self, path: str, where: Path) -> None:
        """Make room for a shared link; what is not the release's own is set aside, not lost."""
        if lexists(where) and self.path == self.place.path and self.has_untracked(path):
            self.place.set_aside(where)
        remove(where)

    def has_untracked(self, path: str) -> bool:
        """Whether there is a file at or below a path that is not in the index."""
        arguments = ("ls-files", "--others", "-z", "--", f":(literal){path}")
        return bool(self.store.git(*arguments, tree=self.path, index=self.index))

    def parent_of(self, path: str, *, make: bool = True) -> Path:
        """The directory inside this tree that holds `path`; reached through no symbolic link."""
        where = self.path
        for part in path.split("/")[:-1]:
            where = where / part
            if make and not lexists(where):
                where.mkdir()
            if not is_real_directory(where):
                message = f"{path} cannot be placed: a directory above it is a link or a file"
                raise Failure("release-refused", message)
        return where

    def differences(self, record: Release) -> list[tuple[str, str]]:
        """Status letter and path of each file whose content is not that of the record's commit."""
        placed = tuple(filter(None, (record.deploy_file, *record.shared)))
        return [
            (letter, path)
            for letter, path in self.changed(record.commit)
            if not any(path == one or path.startswith(one + "/") for one in placed)
        ]

    def changed(self, commit: str) -> list[tuple[str, str]]:
        """Status letter and path of each tracked file whose content is not the commit's.

        An index made afresh knows no times, so git reads every file.
        """
        with tempfile.TemporaryDirectory() as directory:
            fresh = Tree(self.path, Path(directory) / "index", self.store)
            fresh._git("read-tree", commit)
            options = ("--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules=all")
            answer = self.store.git(
                *("diff", "--name-status", "-z", *options), tree=self.path, index=fresh.index
            )
        fields = os.fsdecode(answer).split("\0")
        return list(zip(fields[::2], fields[1::2]))  # noqa: B905 - not in 3.9


def _count(tree: Path, closed: Collection[str], unseen: str) -> int:
    """How many files, links, empty and `closed` directories a tree has, without `unseen`.

    git has no empty directories, except the places of submodules, and those are index entries.
    """
    total, directories = 0, [os.fspath(tree)]
    while directories:
        here = 0
        with os.scandir(directories.pop()) as entries:
            for entry in entries:
                if entry.path == unseen:
                    continue
                here += 1
                if entry.is_dir(follow_symlinks=False) and entry.path not in closed:
                    directories.append(entry.path)
                    total -= 1
        total += max(here, 1)
    return total


def _named(tree: Path, name: str, closed: Collection[str]) -> Iterator[Path]:
    for directory, directories, files in os.walk(tree):
        directories[:] = [one for one in directories if f"{directory}/{one}" not in closed]
        if name in directories or name in files:
            yield Path(directory) / name


# --- Submodules of a release: which there are, and their commits in the store ---------------------

_SCHEMES = ("file", "git", "http", "https", "ssh")
_OBJECT = re.compile(r"^([0-9a-f]{40,64}) (commit|blob) (\S+)$", re.MULTILINE)
_GITLINK = re.compile(rb"160000 commit ([0-9a-f]{40,64})\t(.+)\Z", re.DOTALL)
# The carrier as the publish repository writes it: what is here already is then known by one name.
_CARRIER = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (
        ("NAME", "Sartoris"),
        ("EMAIL", "sartoris"),
        ("DATE", "@4102444800 +0000"),
    )
}


@dataclass(frozen=True, eq=False, repr=False)
class _Submodule:
    """A submodule at a path of the release. Without a `url` the publish repository carries it.

    Relative URLs that its own files name begin at `base`.
    """

    path: str
    commit: str
    url: str
    base: str


@dataclass(frozen=True, eq=False, repr=False)
class _Files:
    """The ids of a commit's .gitmodules and .gitmodules_internal, "" for none."""

    modules: str
    internal: str


class Submodules:
    """The submodules of commits in the store, at any depth.

    As for `git submodule update`, a commit without a `.gitmodules` has none.
    """

    def __init__(self, store: Store) -> None:
        self.store, self.order = store, store.order
        self._files: dict[str, _Files] = {}
        self._links: dict[str, dict[str, str]] = {}

    def of(self, commit: str) -> Mapping[str, str]:
        """The submodules that a commit records itself: paths and commits. Raises GitFailed."""
        if commit not in self._links:
            self._look([commit])
            if commit not in self._files:
                raise GitFailed("cat-file", 1, f"{commit} is missing")
            found = self._list(commit) if self._files[commit].modules else {}
            self._links[commit] = found
            self._look(found.values())  # they are asked for next, and one process is cheaper
        return self._links[commit]

    def bring(self, commit: str, release: str) -> None:
        """Have the commits of all submodules of a release here, and keep them.

        What is missing is fetched: from where a .gitmodules_internal says, else all at once from
        the publish repository. Raises Failure, GitFailed.
        """
        level = [_Submodule("", commit, "", self.order.url)]
        found: list[_Submodule] = []
        while level:
            level = [child for parent in level for child in self._children(parent)]
            self._obtain(level, release)
            found += level
        self._keep(f"refs/submodules/{release}", {one.commit for one in found if not one.url})
        self._keep(f"refs/internal/{release}", {one.commit for one in found if one.url})

    def _look(self, commits: Iterable[str]) -> None:
        """Learn which of the commits are here, and which files they have. One git process."""
        unknown = [commit for commit in dict.fromkeys(commits) if commit not in self._files]
        if not unknown:
            return
        names = ("", ":.gitmodules", ":.gitmodules_internal")
        asked = "".join(f"{commit}{name} {commit}{name}\n" for commit in unknown for name in names)
        form = "--batch-check=%(objectname) %(objecttype) %(rest)"
        answer = self.store.git("cat-file", form, stdin=asked.encode("ascii"))
        found = {name: id_ for id_, _, name in _OBJECT.findall(answer.decode(errors="replace"))}
        for commit in unknown:
            if commit in found:
                modules, internal = (found.get(f"{commit}{name}", "") for name in names[1:])
                self._files[commit] = _Files(modules, internal)

    def _list(self, commit: str) -> dict[str, str]:
        records = self.store.git("ls-tree", "-r", "-d", "-z", "--full-tree", commit).split(b"\0")
        links = filter(None, map(_GITLINK.search, records))
        return {os.fsdecode(link[2]): link[1].decode("ascii") for link in links}

    def _children(self, parent: _Submodule) -> list[_Submodule]:
        inside = f"{parent.path}/" if parent.path else ""
        links = self.of(parent.commit)
        urls = self._urls(parent) if links else {}
        return [
            _Submodule(
                f"{inside}{path}", commit, urls.get(path, ""), urls.get(path, self.order.url)
            )
            for path, commit in links.items()
        ]

    def _urls(self, parent: _Submodule) -> dict[str, str]:
        """What the parent's .gitmodules_internal says, by path."""
        internal = self._files[parent.commit].internal
        if not internal:
            return {}
        shown = f"{parent.path}/.gitmodules_internal".lstrip("/")
        try:
            listed = self.store.git("config", f"--blob={internal}", "--null", "--list")
        except GitFailed as failure:
            message = f"{shown} of {self.order.release} cannot be read"
            raise Failure("submodule-failed", message, failure.output) from failure
        sections: dict[str, dict[str, str]] = {}
        for setting in os.fsdecode(listed).split("\0"):
            key, _, value = setting.partition("\n")
            kind, _, rest = key.partition(".")
            name, _, variable = rest.rpartition(".")
            if kind == "submodule" and name:
                sections.setdefault(name, {})[variable] = value
        return {
            one["path"]: _checked(resolved(parent.base, one["url"]), shown)
            for one in sections.values()
            if "path" in one and "url" in one
        }

    def _obtain(self, submodules: Sequence[_Submodule], release: str) -> None:
        self._look(one.commit for one in submodules)
        missing = self._missing(submodules)
        if any(not one.url for one in missing):
            self._fetch_carried(release)
            self._look(one.commit for one in missing)
        by_url: dict[str, list[_Submodule]] = {}
        for one in missing:
            by_url.setdefault(one.url, []).append(one)
        for url, wanted in by_url.items():
            if url:
                self._fetch_from(url, wanted)
        lacking = self._missing(missing)
        if lacking:
            one = lacking[0]
            where = without_password(one.url or self.order.url)
            message = f"{where} does not have commit {one.commit} of the submodule {one.path}"
            raise Failure("submodule-failed" if one.url else "fetch-failed", message)

    def _missing(self, submodules: Sequence[_Submodule]) -> list[_Submodule]:
        return [one for one in submodules if one.commit not in self._files]

    def _fetch_carried(self, release: str) -> None:
        ref = f"refs/submodules/{release}"
        try:
            self.store.fetch_histories(self.order.url, [f"+{ref}:{ref}"])
        except GitFailed:
            if self.store.published([ref]):
                raise
            url = without_password(self.order.url)
            message = f"{url} does not have the submodules of {release}"
            raise Failure("fetch-failed", message) from None

    def _fetch_from(self, url: str, wanted: Sequence[_Submodule]) -> None:
        """Fetch just these commits; everything, from a server that gives out branches only."""
        with contextlib.suppress(GitFailed):
            self.store.fetch_histories(url, sorted({one.commit for one in wanted}))
            self._look(one.commit for one in wanted)
        if not self._missing(wanted):
            return
        here = f"refs/fetched/{self.order.slot}"
        try:
            specs = [f"+refs/{kind}/*:{here}/{kind}/*" for kind in ("heads", "tags")]
            self.store.fetch_histories(url, specs)
        except GitFailed as failure:
            paths = ", ".join(one.path for one in wanted)
            message = f"{without_password(url)} does not give the submodule {paths}"
            raise Failure("submodule-failed", message, failure.output) from failure
        finally:
            remove(self.store.path / here)
        self._look(one.commit for one in wanted)

    def _keep(self, ref: str, commits: Iterable[str]) -> None:
        """Let a ref reach the commits: what no ref reaches goes, sooner or later."""
        path, parents = self.store.path / ref, sorted(set(commits))
        if not parents or path.is_file():
            return
        tree = self.store.git("hash-object", "-t", "tree", "-w", "--stdin").decode().strip()
        options = [option for parent in parents for option in ("-p", parent)]
        setting = ("-c", "i18n.commitEncoding=UTF-8")
        message = ("-m", "Submodules of a release")
        made = self.store.git(*setting, "commit-tree", tree, *options, *message, more=_CARRIER)
        _write_ref(path, made.decode("ascii").strip())


def resolved(base: str, url: str) -> str:
    """The URL, where it begins with ./ or ../ as seen from `base`, as git sees it."""
    if not url.startswith(("./", "../")):
        return url
    base, separator = base.rstrip("/"), "/"
    while url.startswith(("./", "../")):
        up, _, url = url.partition("/")
        if up == "..":
            # As in HOST:PATH, where the last part of a path without a slash begins at the colon.
            cut = max(base.rfind("/"), base.rfind(":") if "/" not in base else -1)
            separator = base[cut] if cut >= 0 else "/"
            base = base[: max(cut, 0)]
    return f"{base}{separator}{url}".rstrip("/")


def _checked(url: str, shown: str) -> str:
    scheme, colons, _ = url.partition("://")
    control = re.search(r"[\x00-\x1f\x7f]", url)
    helper = re.match(r"[A-Za-z0-9+.-]*::", url)
    if not url or url.startswith("-") or control or helper or (colons and scheme not in _SCHEMES):
        message = f"{shown} names {without_password(url)!r}, which is not a URL that is used"
        raise Failure("submodule-failed", message)
    return url


def _write_ref(path: Path, commit: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.lock")
    temporary.write_text(f"{commit}\n", encoding="ascii")
    temporary.replace(path)


# --- Work trees with real submodules: each is a repository of its own, on its recorded commit -----

_TICK = 0.011  # seconds; what changes after this has another time than what was before


class RealTree(Tree):
    """A work tree with a git directory. `inside` is the path of a submodule, "" for the release."""

    def __init__(
        self,
        path: Path,
        git_directory: Path,
        commit: str,
        submodules: Submodules,
        inside: str = "",
    ) -> None:
        super().__init__(path, git_directory / "index", submodules.store)
        self.commit, self.git_directory, self.inside = commit, git_directory, inside
        self._submodules = submodules
        self._state_file = git_directory / "sartoris.json"
        self._filled = False

    @cached_property
    def parts(self) -> list[RealTree]:
        """The submodules that the commit records. Raises GitFailed."""
        return [self._part(path, commit) for path, commit in self._links().items()]

    def _links(self) -> dict[str, str]:
        return dict(self._submodules.of(self.commit))

    def _part(self, path: str, commit: str) -> RealTree:
        inside = f"{self.inside}/{path}" if self.inside else path
        directory = self.git_directory / "modules" / _key(path)
        return RealTree(self.path / path, directory, commit, self._submodules, inside)

    def fill(self) -> None:
        """Bring every tracked file to its commit, here and in the submodules."""
        self._filled = True
        self._make_git_directory()
        self._drop_former()
        self._remember(fingerprint="")
        self._fill_own()
        self._point()
        for part in self.parts:
            part.bring(self)

    def _fill_own(self) -> None:
        try:
            super().fill()
        except GitFailed as failure:
            if not self.inside:
                raise
            raise SubmoduleFailed(self.inside, failure) from failure

    def bring(self, parent: Tree) -> None:
        """Fill this submodule, unless it is as it was left when it was filled last."""
        parent.parent_of(os.path.relpath(self.path, parent.path))
        if self._is_as_left():
            for part in self.parts:
                part.bring(self)
            return
        if not is_real_directory(self.path):
            remove(self.path)
        self.path.mkdir(exist_ok=True)
        self.fill()

    def remove_strangers(self) -> None:
        if self._filled:
            super().remove_strangers()
        for part in self.parts:
            part.remove_strangers()

    def settle(self) -> None:
        """Remember what all files look like, now that they are right."""
        filled = [part for part in self._all_parts() if part._filled]
        if filled:
            time.sleep(_TICK)
        for part in filled:
            part._remember(fingerprint=_fingerprint(part.path, part._closed()))

    def _all_parts(self) -> Iterator[RealTree]:
        for part in self.parts:
            yield part
            yield from part._all_parts()

    def _remember(self, fingerprint: str) -> None:
        state = {"commit": self.commit, "links": self._links(), "fingerprint": fingerprint}
        write_json(self._state_file, state)

    def _is_as_left(self) -> bool:
        state = read_json(self._state_file)
        return (
            state.get("commit") == self.commit
            and _text_of(self.git_directory / "HEAD") == f"{self.commit}\n"
            and _text_of(self.path / ".git") == self._pointer()
            and state.get("fingerprint", "") != ""
            and state["fingerprint"] == _fingerprint(self.path, self._closed())
        )

    def _make_git_directory(self) -> None:
        directory, store = self.git_directory, self.store.path
        if not (directory / "HEAD").is_file():
            (directory / "objects" / "info").mkdir(parents=True, exist_ok=True)
            (directory / "refs").mkdir(exist_ok=True)
            (directory / "config").write_text(self._config(), encoding="ascii")
            objects = os.path.relpath(store / "objects", directory / "objects")
            (directory / "objects/info/alternates").write_bytes(os.fsencode(f"{objects}\n"))
        if (store / "shallow").is_file():
            (directory / "shallow").write_bytes((store / "shallow").read_bytes())

    def _config(self) -> str:
        sha256 = len(self.commit) == 64
        core = f"[core]\n\trepositoryformatversion = {sha256:d}\n\tbare = false\n"
        extension = "[extensions]\n\tobjectFormat = sha256\n" if sha256 else ""
        return f"{core}{extension}[submodule]\n\tactive = .\n"

    def _pointer(self) -> str:
        return f"gitdir: {os.path.relpath(self.git_directory, self.path)}\n"

    def _point(self) -> None:
        """Make this a checkout of the commit, for whoever runs git in it."""
        where = self.path / ".git"
        if _text_of(where) != self._pointer():
            if self._is_live and is_real_directory(where):
                self.place.set_aside(where)
            remove(where)
            where.write_text(self._pointer(), encoding="ascii")
        (self.git_directory / "HEAD").write_text(f"{self.commit}\n", encoding="ascii")

    def _drop_former(self) -> None:
        """Remove the submodules that an earlier commit had, and this one has not."""
        former = read_json(self._state_file).get("links", {})
        for path in set(former) - set(self._links()):
            self.drop(path, str(former[path]))

    def drop(self, path: str, commit: str) -> None:
        """Remove a submodule; in a live tree, what is not its own is set aside with it."""
        part = self._part(path, commit)
        with contextlib.suppress(Failure, FileNotFoundError):
            self.parent_of(path, make=False)
            if self._is_live and part.has_strangers():
                self.place.set_aside(part.path)
            remove(part.path)
        remove(part.git_directory)

    def has_strangers(self) -> bool:
        if not self.index.is_file() or not self.path.is_dir():
            return lexists(self.path)
        former = read_json(self._state_file).get("links", {})
        parts = [self._part(path, commit) for path, commit in former.items()]
        own = self.store.git("ls-files", "--others", "-z", tree=self.path, index=self.index)
        inside = tuple(os.fsencode(f"{path}/") for path in former)
        others = [one for one in own.split(b"\0") if one and not one.startswith(inside)]
        return bool(others) or any(part.has_strangers() for part in parts)

    def has_untracked(self, path: str) -> bool:
        for part in self.parts:
            start = f"{os.path.relpath(part.path, self.path)}/"
            if path.startswith(start):
                return part.has_untracked(path[len(start) :])
        return super().has_untracked(path)

    @property
    def _is_live(self) -> bool:
        return self.place.path == self.path or self.place.path in self.path.parents

    def _closed(self) -> frozenset[str]:
        return frozenset(os.fspath(part.path) for part in self.parts)

    def _unseen(self) -> str:
        return os.fspath(self.path / ".git")

    def changed(self, commit: str) -> list[tuple[str, str]]:
        if not self.path.is_dir():
            return [("D", ".")]
        found = super().changed(commit)
        if _text_of(self.path / ".git") != self._pointer():
            found.append(("M" if lexists(self.path / ".git") else "D", ".git"))
        for part in self.parts:
            path = os.path.relpath(part.path, self.path)
            found += [(how, f"{path}/{name}") for how, name in part.changed(part.commit)]
        return found


def tree_for(path: Path, index: Path, submodules: Submodules) -> Tree:
    """The tree at `path`, to be filled as the order says: with a git directory or without one.

    `index` is the index of a tree that has none.
    """
    store = submodules.store
    if store.order.submodules == "update":
        return _with_git_directory(path, index, submodules)
    _without_git_directory(path, index, submodules)
    return Tree(path, index, store)


def _with_git_directory(path: Path, index: Path, submodules: Submodules) -> RealTree:
    place = submodules.store.place
    directory = git_directory_of(path, place)
    if directory is None:
        directory = _new_git_directory(place)
        with contextlib.suppress(FileNotFoundError):
            index.replace(directory / "index")
    return RealTree(path, directory, submodules.order.commit, submodules)


def tree_to_read(path: Path, record: Release, submodules: Submodules) -> RealTree:
    """The tree of a release, as it is."""
    place = submodules.store.place
    directory = git_directory_of(path, place) or place.git_directories / "none"
    return RealTree(path, directory, record.commit, submodules)


def _without_git_directory(path: Path, index: Path, submodules: Submodules) -> None:
    """Remove the git directory of the tree at `path`, and its submodules with their files."""
    directory = git_directory_of(path, submodules.store.place)
    if directory is None:
        return
    state = read_json(directory / "sartoris.json")
    tree = RealTree(path, directory, str(state.get("commit", "")), submodules)
    for name, commit in state.get("links", {}).items():
        tree.drop(name, str(commit))
    with contextlib.suppress(FileNotFoundError):
        (directory / "index").replace(index)
    (path / ".git").unlink()
    remove(directory)


def git_directory_of(tree: Path, place: Place) -> Optional[Path]:
    """The git directory that a tree's `.git` file names, if it is one of the slot's."""
    text = _text_of(tree / ".git")
    if not text.startswith("gitdir: "):
        return None
    found = Path(os.path.normpath(tree / text[len("gitdir: ") :].rstrip("\n")))
    return found if found.parent == place.git_directories and is_real_directory(found) else None


def remove_unused_git_directories(place: Place) -> None:
    """Remove the slot's git directories whose tree is gone."""
    if not place.git_directories.is_dir():
        return
    trees = [place.staged, place.path, *place.releases.iterdir()]
    used = {git_directory_of(tree, place) for tree in trees}
    for directory in list(place.git_directories.iterdir()):
        if directory not in used:
            remove(directory)


def _new_git_directory(place: Place) -> Path:
    place.git_directories.mkdir(parents=True, exist_ok=True)
    number = 1
    while lexists(place.git_directories / str(number)):
        number += 1
    directory = place.git_directories / str(number)
    directory.mkdir()
    return directory


def _key(path: str) -> str:
    """A name for the submodule at a path: one component, whatever is in the path."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:20]


def _text_of(path: Path) -> str:
    """What is in a file that is no link; "" where there is none."""
    if path.is_symlink():
        return ""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ""


def _fingerprint(directory: Path, closed: Collection[str]) -> str:
    """A digest of the names, times and sizes in a directory; `closed` directories by name only."""
    digest, waiting = hashlib.sha256(), [os.fspath(directory)]
    while waiting:
        here = waiting.pop()
        digest.update(b"\0")
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return ""
        for entry in entries:
            digest.update(os.fsencode(entry.name) + b"\0")
            if not entry.is_dir(follow_symlinks=False):
                facts = entry.stat(follow_symlinks=False)
                times = (facts.st_mtime_ns, facts.st_ctime_ns)
                digest.update(repr((facts.st_ino, facts.st_mode, facts.st_size, times)).encode())
            elif entry.path not in closed:
                waiting.append(entry.path)
    return digest.hexdigest()


# --- The programs that a release brings along for its targets -------------------------------------


def run_hooks(kind: str, tree: Path, order: Order, place: Place, programs: Programs) -> bool:
    """Run the release's deploy/target/KIND.* in name order; whether there were any."""
    hooks = hooks_in(tree, kind)
    environment = {
        **inherited_environment(),
        "GIT_DEPLOY_RELEASE": order.release,
        "GIT_DEPLOY_COMMIT": order.commit,
        "GIT_DEPLOY_SLOT": order.slot,
        "GIT_DEPLOY_REPOSITORY": order.repository,
        "GIT_DEPLOY_PATH": os.fspath(place.path),
    }
    for hook in hooks:
        _run_hook(hook, kind, tree, environment, programs)
    return bool(hooks)


def hooks_in(tree: Path, kind: str) -> list[Path]:
    """The deploy/target/KIND.* of the release in `tree`, in the order in which they run."""
    directory = tree / "deploy" / "target"
    if not directory.is_dir():
        return []
    return [hook for hook in sorted(directory.iterdir()) if _is_hook(hook, kind)]


def _is_hook(path: Path, kind: str) -> bool:
    named = path.name.startswith(f"{kind}.") and not path.name.endswith((".bak", "~"))
    return named and path.is_file() and os.access(path, os.X_OK)


def _run_hook(
    hook: Path, kind: str, tree: Path, environment: Mapping[str, str], programs: Programs
) -> None:
    shown = f"deploy/target/{hook.name}"
    try:
        # A live hook may start a service that stays: it must not keep the slot locked.
        command, hold = [os.fspath(hook)], kind == "prepare"
        code, output = programs.run(command, cwd=tree, environment=environment, hold_lock=hold)
    except OSError as error:
        message = f"{shown} cannot be started: {os.strerror(error.errno or 0)}"
        raise Failure(f"{kind}-failed", message) from error
    if code != 0:
        ended = f"exited with {code}" if code > 0 else f"was ended by signal {-code}"
        raise Failure(f"{kind}-failed", f"{shown} {ended}", last_lines(output))


# --- The actions, and how they recover from a damaged store ---------------------------------------

_CHANGED_AT_MOST = 100


class Slot:
    """One slot on this target, and what an order may ask of it. The modes are its subclasses.

    `act` does the order's action on its service.
    """

    def __init__(
        self, order: Order, raw: Mapping[str, Any], root: str, act: Callable[[], object]
    ) -> None:
        self.order, self.raw, self._act = order, raw, act
        self.place = Place(order, root)
        self.records = Records(self.place, order)
        self.programs = Programs(order.timeout)
        self.store = Store(self.place, order, self.programs)
        self.submodules = Submodules(self.store)

    def carry_out(self) -> dict[str, Any]:
        """Do what the order says; more fields for the outcome. Raises Failure, OSError."""
        action = self.order.action
        if action == "status":
            return {}
        if action == "verify":
            return self.verify()
        if action != "fetch" and not self.place.own.is_dir():
            return self._without_anything()
        self.place.make()
        with locked(self.place.lock, fcntl.LOCK_EX, self.programs.timeout) as self.programs.lock:
            if self.programs.lock is None:
                message = f"another order holds slot {self.order.slot}"
                raise Failure("busy", f"{message}; waited {self.order.timeout} s")
            if self.order.catch_up:
                self._refuse_superseded()
            {"fetch": self.fetch, "switch": self.switch, "withdraw": self.withdraw}[action]()
        return {}

    def _refuse_superseded(self) -> None:
        """Whoever tells a target what it missed may have missed something, too."""
        state = self.records.state()
        decided = state.get("order", {}).get("decided", 0)
        if decided > self.order.decided and state.get("release") != self.order.release:
            message = f"{state['release']} was ordered later than {self.order.release}"
            raise Failure("superseded", message)

    def _without_anything(self) -> dict[str, Any]:
        if self.order.action == "switch":
            raise self.not_held()
        return {}

    def fetch(self) -> None:
        """Have the release complete on disk, beside the live one."""
        self.check_path()
        if self.records.holds(self.order.release, self.order.commit):
            return
        self._refuse_conflict()
        try:
            self.repairing(self.obtain)
        except (Failure, OSError) as failure:
            self.clean_up(failure)
            raise
        with contextlib.suppress(OSError):
            self._prune()

    def repairing(self, step: Callable[[], None]) -> None:
        """Take a step that uses the store; if the store is the reason it fails, once more."""
        try:
            self.store.make()
            with self.store.in_use():
                step()
        except GitFailed as failure:
            self._diagnose(failure)
            self.clean_up(failure)
            self._repair(failure)
            try:
                with self.store.in_use():
                    step()
            except GitFailed as again:
                raise self._corrupt(again) from again

    def _diagnose(self, failure: GitFailed) -> None:
        """Raise Failure or OSError for why git failed; return when it must be the store."""
        reserve(self.place.own / f".probe-{self.order.slot}", max(self.order.size, MEBIBYTE))
        if not self.order.url:
            raise self._corrupt(failure) from failure
        try:
            published = self.store.published([self.store.ref])
        except GitFailed as unreachable:
            message = f"{without_password(self.order.url)} does not answer"
            raise Failure("fetch-failed", message, unreachable.output) from failure
        if not published:
            url = without_password(self.order.url)
            message = f"{url} does not have {self.order.release}"
            raise Failure("fetch-failed", message, failure.output) from failure

    def _repair(self, failure: GitFailed) -> None:
        stored = [one for one in self.records.releases() if one.repository == self.order.repository]
        try:
            self.store.rebuild(record.release for record in stored)
        except GitFailed as again:
            reserve(self.place.own / f".probe-{self.order.slot}", MEBIBYTE)
            raise self._corrupt(again) from failure
        self.submodules = Submodules(self.store)
        for record in stored:
            if record.submodules == "update":
                with contextlib.suppress(GitFailed, Failure):
                    self.submodules.bring(record.commit, record.release)

    def bring(self) -> None:
        """Have the release in the store, with its submodules where they are real."""
        self.store.bring()
        if self.order.submodules == "update":
            self.submodules.bring(self.order.commit, self.order.release)

    def _corrupt(self, failure: GitFailed) -> Failure:
        if isinstance(failure, SubmoduleFailed):
            message = f"the submodule {failure.path} cannot be brought to its commit"
            return Failure("submodule-failed", message, failure.output)
        message = f"the object store of {self.order.repository} is damaged: {failure}"
        return Failure("corrupt-store", message, failure.output)

    def _refuse_conflict(self) -> None:
        order, record = self.order, self.records.release(self.order.release)
        if record is None or not self.records.stands(record):
            return
        same = (order.slot, order.repository, order.commit)
        if (record.slot, record.repository, record.commit) != same:
            message = f"{order.release} is held already: {record.commit} of {record.repository}"
            raise Failure("conflict", f"{message} in {record.slot}")

    def clean_up(self, failure: Exception) -> None:
        """After a failed fetch: give space back, leave the live release as it is."""
        del failure

    def _prune(self) -> None:
        """Remove the slot's releases beyond keep, and what deaths of the agent have left."""
        remove_if_possible(*self.place.trash.iterdir())
        gone = self.records.beyond_keep() + self.records.fallen(self.order.slot)
        for record in gone:
            tree = self.place.releases / record.release
            if record.mode == "atomic" and lexists(tree):
                # First of all out of releases/: what stands there is complete.
                tree.rename(self.place.trash / record.release)
            remove_if_possible(self.place.index / record.release)
            (self.place.meta / f"{record.release}.json").unlink(missing_ok=True)
        self.store.tidy({record.release for record in self.records.releases()})
        remove_unused_git_directories(self.place)
        remove_if_possible(*self.place.trash.iterdir())

    def record_switch(self, was: str, **more: object) -> None:
        """Write down what is about to be live, and what was."""
        previous = self.records.previous(was)
        again = was == self.order.release
        state = {
            "version": VERSION,
            "mode": self.order.switch,
            "release": self.order.release,
            "previous": previous if again else was,
            "earlier": previous,
            "when": time.time(),
            "order": dict(self.raw),
            "service": "due" if self.order.service else "",
            **more,
        }
        write_json(self.place.state, state, durable=self.order.switch == "in-place")

    def after_switch(self, tree: Path) -> None:
        """Act on the service and run the release's live hooks, each once; keep the store small."""
        state = self.records.state()
        if state.get("service") == "due":
            # First of all: until then the service may still run what was live before.
            if self.order.service:  # a site may have taken it out since, to get on without
                self._act()
            state["service"] = "done"
            write_json(self.place.state, state)
        with contextlib.suppress(OSError, Failure):
            self.store.maintain()
        if state.get("hooks") == "done":
            return
        if run_hooks("live", tree, self.order, self.place, self.programs):
            write_json(self.place.state, {**state, "hooks": "done"})

    def due(self, live: str) -> list[str]:
        """What a switch to the `live` release would run: `service`, `hooks`."""
        if not live:
            return []
        state = self.records.state()
        if state.get("release") != live:
            # The record of its switch is lost (a power cut), and with it what was done.
            state = {"service": "due" if self.order.service else ""}
        due = ["service"] if state.get("service") == "due" else []
        # A release without live hooks leaves "due" in its record, for nothing.
        if state.get("hooks") != "done" and hooks_in(self.place.path, "live"):
            due.append("hooks")
        return due

    def not_held(self) -> Failure:
        message = f"{self.order.release} with commit {self.order.commit} is not held here"
        return Failure("not-held", message)

    def verify(self) -> dict[str, Any]:
        """Compare the live tree with its commit, by content."""
        live = self.records.live()
        if not live:
            return {}
        record = self.records.release(live)
        if record is None:
            raise Failure("not-held", f"{live} is live, but there is no record of its commit")
        tree = self.tree_of(record)
        if record.submodules == "update":
            tree = tree_to_read(tree.path, record, self.submodules)
        if not tree.path.is_dir():
            return {"complete": False}
        try:
            found = tree.differences(record)
        except GitFailed as failure:
            raise self._corrupt(failure) from failure
        changed = sorted(path for _, path in found)[:_CHANGED_AT_MOST]
        return {"complete": all(letter != "D" for letter, _ in found), "changed": changed}

    def check_path(self) -> None:
        raise NotImplementedError

    def obtain(self) -> None:
        raise NotImplementedError

    def switch(self) -> None:
        raise NotImplementedError

    def withdraw(self) -> None:
        raise NotImplementedError

    def tree_of(self, record: Release) -> Tree:
        raise NotImplementedError


# --- Slots that switch by renaming a link ---------------------------------------------------------


class AtomicSlot(Slot):
    """The path is a link to the live release; switching is one rename(2)."""

    def check_path(self) -> None:
        path, order = self.place.path, self.order
        if not lexists(path) or self.place.linked_release():
            return
        if path.is_symlink():
            if not order.adopt:
                raise Failure("path-is-foreign-link", f"{order.path} is a link of somebody else's")
        elif not path.is_dir():
            raise Failure("path-is-file", f"{order.path} is a file")
        elif not order.adopt:
            raise Failure("path-is-directory", f"{order.path} is a directory, and was not adopted")

    def obtain(self) -> None:
        """Stage the release; the last rename says that it is complete."""
        place, order = self.place, self.order
        self.bring()
        tree = self._base()
        tree.fill()
        tree.remove_strangers()
        tree.settle()
        tree.furnish()
        run_hooks("prepare", tree.path, order, place, self.programs)
        self.records.write()
        sync_file_system(place.own)
        with contextlib.suppress(FileNotFoundError):  # it is in the tree's git directory
            place.staged_index.replace(place.index / order.release)
        place.staged.rename(place.releases / order.release)

    def _base(self) -> Tree:
        """The tree to start from: what a dead agent left, the release to be pruned next, or none.

        A release differs little from the next one, so bringing an old tree there costs what a
        checkout in place costs. Any content will do: `Tree.fill` looks at every file.
        """
        place = self.place
        self._clear_the_way()
        spare = [] if lexists(place.staged) else self.records.beyond_keep(extra=1)
        if spare:
            self._take_over(spare[0])
            Tree(place.staged, place.staged_index, self.store).unplace(spare[0])
        elif not lexists(place.staged):
            place.staged_index.unlink(missing_ok=True)
        return tree_for(place.staged, place.staged_index, self.submodules)

    def _clear_the_way(self) -> None:
        """Somebody removed the record of a release with this name; then it counts for nothing."""
        unrecorded = self.place.releases / self.order.release
        if not lexists(unrecorded):
            return
        if self.records.live() == self.order.release:
            message = f"{self.order.release} is live, but there is no record of its commit"
            raise Failure("conflict", message)
        remove(self.place.trash / unrecorded.name)
        unrecorded.rename(self.place.trash / unrecorded.name)

    def _take_over(self, record: Release) -> None:
        place = self.place
        (place.releases / record.release).rename(place.staged)
        with contextlib.suppress(FileNotFoundError):
            (place.index / record.release).replace(place.staged_index)
        (place.meta / f"{record.release}.json").unlink(missing_ok=True)

    def clean_up(self, failure: Exception) -> None:
        """What was staged goes, except where it is a good start for the next attempt."""
        if isinstance(failure, Failure) and failure.error in ("prepare-failed", "timeout"):
            return
        place = self.place
        remove_if_possible(place.staged, place.staged_index)
        with contextlib.suppress(OSError):
            remove_unused_git_directories(place)
            self.store.tidy({record.release for record in self.records.releases()})

    def switch(self) -> None:
        order, place = self.order, self.place
        if not self.records.holds(order.release, order.commit):
            raise self.not_held()
        self.check_path()
        live = self.records.live()
        if live != order.release or self.records.state().get("release") != live:
            self.record_switch(live, hooks="due", replaced=self._foreign_link())
            self._point_link()
        self.after_switch(place.releases / order.release)

    def _foreign_link(self) -> str:
        path = self.place.path
        foreign = path.is_symlink() and not self.place.linked_release()
        return os.fspath(path.readlink()) if foreign else ""

    def _point_link(self) -> None:
        place = self.place
        link = place.state.parent / f".{self.order.slot}.link"
        link.unlink(missing_ok=True)
        link.symlink_to(f".sartoris/releases/{self.order.release}")
        if is_real_directory(place.path):
            place.set_aside(place.path)
        link.replace(place.path)
        # The switch has happened; what is answered must also be true after a power cut.
        sync_directory(place.directory)

    def withdraw(self) -> None:
        """Take the live link away, when it is the order's release or the order names none."""
        live = self.place.linked_release()
        if not live or self.order.release not in ("", live):
            return
        write_json(self.place.state, {"version": VERSION, "mode": "atomic", "when": time.time()})
        self.place.path.unlink()

    def tree_of(self, record: Release) -> Tree:
        return Tree(self.place.releases / record.release, self.place.index, self.store)


# --- Slots that switch by a checkout in one work tree ---------------------------------------------


class InPlaceSlot(Slot):
    """The path is one work tree; switching is a checkout there. Prepare hooks never run."""

    def check_path(self) -> None:
        path, order = self.place.path, self.order
        if path.is_symlink():
            raise Failure("path-is-link", f"{order.path} is a link; in-place needs a directory")
        if not lexists(path):
            return
        if not path.is_dir():
            raise Failure("path-is-file", f"{order.path} is a file")
        ours = self.records.state().get("mode") == "in-place" or not any(path.iterdir())
        if not ours and not order.adopt:
            raise Failure("path-is-directory", f"{order.path} is a directory, and was not adopted")

    def obtain(self) -> None:
        self.bring()
        self.records.write()

    def switch(self) -> None:
        order, place = self.order, self.place
        if not self.records.holds(order.release, order.commit):
            raise self.not_held()
        self.check_path()
        live = self.records.live()
        self.record_switch(live, live=live, hooks="due")
        self.repairing(self._check_out)
        state = {**self.records.state(), "live": order.release}
        write_json(place.state, state, durable=True)
        self.after_switch(place.path)

    def _check_out(self) -> None:
        tree = tree_for(self.place.path, self.place.in_place_index, self.submodules)
        tree.fill()
        tree.settle()
        tree.furnish()

    def withdraw(self) -> None:
        message = "withdraw makes no sense in-place: there is no earlier state to go back to"
        raise Failure("bad-order", message)

    def tree_of(self, record: Release) -> Tree:
        del record
        return Tree(self.place.path, self.place.in_place_index, self.store)


# --- An order comes in, an outcome goes out -------------------------------------------------------

_SLOTS: dict[str, type[Slot]] = {"atomic": AtomicSlot, "in-place": InPlaceSlot}

_CAUSES = {
    errno.ENOSPC: ("no-space", "the file system is full"),
    errno.EDQUOT: ("no-space", "the quota is used up"),
    errno.EROFS: ("read-only", "the file system is read-only"),
    errno.EACCES: ("permission", "no permission to write there"),
    errno.EPERM: ("permission", "no permission to write there"),
}


def _from_os_error(error: OSError, slot: Slot) -> Failure:
    """The same message on all targets; what differs between them goes to the output."""
    code = error.errno or 0
    word, what = _CAUSES.get(code, ("io-error", os.strerror(code)))
    if word == "io-error":
        named = os.fsdecode(error.filename) if error.filename else str(slot.place.own)
        return Failure(word, f"{what}: {slot.place.logical(named)}")
    message = f"{slot.order.path}: {what}"
    if word != "no-space":
        return Failure(word, message)
    needed = f"{max(slot.order.size, MEBIBYTE) / MEBIBYTE:.0f} MiB may be needed"
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(slot.place.own).free / MEBIBYTE
        return Failure(word, f"{message}; {needed}", f"{free:.1f} MiB are free")
    return Failure(word, f"{message}; {needed}")


def _attempt(raw: Any, root: str) -> dict[str, Any]:
    """Carry out the order, as whom the target's list says; fields for the outcome."""
    try:
        order = parse(raw)
        account = permitted(order, root)
        act = Service(order, root).act
        if order.action == "service":
            return act()
        user = "" if account is None else account.name
        if account is None or os.geteuid() != 0:
            return _in_slot(order, raw, root, act, user)
        task = {"order": raw, "root": root, "user": user}
        # The order was checked here; what the child says cannot make another one of it.
        switches = order.action == "switch" and order.service
        helping = act if switches else dict
        work = carry_out_for_parent
        return carry_out_as(account, task, work, lambda: _guarded(helping), order.timeout)
    except Failure as failure:
        return failure.told()


def carry_out_for_parent(descriptor: int) -> None:
    """Carry out the order of the process at the other end of a socket, as the user that we are."""
    answer(descriptor, lambda task, ask: _guarded(lambda: _for_parent(task, ask)))


def _for_parent(task: Mapping[str, Any], ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    def act() -> None:
        done = ask()
        if not done.get("ok", True):
            raise Failure(done["error"], done["message"], done["output"])

    return _in_slot(parse(task["order"]), task["order"], task["root"], act, task["user"])


def _in_slot(
    order: Order, raw: Mapping[str, Any], root: str, act: Callable[[], object], user: str
) -> dict[str, Any]:
    """Carry out an order to a slot; fields for the outcome. Raises only for bugs.

    `user` is this process's own, where the target has a list; "" where it has none.
    """
    slot = _SLOTS[order.switch](order, raw, root, act)
    told: dict[str, Any] = {"ok": True}
    try:
        if user:
            check_ground(slot.place, user)
        told.update(slot.carry_out())
    except Failure as failure:
        told.update(_logical(failure, slot))
        if failure.error in ("directory-not-ready", "path-leads-out"):
            return told
    except OSError as error:
        told.update(_logical(_from_os_error(error, slot), slot))
    return _with_facts(told, slot)


def _with_facts(told: dict[str, Any], slot: Slot) -> dict[str, Any]:
    """What is live, held and due now, whether or not the order succeeded."""
    try:
        live = slot.records.live()
        told = {**told, "live": live, "previous": slot.records.previous(live)}
        held = [record.release for record in slot.records.held()]
        return {**told, "held": held, "due": slot.due(live)}
    except OSError as error:
        return {**told, **_logical(_from_os_error(error, slot), slot)} if told["ok"] else told


def _logical(failure: Failure, slot: Slot) -> dict[str, Any]:
    logical = slot.place.logical
    return Failure(failure.error, logical(failure.message), logical(failure.output)).told()


def _guarded(step: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A target always answers; of a bug too."""
    try:
        return step()
    except Failure as failure:
        return failure.told()
    except Exception as bug:  # noqa: BLE001 - the outcome says that it is one
        last = traceback.format_exception_only(type(bug), bug)[-1].strip()
        tail = traceback.format_exc().rstrip().split("\n")[-OUTPUT_LINES:]
        return Failure("crashed", last, "\n".join(tail)).told()


def perform(order: Any, root: str = "/") -> dict[str, Any]:
    """Carry out an order (a decoded JSON object) and return the outcome as one; never raises.

    `root` is the directory that stands for this target's `/`.
    """
    started = time.monotonic()
    action = order.get("action") if isinstance(order, dict) else ""
    outcome: dict[str, Any] = {"version": VERSION, "action": str(action), "ok": True, "error": ""}
    outcome.update(message="", live="", previous="", held=[], due=[], output="")
    outcome.update(complete=None, changed=[])
    outcome.update(_guarded(lambda: _attempt(order, root)))
    outcome["seconds"] = round(time.monotonic() - started, 3)
    return outcome


def main() -> int:
    """Read one order from standard input, print one outcome; 2 when it cannot be read at all."""
    try:
        order = json.loads(sys.stdin.buffer.read())
    except ValueError:
        outcome = {"version": VERSION, "action": "", "ok": False, "error": "bad-order"}
        outcome.update(message="the order is not JSON", seconds=0.0)
        code = 2
    else:
        outcome, code = perform(order), 0
    sys.stdout.write(json.dumps(outcome) + "\n")
    return code


# --- The switch, heard by the job that has fetched ------------------------------------------------

_FUNCTION = "git_deploy.switch"
_HEARD_BY_ALL = "zeromq"
_SALT = 3008  # whose channels these are; with 3006 the same calls never come back
_PATIENCE = 2.0  # seconds for the connection


class CannotListen(Exception):
    """What the master publishes to others does not come here."""


@contextlib.contextmanager
def listening(opts: Mapping[str, Any]) -> Iterator[Optional[Publications]]:
    """What the master publishes from now on; None where it cannot be heard."""
    with contextlib.ExitStack() as stack:
        publications = None
        with contextlib.suppress(Exception):
            publications = Publications(opts)
            stack.callback(publications.close)
        yield publications


class Publications:
    """What the master publishes to its minions. `opts`: the minion's. Raises CannotListen."""

    def __init__(self, opts: Mapping[str, Any]) -> None:
        import asyncio  # which takes longer than many an order; where Salt runs, it is there

        if opts.get("transport", _HEARD_BY_ALL) != _HEARD_BY_ALL or opts.get("zmq_filtering"):
            raise CannotListen
        self._loop = asyncio.new_event_loop()
        try:
            connecting = asyncio.wait_for(self._connect(opts), _PATIENCE)
            self._channel = self._loop.run_until_complete(connecting)
        except BaseException:
            self._loop.close()
            raise

    async def _connect(self, opts: Mapping[str, Any]) -> Any:
        import asyncio

        import salt.channel.client
        import salt.crypt
        import salt.version

        if salt.version.__version_info__[0] != _SALT:
            raise CannotListen
        self._loads: Any = asyncio.Queue()  # of what was published, {} when the time is over
        auth = salt.crypt.AsyncAuth(opts, io_loop=self._loop)
        # A channel makes a token that ZeroMQ never sends; to read the minion's key for it takes
        # longer than all the rest.
        auth.gen_token = lambda _: b""
        channel = salt.channel.client.AsyncPubChannel.factory(opts, io_loop=self._loop)
        # `channel.connect` would tell the minion's main process that it has found a master.
        await channel.transport.connect(_port(opts, auth.creds))
        channel.on_recv(self._hear)
        return channel

    async def _hear(self, payload: Mapping[str, Any]) -> None:
        if payload["enc"] == "aes":  # the others are not from the master
            self._loads.put_nowait(payload["load"])

    def switch_for(self, jid: str, minion: str, seconds: float) -> Optional[dict[str, Any]]:
        """The order to switch in this job; None if none comes within `seconds`."""
        self._loop.call_later(seconds, self._loads.put_nowait, {})
        with contextlib.suppress(Exception):
            return self._loop.run_until_complete(self._next_switch(jid, minion))
        return None

    async def _next_switch(self, jid: str, minion: str) -> Optional[dict[str, Any]]:
        while load := await self._loads.get():
            order = switch_in(load, jid, minion)
            if order is not None:
                return order
        return None

    def close(self) -> None:
        """Let go of the connection."""
        with contextlib.suppress(Exception):
            self._channel.close()
            self._loop.call_soon(self._loop.stop)
            self._loop.run_forever()  # once, in which its tasks end
            self._loop.close()


def _port(opts: Mapping[str, Any], told: Mapping[str, Any]) -> int:
    """Where the master publishes: as configured, or as it tells who signs in (as Salt does)."""
    configured = int(opts.get("publish_port", 4506))
    return int(told["publish_port"]) if configured == 4506 else configured


def switch_in(load: Mapping[str, Any], jid: str, minion: str) -> Optional[dict[str, Any]]:
    """The order in a publication, if it is a switch to this minion in this job; otherwise None.

    To this minion: who may publish to some minions must not be able to move others.
    """
    kind = (load.get("fun"), load.get("jid"), load.get("tgt_type"))
    if kind != (_FUNCTION, jid, "list") or minion not in list(load["tgt"]):
        return None
    orders = [one for one in load["arg"] if isinstance(one, dict) and one.get("__kwarg__")]
    return orders[0] if orders else None


# --- Salt's functions: the agent is the execution module `git_deploy` -----------------------------

__load__ = ("fetch", "switch", "withdraw", "status", "verify", "converge", "service")

# What an order says of a slot, and not of one release.
_OF_SLOT = ("version", "repository", "slot", "path", "switch")


def fetch(stand_by: float = 0, **order: Any) -> dict[str, Any]:
    """
    Get a release onto this minion's disk, complete, beside what is live.

    stand_by
        Seconds to wait afterwards for the switch to it. An event tells that the release is here,
        `salt/job/JID/prog/MINION/git_deploy`; the job returns the outcome of the switch, or that of
        the fetch when none was heard. For programs

    CLI Example:

    .. code-block:: bash

        salt 'web*' git_deploy.fetch repository=mediawiki slot=slot0 \\
            path=/srv/php-slot0 release=slot0-20261123-140200 commit=COMMIT \\
            url=http://deploy/mediawiki.git
    """
    jid = str(order.get("__pub_jid", ""))
    if not stand_by or not jid:
        return _carry_out("fetch", order)
    return _fetch_and_stand_by(order, jid, stand_by)


def switch(**order: Any) -> dict[str, Any]:
    """
    Make a release live that this minion holds.

    CLI Example:

    .. code-block:: bash

        salt 'web*' git_deploy.switch repository=mediawiki slot=slot0 \\
            path=/srv/php-slot0 release=slot0-20261123-140200 commit=COMMIT
    """
    return _carry_out("switch", order)


def withdraw(**order: Any) -> dict[str, Any]:
    """
    Make nothing live where a release is, as before the slot's first rollout.

    CLI Example:

    .. code-block:: bash

        salt 'web*' git_deploy.withdraw repository=mediawiki slot=slot0 \\
            path=/srv/php-slot0 release=slot0-20261123-140200
    """
    return _carry_out("withdraw", order)


def status(**order: Any) -> dict[str, Any]:
    """
    Tell what is live in a slot, and which releases are held; without arguments, of every slot.

    CLI Example:

    .. code-block:: bash

        salt 'web*' git_deploy.status
    """
    return _carry_out("status", order) if _fields(order) else _of_every_slot(status)


def verify(**order: Any) -> dict[str, Any]:
    """
    As status, and compare the live tree with its release, file by file.

    CLI Example:

    .. code-block:: bash

        salt 'web*' git_deploy.verify
    """
    return _carry_out("verify", order) if _fields(order) else _of_every_slot(verify)


def service(**order: Any) -> dict[str, Any]:
    """
    Restart or reload the service of a repository, or ask how it is.

    CLI Example:

    .. code-block:: bash

        salt 'web*' git_deploy.service repository=mediawiki slot=slot0 \\
            path=/srv/php-slot0 service=php8.2-fpm service_action=reload
    """
    return _carry_out("service", order)


def converge(**order: Any) -> dict[str, Any]:
    """
    Fetch a release and make it live; nothing to do where it is. Without arguments, ask the master
    what this minion's slots should have, and bring each there.

    CLI Example:

    .. code-block:: bash

        salt 'web*' git_deploy.converge
    """
    if not _fields(order):
        return {one["path"]: converge(**one) for one in _desired()}
    outcome = _carry_out("fetch", order)
    if outcome["ok"]:
        outcome = _carry_out("switch", order)
    return {**outcome, "action": "converge"}


def _fetch_and_stand_by(order: dict[str, Any], jid: str, seconds: float) -> dict[str, Any]:
    minion = str(_salts("__opts__")["id"])
    with listening(_salts("__opts__")) as publications:
        outcome = _carry_out("fetch", order)
        if publications is None or not outcome["ok"]:
            return outcome
        tag = f"salt/job/{jid}/prog/{minion}/git_deploy"
        if not _salts("__salt__")["event.fire_master"](outcome, tag):
            return outcome
        heard = publications.switch_for(jid, minion, seconds)
    return _carry_out("switch", heard) if heard else outcome


def _carry_out(action: str, order: dict[str, Any]) -> dict[str, Any]:
    fields = {"version": VERSION, **_fields(order), "action": action}
    outcome = perform(fields, str(_salts("__opts__").get("git_deploy.root", "/")))
    if outcome["ok"] and action == "switch":
        # What is live stays live: a /var that is full is no reason to have the fleet taken back.
        with contextlib.suppress(OSError):
            _remember(fields)
    if not outcome["ok"]:
        _salts("__context__")["retcode"] = 1
    return outcome


def _fields(order: dict[str, Any]) -> dict[str, Any]:
    """The order without what Salt adds to keyword arguments."""
    return {name: value for name, value in order.items() if not name.startswith("__")}


def _of_every_slot(function: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    slots = [slot for slot in map(read_json, _memory().glob("*.json")) if slot]
    return {slot["path"]: function(**slot) for slot in sorted(slots, key=lambda one: one["path"])}


def _remember(order: dict[str, Any]) -> None:
    """Which slots there are: an order names one, and nothing else on a target lists them.

    Each slot has a file of its own, so that jobs for two of them have nothing to share.
    """
    slot = {"version": VERSION, **{name: order[name] for name in _OF_SLOT if name in order}}
    name = hashlib.sha256(os.fsencode(order["path"])).hexdigest()
    file = _memory() / f"{name}.json"
    if read_json(file) != slot:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, slot)


def _memory() -> Path:
    return Path(_salts("__opts__").get("cachedir", "/var/cache/salt/minion")) / "git_deploy"


def _desired() -> list[dict[str, Any]]:
    """What the master's runner says that this minion's slots should have."""
    answer = _salts("__salt__")["publish.runner"]("git_deploy.desired")
    if isinstance(answer, list):
        return answer
    # {} where peer_run does not allow it, text where it failed. Salt shows this as our failure.
    raise RuntimeError(f"the master does not tell git_deploy.desired (see peer_run): {answer}")


def _salts(name: str) -> Any:
    """What Salt puts into the modules that it loads."""
    return globals().get(name, {})


if __name__ == "__main__":
    sys.exit(main())
