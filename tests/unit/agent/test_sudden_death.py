"""The agent is killed at any moment; what is live stays whole, and repeating the order helps."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from typing import Any

import pytest

from sartoris.agent.joined import joined

from .conftest import Files, Target, entries, tree

KILLS = 60
# Says when it begins, so that the moment of death falls into the work and not before it.
DRIVER = """
import json, sys
sys.path.insert(0, sys.argv[1])
import agent
root, orders = json.load(sys.stdin)
print("begin", flush=True)
for order in orders:
    agent.perform(order, root)
"""


def _files(number: int) -> Files:
    same = {f"same/{name}": "s" * 2000 for name in range(20)}
    return {**same, **{f"d/{name}": f"{number}" * 4000 for name in range(80)}}


def _run_and_kill(target: Target, orders: list[dict[str, Any]], seconds: float) -> bool:
    """Start the agent and kill it `seconds` after it began; whether it was still at work."""
    place = target.root.parent / "agent"
    if not place.exists():
        place.mkdir()
        (place / "agent.py").write_text(joined())
    command = [sys.executable, "-S", "-c", DRIVER, str(place)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([str(target.root), orders]).encode())
        process.stdin.close()
        process.stdout.readline()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.returncode != 0


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["atomic", "in-place"])
def test_a_kill_at_any_moment_never_leaves_half_a_release_live(target: Target, mode: str) -> None:
    moments = random.Random(2026)
    target.release("t0", _files(0), switch=mode, keep=1)
    landed, whole = 0, 0.1
    for number in range(1, KILLS // 2 + 1):
        tag, commit = f"t{number}", target.publisher.release(f"t{number}", _files(number))
        known: dict[str, Any] = {"switch": mode, "keep": 1}
        orders = [target.order(action, tag, commit, **known) for action in ("fetch", "switch")]
        landed += _run_and_kill(target, orders, moments.uniform(0, whole))

        live = target.ask("status", **known)["live"]
        assert live in (tag, f"t{number - 1}")
        if mode == "atomic":
            assert tree(target.live) == entries(_files(int(live[1:])))
        began = time.monotonic()
        outcome = target.deploy(tag, commit, **known)
        # What an order takes differs from machine to machine; aim at the work, not behind it.
        whole = (whole + time.monotonic() - began) / 2
        assert (outcome["live"], outcome["previous"]) == (tag, f"t{number - 1}")
        assert tree(target.live) == entries(_files(number))
    assert landed > KILLS // 6
    target.release("last", _files(0), switch=mode, keep=0)
    assert len(list((target.own / "meta").glob("[!.]*"))) <= 3
    assert list((target.own / "staging").iterdir()) == []
