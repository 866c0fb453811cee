"""Objects of a release that are brought as a pack, instead of being fetched from a url."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, Optional, cast

from sartoris.agent.files import create, remove
from sartoris.agent.programs import Programs

_CHUNK = 1 << 20  # bytes


class Brought(NamedTuple):
    """A pack that brings the order's release to who holds the release commit `base`, or "".

    `open` gives a file from which exactly `size` bytes can be read, and may raise OSError, as its
    `read` may; where the pack is a file of this machine that is `path`, which is read in place.
    `came_from` says for a person where it is from. `passing`: the file is removed afterwards.
    `refused` are urls that gave other bytes.
    """

    sha256: str
    size: int
    base: str
    open: Callable[[], BinaryIO]
    came_from: str = ""
    path: Optional[Path] = None
    passing: bool = False
    refused: tuple[str, ...] = ()


# Given the commits of the repository's releases that are held, newest first; None: nothing is
# brought. It may raise BadPack.
Bring = Callable[[Sequence[str]], Optional[Brought]]


class Came(NamedTuple):
    """How the objects of a release came here: `by` is "pack" or "fetch"; "" if they did not.

    `refused` are urls that gave other bytes than the order says.
    """

    by: str = ""
    where: str = ""
    size: int = 0
    seconds: float = 0.0
    refused: tuple[str, ...] = ()


class BadPack(Exception):
    """A pack is not what was said of it, or cannot be had; `str()` says why.

    `refused` are urls that gave other bytes.
    """

    def __init__(self, why: str, refused: Sequence[str] = ()) -> None:
        super().__init__(why)
        self.refused = tuple(refused)


@contextlib.contextmanager
def received(brought: Brought, here: Path, programs: Programs) -> Iterator[int]:
    """A descriptor from which a program reads the pack, which is as its hash says.

    `here` is where it is kept meanwhile. Raises BadPack, Failure when the time is up, OSError of
    what is `here`.
    """
    file: BinaryIO
    with contextlib.ExitStack() as stack:
        if brought.path is None:
            remove(here)  # of an agent that was killed
            stack.callback(remove, here)
            with create(here, 0o600) as copy:
                _require(brought, _copied(brought, copy, programs))
            file = stack.enter_context(here.open("rb"))
        else:
            if brought.passing:
                stack.callback(remove, brought.path)
            try:
                file = stack.enter_context(brought.open())
                _require(brought, _copied_from(file, brought, None, programs))
                file.seek(0)
            except OSError as error:
                raise BadPack(f"the pack cannot be read: {error.strerror}") from error
        yield file.fileno()


@contextlib.contextmanager
def passed_on(brought: Brought, programs: Programs) -> Iterator[BinaryIO]:
    """The pack as a file that another process may read; that checks it. Raises as `received`."""
    file: BinaryIO
    if brought.path is not None:
        with brought.path.open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as copy:
        _copied(brought, cast(BinaryIO, copy), programs)
        copy.seek(0)
        yield cast(BinaryIO, copy)


def _copied(brought: Brought, copy: BinaryIO, programs: Programs) -> str:
    try:
        source = brought.open()
    except OSError as error:
        raise BadPack(f"the pack cannot be had: {error.strerror or error}") from error
    with source:
        return _copied_from(source, brought, copy, programs)


def _copied_from(
    source: BinaryIO, brought: Brought, copy: Optional[BinaryIO], programs: Programs
) -> str:
    """The hash of `size` bytes, which are written to the copy if there is one."""
    digest, left = hashlib.sha256(), brought.size
    while left:
        if programs.left() <= 0:
            raise programs.too_late()
        try:
            chunk = source.read(min(left, _CHUNK))
        except OSError as error:
            raise BadPack(f"the pack cannot be read: {error.strerror or error}") from error
        if not chunk:
            raise BadPack(f"the pack ended after {brought.size - left} of {brought.size} bytes")
        left -= len(chunk)
        digest.update(chunk)
        if copy is not None:
            copy.write(chunk)
    return digest.hexdigest()


def _require(brought: Brought, found: str) -> None:
    if found != brought.sha256:
        raise BadPack(f"the pack is another one: its hash is {found}, and not {brought.sha256}")
