"""Programs that a release brings along under deploy/target/."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from .conftest import Entry, Target, program


def test_prepare_hooks_build_in_the_staged_tree_before_anything_is_live(target: Target) -> None:
    build = program('test ! -e "$GIT_DEPLOY_PATH" && echo "$GIT_DEPLOY_RELEASE" > built')
    target.release("t1", {"deploy/target/prepare.build": build})

    assert (target.live / "built").read_text() == "t1\n"


def test_what_a_prepare_hook_built_is_not_in_the_next_release(target: Target) -> None:
    build = program('touch "made-by-$GIT_DEPLOY_RELEASE"')
    for tag in ("t1", "t2", "t3", "t4"):
        target.release(tag, {"a": tag, "deploy/target/prepare.x": build}, keep=0)

    assert sorted(path.name for path in target.live.iterdir()) == ["a", "deploy", "made-by-t4"]


def test_a_failing_prepare_hook_leaves_the_live_release_alone(target: Target) -> None:
    target.release("t1", {"a": "1"})
    commit = target.publisher.release("t2", {"deploy/target/prepare.x": program("echo no; exit 3")})

    outcome = target.ask("fetch", "t2", commit)

    assert (outcome["error"], outcome["output"]) == ("prepare-failed", "no")
    assert outcome["message"] == "deploy/target/prepare.x exited with 3"
    assert (outcome["live"], outcome["held"]) == ("t1", ["t1"])
    assert target.ask("switch", "t2", commit)["error"] == "not-held"


def test_what_programs_wrote_that_succeeded_is_in_the_outcome_and_bounded(target: Target) -> None:
    files = {
        "deploy/target/prepare.1": program("echo built; echo minified"),
        "deploy/target/prepare.2": program("true"),
        "deploy/target/live.1": program("head -c 9000 /dev/zero | tr '\\0' x; echo end"),
    }
    commit = target.publisher.release("t1", files)

    fetched = target.ask("fetch", "t1", commit)
    assert fetched["output"] == "deploy/target/prepare.1:\n  built\n  minified"
    switched = target.ask("switch", "t1", commit)
    assert switched["output"].endswith("xxxend")
    assert len(switched["output"]) < 5000
    assert target.ask("status")["output"] == ""


def test_files_without_execute_bit_and_backups_are_not_run(target: Target) -> None:
    files = {
        "deploy/target/prepare.text": Entry(b"exit 1"),
        "deploy/target/prepare.x~": program("exit 1"),
        "deploy/target/prepare.x.bak": program("exit 1"),
        "deploy/target/other": program("exit 1"),
    }
    target.release("t1", files)


def test_a_program_that_cannot_be_started_is_a_failed_prepare(target: Target) -> None:
    broken = Entry(b"#!/nonexistent/interpreter\n", "100755")
    commit = target.publisher.release("t1", {"deploy/target/prepare.x": broken})

    assert target.ask("fetch", "t1", commit)["error"] == "prepare-failed"


def test_a_failing_live_hook_is_told_and_a_repeated_switch_runs_it_again(target: Target) -> None:
    hook = program("echo ran >> ../../ran; test -e ../../ready")
    commit = target.publisher.release("t1", {"deploy/target/live.x": hook})
    target.ask("fetch", "t1", commit)

    failed = target.ask("switch", "t1", commit)
    assert (failed["ok"], failed["error"], failed["live"]) == (False, "live-failed", "t1")

    (target.own / "ready").touch()
    for _ in range(3):
        assert target.ask("switch", "t1", commit)["ok"]
    assert (target.own / "ran").read_text() == "ran\nran\n"


def test_a_hanging_hook_is_ended_with_its_children_when_the_time_is_up(target: Target) -> None:
    hanging = program("echo started; sleep 600 & sleep 600")
    commit = target.publisher.release("t1", {"deploy/target/prepare.x": hanging})

    outcome = target.ask("fetch", "t1", commit, timeout=1)

    assert outcome["error"] == "timeout"
    repeated = target.publisher.release("t2", {"a": "1"})
    assert target.ask("fetch", "t2", repeated)["ok"]


def test_a_service_that_a_live_hook_starts_does_not_hold_the_slot(target: Target) -> None:
    pid = target.own / "service.pid"
    target.release("t1", {"deploy/target/live.x": program(f"sleep 600 & echo $! > '{pid}'")})
    service = int(pid.read_text())
    try:
        target.release("t2", {"a": "2"})
        os.kill(service, 0)  # it still runs: nobody has waited for its end
    finally:
        os.kill(service, signal.SIGKILL)


def test_git_variables_of_the_caller_do_not_reach_hooks(target: Target) -> None:
    leak = program('test -z "$GIT_DIR$GIT_WORK_TREE$GIT_INDEX_FILE"')
    target.release("t1", {"deploy/target/prepare.x": leak})


IN_ITS_OWN_PROCESS = """
import json, sys
from sartoris.agent.outcome import perform
perform(json.load(sys.stdin), sys.argv[1])
"""


@pytest.mark.parametrize("mode", ["atomic", "in-place"])
def test_a_live_hook_that_failed_is_due_until_a_repeated_switch_has_run_it(
    target: Target, mode: str
) -> None:
    hook = program('test -e "$(dirname "$GIT_DEPLOY_PATH")/ready"')
    commit = target.publisher.release("t1", {"deploy/target/live.x": hook})
    assert target.ask("fetch", "t1", commit, switch=mode)["due"] == []
    assert target.ask("switch", "t1", commit, switch=mode)["due"] == ["hooks"]
    for action in ("status", "verify", "fetch"):
        outcome = target.ask(action, "t1", commit, switch=mode)
        assert (outcome["ok"], outcome["live"], outcome["due"]) == (True, "t1", ["hooks"])

    (target.live.parent / "ready").touch()

    assert target.ask("switch", "t1", commit, switch=mode)["due"] == []
    assert target.ask("status", switch=mode)["due"] == []


def test_a_live_hook_that_was_cut_short_by_a_kill_is_due(target: Target) -> None:
    hook = program("test -e ../../ready || kill -KILL $PPID")
    commit = target.publisher.release("t1", {"deploy/target/live.x": hook})
    target.ask("fetch", "t1", commit)
    order = json.dumps(target.order("switch", "t1", commit)).encode()
    command = [sys.executable, "-c", IN_ITS_OWN_PROCESS, str(target.root)]
    ended = subprocess.run(command, input=order, check=False)
    assert ended.returncode == -signal.SIGKILL

    assert (target.ask("status")["live"], target.ask("status")["due"]) == ("t1", ["hooks"])

    (target.own / "ready").touch()
    assert target.ask("switch", "t1", commit)["due"] == []


@pytest.mark.parametrize("mode", ["atomic", "in-place"])
def test_where_the_release_has_no_live_hooks_none_are_due(target: Target, mode: str) -> None:
    target.release("t1", {"deploy/target/prepare.x": program("true")}, switch=mode)
    # Agents leave it so, older ones as well.
    assert json.loads((target.own / "state/slot0.json").read_text())["hooks"] == "due"

    assert target.ask("status", switch=mode)["due"] == []


def test_where_the_record_of_the_switch_is_lost_the_live_hooks_are_due(target: Target) -> None:
    ran = target.own / "ran"
    hook = program(f"echo ran >> '{ran}'")
    commit = target.release("t1", {"deploy/target/live.x": hook})
    (target.own / "state/slot0.json").unlink()
    assert target.ask("status")["due"] == ["hooks"]

    assert target.ask("switch", "t1", commit)["due"] == []
    assert ran.read_text() == "ran\nran\n"
