"""What stands at the other end of a connection, and does not do what an agent does.

`python3 impostor.py DIRECTORY MODE` reads the command that starts an agent, greets as one, and then
behaves as MODE says; `deploy.ssh` can be that. A file in DIRECTORY counts how often it was started.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path


def read(size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = os.read(0, size - len(found))
        if not part:
            sys.exit(0)
        found += part
    return found


def greet() -> None:
    said = b""
    while not said.endswith(b"exit 0\n"):
        said += read(1)
    mark = re.match(rb"SARTORIS_MARK=(\S+)", said)
    assert mark
    os.write(1, b"\n" + mark[1] + b" ready 00000000 3.11.2 1.0\n")
    head = read(5)
    read(int.from_bytes(head[1:], "big"))


def order() -> dict[str, object]:
    found: dict[str, object] = json.loads(read(int.from_bytes(read(4), "big")))
    return found


def frame(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def outcome(action: object) -> bytes:
    return frame(json.dumps({"version": 1, "action": action, "ok": True, "live": "r1"}).encode())


def before(directory: Path, mode: str) -> int:
    """How often this was started before."""
    runs = directory / f"runs-{mode}"
    found = len(runs.read_text()) if runs.exists() else 0
    runs.write_text("x" * (found + 1))
    return found


def at_the_login(directory: Path, mode: str, times: int) -> None:
    if mode == "mute":
        time.sleep(600)
    if mode == "busy-once" and times == 0:
        sys.stderr.write("kex_exchange_identification: Connection closed by remote host\n")
        sys.exit(255)
    if mode.startswith("says-"):
        sys.stderr.write((directory / mode).read_text())
        sys.exit(255)


def split_character(action: object) -> None:
    said = {"version": 1, "action": action, "ok": True, "live": "r1", "output": "\xe4"}
    whole = frame(json.dumps(said, ensure_ascii=False).encode())
    cut = whole.index("\xe4".encode()) + 1
    os.write(1, whole[:cut])
    time.sleep(0.1)
    os.write(1, whole[cut:])


def half_a_frame(action: object) -> None:
    os.write(1, outcome(action)[:20])
    sys.exit(255)


def always_lost(_: object) -> None:
    sys.stderr.write("Connection to web1 closed by remote host.\n")
    sys.exit(255)


def well(action: object) -> None:
    os.write(1, outcome(action))


def dies(_: object) -> None:
    sys.exit(137)


ANSWERS: dict[str, Callable[[object], object]] = {
    "no-json": lambda _: os.write(1, frame(b"Welcome to web1")),
    "huge-frame": lambda _: os.write(1, b"\xff\xff\xff\xff"),
    "hangs": lambda _: time.sleep(600),
    "split-character": split_character,
    "half-a-frame": half_a_frame,
    "always-lost": always_lost,
    "dies": dies,
}


def main(directory: Path, mode: str) -> None:
    times = before(directory, mode)
    at_the_login(directory, mode, times)
    greet()
    first = order()["action"]
    if mode == "lost-once" and times == 0:
        sys.exit(1)
    ANSWERS.get(mode, well)(first)
    while True:
        os.write(1, outcome(order()["action"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
