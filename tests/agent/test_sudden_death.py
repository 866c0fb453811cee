"""The agent is killed at any moment; what is live stays whole, and repeating the order helps."""

from __future__ import annotations

import contextlib
import json
import random
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sartoris.agent.joined import joined

from .conftest import Files, Target, entries, program, tree

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


def _start(target: Target, orders: list[dict[str, Any]]) -> subprocess.Popen[bytes]:
    """An agent of its own, which has begun with the orders."""
    place = target.root.parent / "agent"
    if not place.exists():
        place.mkdir()
        (place / "agent.py").write_text(joined())
    command = [sys.executable, "-S", "-c", DRIVER, str(place)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps([str(target.root), orders]).encode())
    process.stdin.close()
    process.stdin = None
    process.stdout.readline()
    return process


def _run_and_kill(target: Target, orders: list[dict[str, Any]], seconds: float) -> bool:
    """Start the agent and kill it `seconds` after it began; whether it was still at work."""
    with _start(target, orders) as process:
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


HANGS = {
    "simply": "exec sleep 1000",
    "in a session of its own": "setsid sleep 1000 & wait",
    "whatever it is told": "trap '' TERM HUP INT; sleep 1000; sleep 1000",
    "in the background": "sleep 1000 >/dev/null 2>&1 & exit 0",
}


@pytest.mark.parametrize("how", HANGS)
def test_a_hook_that_outlives_its_agent_does_not_keep_the_slot(target: Target, how: str) -> None:
    target.release("t1", {"a": "1"})
    begun = target.root / "begun"
    hanging = program(f"touch {shlex.quote(str(begun))}; {HANGS[how]}")
    after = program("exec sleep 1000")
    files = {"deploy/target/prepare.10": hanging, "deploy/target/prepare.20": after}
    commit = target.publisher.release("t2", files)
    agent = _start(target, [target.order("fetch", "t2", commit, timeout=500)])
    while not begun.exists() or not _processes_at_work_in(target):
        time.sleep(0.01)
    agent.kill()
    agent.communicate()

    outcome = target.ask("fetch", "t3", target.publisher.release("t3", {"a": "3"}), timeout=60)

    assert (outcome["ok"], outcome["message"]) == (True, "")
    assert _processes_at_work_in(target) == []


def test_what_an_agent_runs_that_lives_is_left_alone(target: Target) -> None:
    begun = target.root / "begun"
    hook = program(f"touch {shlex.quote(str(begun))}; sleep 3")
    commit = target.publisher.release("t2", {"deploy/target/prepare.10": hook})
    agent = _start(target, [target.order("fetch", "t2", commit)])
    while not begun.exists():
        time.sleep(0.01)

    assert target.ask("fetch", "t2", commit, timeout=1)["error"] == "busy"

    agent.communicate()
    assert target.ask("status")["held"] == ["t2"]


def _processes_at_work_in(target: Target) -> list[int]:
    """Those whose directory is below the target's, and that sleep."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            here = str((process / "cwd").readlink()).startswith(f"{target.root}/")
            if here and b"sleep" in (process / "cmdline").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return found
