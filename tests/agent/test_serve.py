"""The agent as a program that is asked one thing after another, over two pipes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from sartoris.agent.joined import joined
from sartoris.agent.serve import LONGEST_FRAME
from tests.programs import python_3_9

from .conftest import Target, program


def frame(document: object) -> bytes:
    content = json.dumps(document).encode()
    return len(content).to_bytes(4, "big") + content


def answers(said: bytes) -> list[dict[str, Any]]:
    """The outcomes in what was written, which must be whole frames."""
    found: list[dict[str, Any]] = []
    while said:
        length = int.from_bytes(said[:4], "big")
        content, said = said[4 : 4 + length], said[4 + length :]
        assert len(content) == length
        found.append(json.loads(content))
    return found


class Served:
    """The agent as it is on a target, on the oldest Python that is here."""

    def __init__(self, directory: Path) -> None:
        file = directory / "agent.py"
        file.write_text(joined())
        self.process = subprocess.Popen(
            [python_3_9() or sys.executable, "-I", str(file), "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def ask(self, document: object) -> dict[str, Any]:
        """Send one order and wait for its outcome."""
        orders, outcomes = self._pipes()
        orders.write(frame(document))
        orders.flush()
        (outcome,) = answers(
            (head := outcomes.read(4)) + outcomes.read(int.from_bytes(head, "big"))
        )
        return outcome

    def end(self, last: bytes = b"") -> tuple[int, list[dict[str, Any]]]:
        """The exit code after the end of the input, and what was answered to the last of it."""
        said, _ = self.process.communicate(last, timeout=60)
        return self.process.returncode, answers(said)

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        return self.process.stdin, self.process.stdout


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    with served.process:
        yield served
        served.process.kill()


def order(target: Target, action: str, tag: str = "", commit: str = "") -> dict[str, Any]:
    """One whose path leads to the target from this machine's own `/`."""
    return target.order(action, tag, commit, path=f"{target.root}/srv/app/php-slot0")


def test_a_release_goes_live_order_by_order(target: Target, served: Served) -> None:
    for tag in ("t1", "t2"):
        commit = target.publisher.release(tag, {"a": tag})
        for action in ("fetch", "switch"):
            outcome = served.ask(order(target, action, tag, commit))
            assert (outcome["action"], outcome["ok"]) == (action, True), outcome
        verified = served.ask(order(target, "verify"))
        assert (verified["live"], verified["complete"]) == (tag, True)
        assert (target.live / "a").read_text() == tag
    assert served.end() == (0, [])


def test_orders_that_are_sent_ahead_are_answered_in_turn(target: Target, served: Served) -> None:
    ahead = [order(target, "status"), {}, order(target, "verify")]
    code, outcomes = served.end(b"".join(map(frame, ahead)))
    assert (code, [outcome["error"] for outcome in outcomes]) == (0, ["", "unknown-version", ""])


def test_a_wrong_order_is_an_outcome_and_the_next_is_carried_out(
    target: Target, served: Served
) -> None:
    assert served.ask([1])["error"] == "bad-order"
    assert served.ask({**order(target, "status"), "action": "teleport"})["error"] == "bad-order"
    assert served.ask(order(target, "status"))["ok"]
    assert served.end() == (0, [])


BROKEN = {
    "the input ended inside a frame": [b"\0", b"\0\0\0", b"\0\0\0\5", b"\0\0\0\5{}"],
    "the order is not JSON": [b"\0\0\0\0", b"\0\0\0\1{", b"\0\0\0\2\xff\xfe"],
    f"a frame of {LONGEST_FRAME + 1} bytes; at most {LONGEST_FRAME} are read": [
        (LONGEST_FRAME + 1).to_bytes(4, "big")
    ],
}


@pytest.mark.parametrize(
    ("message", "last"), [(why, last) for why, every in BROKEN.items() for last in every]
)
def test_a_broken_frame_ends_the_loop_and_says_why(
    target: Target, served: Served, message: str, last: bytes
) -> None:
    assert served.ask(order(target, "status"))["ok"]
    code, (outcome,) = served.end(last)
    assert code == 2
    assert (outcome["ok"], outcome["error"], outcome["message"]) == (False, "bad-order", message)


def test_it_ends_when_nobody_takes_its_outcomes(target: Target, served: Served) -> None:
    orders, outcomes = served._pipes()
    outcomes.close()
    orders.write(frame(order(target, "status")))
    orders.flush()
    assert served.process.wait(60) == 1


def test_what_a_release_prints_does_not_get_between_the_frames(
    target: Target, served: Served
) -> None:
    loud = program("echo to standard output; echo to standard error >&2; cat")
    commit = target.publisher.release("t1", {"deploy/target/live.sh": loud})
    assert served.ask(order(target, "fetch", "t1", commit))["ok"]
    assert served.ask(order(target, "switch", "t1", commit))["ok"]
    assert served.ask(order(target, "status"))["live"] == "t1"
