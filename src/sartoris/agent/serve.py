"""The agent as a program: one order and exit, or one after another over two pipes.

`--serve` reads frames from standard input and answers each, in turn, with a frame on standard
output. A frame is its length, four bytes with the highest first, and so many bytes of JSON. At the
end of the input it exits with 0. A frame that cannot be read ends it too, since nobody knows where
the next one begins: it answers with an outcome that says why, and exits with 2. Where nobody takes
the answer, it exits with 1.

`--serve --connected`: the two pipes are a connection, whose end is the end of this process and of
what it has started, also while an order is carried out; then it exits with 1. And the other side
brings objects: while a fetch is carried out, the agent may write a frame `{"held": [COMMIT, ...]}`,
the releases that it has, newest first. It is answered with `{"pack": SHA256, "base": COMMIT,
"size": N}` and after it N bytes which are no frame, or with `{"pack": ""}`: then there is none.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Optional

from sartoris.agent.order import VERSION
from sartoris.agent.outcome import perform
from sartoris.agent.packs import Brought
from sartoris.agent.tether import tied_to

LONGEST_FRAME = 1 << 24  # bytes; an order or outcome is far below
_HEAD = 4  # bytes
_PART = 1 << 18
DONE, NOT_TAKEN, UNREADABLE = 0, 1, 2  # exit codes


class BrokenFrame(Exception):
    """What comes in is not a frame, or not all of one."""


def read_frame(pipe: BinaryIO) -> Optional[bytes]:
    """The content of the next frame; None at the end of the input. Raises BrokenFrame."""
    head = pipe.read(_HEAD)
    if not head:
        return None
    length = int.from_bytes(head, "big")
    if len(head) == _HEAD and length > LONGEST_FRAME:
        raise BrokenFrame(f"a frame of {length} bytes; at most {LONGEST_FRAME} are read")
    content = pipe.read(length) if len(head) == _HEAD else b""
    if len(head) < _HEAD or len(content) < length:
        raise BrokenFrame("the input ended inside a frame")
    return content


def write_frame(pipe: BinaryIO, document: Mapping[str, Any]) -> None:
    """Raises OSError when nobody takes it."""
    content = json.dumps(document).encode("ascii")
    pipe.write(len(content).to_bytes(_HEAD, "big") + content)
    pipe.flush()


class _Pack(io.RawIOBase):
    """The bytes of a pack, which stand between two frames."""

    def __init__(self, pipe: BinaryIO, size: int) -> None:
        super().__init__()
        self._pipe, self._left = pipe, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._pipe.read(min(len(buffer), self._left, _PART))
        if self._left and not part:
            raise OSError(errno.EPIPE, "the connection ended inside a pack")
        buffer[: len(part)] = part
        self._left -= len(part)
        return len(part)

    def drain(self) -> None:
        """Read the rest, which nobody wants any more."""
        while self._left:
            self.readinto(bytearray(_PART))


class _Packs:
    """Asks the other side for packs, one after another."""

    def __init__(self, orders: BinaryIO, outcomes: BinaryIO) -> None:
        self._orders, self._outcomes = orders, outcomes
        self._coming: Optional[_Pack] = None

    def bring(self, held: Sequence[str]) -> Optional[Brought]:
        """Raises BrokenFrame, OSError: then there is no other side any more."""
        self.end()
        write_frame(self._outcomes, {"held": list(held)})
        said = _decoded(read_frame(self._orders) or b"")
        if not isinstance(said, dict) or not said.get("pack"):
            return None
        sha256, base, size = str(said["pack"]), str(said.get("base", "")), int(said["size"])
        coming = self._coming = _Pack(self._orders, size)
        return Brought(sha256, size, base, lambda: io.BufferedReader(coming), "ssh")

    def end(self) -> None:
        """Be at the next frame."""
        coming, self._coming = self._coming, None
        if coming is not None:
            coming.drain()


def serve(orders: BinaryIO, outcomes: BinaryIO, root: str = "/", connection: int = -1) -> int:
    """Answer each order that comes, in turn, until there are no more; the exit code.

    `connection` is the descriptor with which this process ends, and over which objects are brought.
    Raises OSError when nobody takes an answer.
    """
    packs = _Packs(orders, outcomes)
    is_connected = connection >= 0
    try:
        while (content := read_frame(orders)) is not None:
            order = _decoded(content)
            with tied_to(connection) if is_connected else contextlib.nullcontext():
                outcome = perform(order, root, bring=packs.bring if is_connected else None)
                packs.end()
            write_frame(outcomes, outcome)
    except BrokenFrame as broken:
        write_frame(outcomes, _unreadable(str(broken)))
        return UNREADABLE
    return DONE


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise BrokenFrame("the order is not JSON") from None


def _unreadable(message: str) -> dict[str, Any]:
    """The outcome of what is no order at all."""
    outcome = {"version": VERSION, "action": "", "ok": False, "error": "bad-order"}
    return {**outcome, "message": message, "seconds": 0.0}


def _serve_pipes(*, connected: bool) -> int:
    """Serve over standard input and output, which nothing that runs here can touch then."""
    try:
        with os.fdopen(os.dup(0), "rb") as orders, os.fdopen(os.dup(1), "wb") as outcomes:
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, 0)
            os.close(nothing)
            os.dup2(2, 1)
            return serve(orders, outcomes, connection=orders.fileno() if connected else -1)
    except OSError:
        return NOT_TAKEN


def _answer_once() -> int:
    """Read one order from standard input, print one outcome; 2 when it cannot be read at all."""
    try:
        outcome, code = perform(_decoded(sys.stdin.buffer.read())), DONE
    except BrokenFrame as broken:
        outcome, code = _unreadable(str(broken)), UNREADABLE
    sys.stdout.write(json.dumps(outcome) + "\n")
    return code


def main(arguments: list[str]) -> int:
    """What `python3 agent.py` does; the exit code."""
    if arguments[:1] == ["--serve"]:
        return _serve_pipes(connected="--connected" in arguments)
    return _answer_once()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
