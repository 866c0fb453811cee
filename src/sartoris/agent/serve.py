"""The agent as a program: one order and exit, or one after another over two pipes.

`--serve` reads frames from standard input and answers each, in turn, with a frame on standard
output. A frame is its length, four bytes with the highest first, and so many bytes of JSON. At the
end of the input it exits with 0. A frame that cannot be read ends it too, since nobody knows where
the next one begins: it answers with an outcome that says why, and exits with 2. Where nobody takes
the answer, it exits with 1.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any, BinaryIO, Optional

from sartoris.agent.order import VERSION
from sartoris.agent.outcome import perform

LONGEST_FRAME = 1 << 24  # bytes; an order or outcome is far below
_HEAD = 4  # bytes
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


def serve(orders: BinaryIO, outcomes: BinaryIO, root: str = "/") -> int:
    """Answer each order that comes, in turn, until there are no more; the exit code.

    Raises OSError when nobody takes an answer.
    """
    try:
        while (content := read_frame(orders)) is not None:
            write_frame(outcomes, perform(_decoded(content), root))
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


def _serve_pipes() -> int:
    """Serve over standard input and output, which nothing that runs here can touch then."""
    try:
        with os.fdopen(os.dup(0), "rb") as orders, os.fdopen(os.dup(1), "wb") as outcomes:
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, 0)
            os.close(nothing)
            os.dup2(2, 1)
            return serve(orders, outcomes)
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
    return _serve_pipes() if arguments == ["--serve"] else _answer_once()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
