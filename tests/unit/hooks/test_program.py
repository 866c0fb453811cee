"""How one hook runs: its output, its time, and the ways in which it can end."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from sartoris.hooks import HookFailed, HookReport, Phase, program

from .conftest import CONTEXT, HookSite

NAME = "apps/common/pre-sync.1"


def _failure(site: HookSite, *, timeout: float = 30) -> HookFailed:
    with pytest.raises(HookFailed) as caught:
        site.hooks(timeout=timeout).run(Phase.PRE_SYNC, CONTEXT)
    return caught.value


def _report(site: HookSite) -> HookReport:
    site.hooks().run(Phase.PRE_SYNC, CONTEXT)
    return site.told[-1]


def test_both_streams_go_to_standard_error_and_nothing_to_standard_output(
    site: HookSite, capfd: pytest.CaptureFixture[str]
) -> None:
    site.add(NAME, "echo out; echo err >&2; printf end")

    report = _report(site)

    assert capfd.readouterr() == ("", "out\nerr\nend")
    assert report.output_tail == "out\nerr\nend"
    assert 0 < report.seconds < 20


def test_output_is_shown_while_the_hook_runs(site: HookSite) -> None:
    ours, theirs = site.work_tree / "go", site.work_tree / "gone"
    os.mkfifo(ours)
    site.add(NAME, "echo waiting", f'read answer < "{ours}"', f'echo "$answer" > "{theirs}"')

    with _elsewhere(site) as running:
        assert running.stderr is not None
        assert running.stderr.readline() == b"waiting\n"
        ours.write_text("go\n")

    assert theirs.read_text() == "go\n"


def test_a_hook_that_writes_very_much_takes_no_memory(
    site: HookSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add(NAME, "yes 0123456789 | head -c 30000000; echo; echo last")
    with Path(os.devnull).open("w") as nowhere:
        monkeypatch.setattr(sys, "stderr", nowhere)
        tracemalloc.start()
        report = _report(site)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert peak < 1_000_000
    assert len(report.output_tail) < 20_000
    assert report.output_tail.endswith("\nlast")


def test_when_nobody_reads_our_standard_error_the_hook_runs_on(
    site: HookSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add(NAME, "yes | head -c 300000; echo last")
    reader, writer = os.pipe()
    os.close(reader)
    with io.TextIOWrapper(io.FileIO(writer, "w"), write_through=True) as gone:
        monkeypatch.setattr(sys, "stderr", gone)
        report = _report(site)

    assert report.output_tail.endswith("last")


def test_a_child_that_holds_the_pipe_does_not_hold_us(
    site: HookSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "LINGER", 0.05)
    end = tmp_path / "end"
    os.mkfifo(end)
    site.add(NAME, f'(read x < "{end}") &', "echo done")

    report = _report(site)

    assert report.ok
    assert report.output_tail == "done"
    assert report.seconds < 5
    end.write_text("x\n")  # would block for ever if the child had been killed


def test_a_child_that_writes_on_and_on_does_not_hold_us(
    site: HookSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "LINGER", 0.05)
    site.add(NAME, "yes &", "exit 4")

    assert _failure(site).report.exit_code == 4


def test_what_a_child_writes_shortly_after_the_hook_is_still_shown(site: HookSite) -> None:
    site.add(NAME, "(sleep 0.05; echo late) &", "echo early")

    assert _report(site).output_tail == "early\nlate"


def _sign_of_life(directory: Path) -> tuple[str, int]:
    """A line for a hook, and a descriptor that is at its end when all that it started is dead."""
    alive = directory / "alive"
    os.mkfifo(alive)
    return f'exec 9> "{alive}"', os.open(alive, os.O_RDONLY | os.O_NONBLOCK)


def _is_dead(reader: int) -> bool:
    poll = select.poll()
    poll.register(reader, 0)  # asks for nothing but the end, which a killed process may still reach
    ended = bool(poll.poll(10_000))
    os.close(reader)
    return ended


def test_a_hook_that_takes_too_long_is_stopped_with_all_its_children(
    site: HookSite, tmp_path: Path
) -> None:
    alive, reader = _sign_of_life(tmp_path)
    site.add(NAME, alive, "echo began", "sleep 60 & sleep 60")

    error = _failure(site, timeout=0.3)

    assert error.message.endswith("pre-sync.1 took longer than 0.3 seconds and was stopped")
    assert (error.report.exit_code, error.report.output_tail) == (None, "began")
    assert _is_dead(reader)


def test_a_hook_may_tidy_up_when_its_time_is_over(site: HookSite) -> None:
    site.add(NAME, "trap 'echo tidied; exit 0' TERM", "sleep 60 & wait")

    assert _failure(site, timeout=0.2).report.output_tail == "tidied"


def test_a_hook_that_will_not_end_is_killed(
    site: HookSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "GRACE", 0.2)
    alive, reader = _sign_of_life(tmp_path)
    site.add(NAME, alive, "trap '' TERM", "while :; do sleep 60; done")

    assert "was stopped" in _failure(site, timeout=0.3).message
    assert _is_dead(reader)


def test_a_hook_without_a_time_limit_may_take_its_time(site: HookSite) -> None:
    site.add(NAME, "sleep 0.2")

    site.hooks(timeout=0).run(Phase.PRE_SYNC, CONTEXT)

    assert site.told[-1].seconds >= 0.2


@pytest.mark.parametrize("name", ["KILL", "TERM", "SEGV"])
def test_a_hook_killed_by_a_signal_is_said_to_be(site: HookSite, name: str) -> None:
    site.add(NAME, "ulimit -c 0", f"kill -{name} $$")

    error = _failure(site)

    assert error.message.endswith(f"pre-sync.1 was killed by SIG{name}")
    assert error.report.exit_code == -signal.Signals[f"SIG{name}"]


def test_a_signal_without_a_name_is_said_by_number() -> None:
    report = HookReport(Path("x"), "log", exit_code=-40)

    assert report.failure == "was killed by signal 40"


@pytest.mark.parametrize(
    ("first", "asked_for", "why"),
    [
        ("#! /usr/bin/no-such-perl -w", '"/usr/bin/no-such-perl -w"', "No such file"),
        ("#!/bin/sh\r", '"/bin/sh\\r"', "No such file"),
        ("#!/etc/passwd", '"/etc/passwd"', "Permission denied"),
    ],
)
def test_a_bad_interpreter_line_is_said_to_be(
    site: HookSite, first: str, asked_for: str, why: str
) -> None:
    site.add(NAME, "echo never", first=first)

    error = _failure(site)

    assert f"cannot be started: its first line asks for {asked_for}: {why}" in error.message
    assert (error.report.exit_code, error.report.seconds) == (None, 0.0)


def test_a_script_without_an_interpreter_line_is_the_shells_as_in_git_deploy(
    site: HookSite,
) -> None:
    site.add(NAME, "exit 6", first="echo plain")

    error = _failure(site)

    assert (error.report.exit_code, error.report.output_tail) == (6, "plain")


def test_a_program_for_another_machine_is_not_given_to_the_shell(site: HookSite) -> None:
    site.add(NAME, "\0\0", first="\x7fELF")

    assert "cannot be started: Exec format error" in _failure(site).message


def test_a_work_tree_that_is_gone_is_said_to_be(site: HookSite) -> None:
    site.add(NAME)
    site.work_tree.rmdir()

    assert f"cannot be started: {site.work_tree} is not a directory" in _failure(site).message


def test_no_descriptor_and_no_thread_is_left_behind(site: HookSite) -> None:
    site.add(NAME, "echo x")
    site.add("apps/common/pre-sync.2", first="#!/no/such/thing")
    before = len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(5):
        _failure(site)

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_an_interrupt_stops_the_hook(site: HookSite) -> None:
    alive = site.work_tree / "alive"
    os.mkfifo(alive)
    site.add(NAME, f'exec 9> "{alive}"', "echo began >&9", "sleep 60")

    with _elsewhere(site) as running, alive.open() as reader:
        assert reader.readline() == "began\n"
        running.send_signal(signal.SIGINT)
        assert reader.read() == ""

    assert running.returncode == -signal.SIGINT


_RUN = """
import os, signal, sys
from pathlib import Path
from sartoris.hooks import HookContext, HookFailed, Hooks, Phase
from sartoris.hooks.listener import HookListener
signal.signal(signal.SIGINT, signal.default_int_handler)
if len(sys.argv) > 3:
    terminal = os.open(sys.argv[3], os.O_RDWR)  # and so the controlling one of this session
    for standard in (0, 1, 2):
        os.dup2(terminal, standard)
hooks = Hooks(Path(sys.argv[1]), Path(sys.argv[2]), timeout=30, listener=HookListener())
try:
    hooks.run(Phase.PRE_SYNC, HookContext("sync", "slot0"))
except HookFailed as error:
    os.write(2, ("failed: " + error.report.failure).encode())
except KeyboardInterrupt:
    os.write(2, b"interrupted" if len(sys.argv) > 3 else b"")
    if len(sys.argv) <= 3:
        raise
os.write(2, b" foreground" if len(sys.argv) > 3 and os.tcgetpgrp(0) == os.getpgrp() else b"")
"""


def _elsewhere(site: HookSite, *more: str) -> subprocess.Popen[bytes]:
    """The phase, run in a process and a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", _RUN, site.directory, site.work_tree, *more],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _at_a_terminal(site: HookSite, typed: bytes, *, when: bytes) -> bytes:
    """What is on the screen at the end, if `typed` is typed once `when` is on it."""
    ours, theirs = os.openpty()
    with _elsewhere(site, os.ttyname(theirs)) as running:
        screen = b""
        while when not in screen:
            screen += os.read(ours, 1000)
        os.write(ours, typed)
        running.wait()
    os.set_blocking(ours, False)
    screen += os.read(ours, 10_000)
    os.close(ours)
    os.close(theirs)
    return screen


def test_a_hook_can_ask_a_question_at_the_terminal(site: HookSite) -> None:
    site.add(NAME, "printf 'sure? ' > /dev/tty", "read answer", "echo you said $answer")

    screen = _at_a_terminal(site, b"yes\n", when=b"sure? ")

    assert b"you said yes" in screen
    assert screen.endswith(b" foreground")


@pytest.mark.parametrize(
    "ends", ["exec sleep 60", "trap 'exit 130' INT; echo set; sleep 60 & wait"]
)
def test_ctrl_c_at_the_terminal_is_the_hooks_and_interrupts_us_as_well(
    site: HookSite, ends: str
) -> None:
    # `exec`: a shell that gets the signal just before it starts a child waits for that child.
    site.add(NAME, "echo ready", ends)

    screen = _at_a_terminal(site, b"\x03", when=b"ready" if "exec" in ends else b"set")

    assert screen.endswith(b"interrupted foreground")


def test_ctrl_z_at_the_terminal_does_not_leave_a_hook_asleep(site: HookSite) -> None:
    site.add(NAME, "echo ready", "read answer", "echo you said $answer")

    assert b"you said yes" in _at_a_terminal(site, b"\x1ayes\n", when=b"ready")
