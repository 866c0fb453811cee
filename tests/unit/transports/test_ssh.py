"""Targets over two pipes: what a connection may do to us, and what it may not.

The programs here stand for ssh; what real ssh and sshd do is in `tests/ssh`.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from sartoris.config.targets import Host
from sartoris.diagnostics import Finding, Remedy, wrong
from sartoris.orders import Order, Outcome
from sartoris.releases.packs import Packs
from sartoris.transports import ssh, ssh_connection, ssh_start
from sartoris.transports.ssh import SshTransport, Way
from sartoris.transports.ssh_words import ended

IMPOSTOR = Path(__file__).with_name("impostor.py")
Make = Callable[..., SshTransport]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A program that reaches every target, and runs what it is given on this machine."""
    program = tmp_path / "here"
    program.write_text('#!/bin/sh\nshift\nexec "$@"\n')
    program.chmod(0o755)
    return program


@pytest.fixture
def reach(tmp_path: Path) -> Iterator[Make]:
    """Makes a transport whose targets are impostors, each of the kind that its name is."""
    program = tmp_path / "impostor"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {IMPOSTOR} {tmp_path} "$1"\n')
    program.chmod(0o755)
    made: list[SshTransport] = []

    def make(*names: str, program: Path = program, forks: int = 50) -> SshTransport:
        transport = SshTransport(
            [Host(name, name) for name in names], Way((str(program),)), Packs(tmp_path), forks=forks
        )
        made.append(transport)
        return transport

    yield make
    for transport in made:
        transport.close()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def with_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))


def status(path: Path | str = "/srv/site", timeout: int = 60) -> Order:
    return Order(action="status", repository="site", slot="site", path=str(path), timeout=timeout)


def ask(transport: SshTransport, order: Order | None = None) -> dict[str, Outcome]:
    targets = transport.fleet()
    return {one.target: one for one in transport.run(order or status(), targets)}


def starts(tmp_path: Path, name: str) -> int:
    return len((tmp_path / f"runs-{name}").read_text())


def test_the_agent_comes_along_and_answers_for_every_target(
    here: Path, reach: Make, tmp_path: Path
) -> None:
    outcomes = ask(reach("web1", "web2", "web3", program=here), status(tmp_path / "site"))
    assert {name: (one.ok, one.live) for name, one in outcomes.items()} == {
        "web1": (True, ""),
        "web2": (True, ""),
        "web3": (True, ""),
    }


def test_one_connection_carries_all_orders_of_a_command(reach: Make, tmp_path: Path) -> None:
    transport = reach("good")
    assert [ask(transport)["good"].live for _ in range(3)] == ["r1", "r1", "r1"]
    assert starts(tmp_path, "good") == 1


def test_what_a_login_says_first_does_no_harm(reach: Make, tmp_path: Path) -> None:
    noisy = tmp_path / "noisy"
    noisy.write_text(
        '#!/bin/sh\nprintf "Welcome to \\303\\050 \\000 web1"; echo warning >&2\nshift\nexec "$@"\n'
    )
    noisy.chmod(0o755)
    transport = reach("web1", program=noisy)
    assert ask(transport, status(tmp_path / "site"))["web1"].ok
    assert "Welcome to" in transport.logins()["web1"].said


def test_a_connection_that_was_lost_is_opened_anew_once(reach: Make, tmp_path: Path) -> None:
    outcomes = ask(reach("lost-once", "always-lost"))
    assert outcomes["lost-once"].ok
    assert starts(tmp_path, "lost-once") == 2
    assert (outcomes["always-lost"].error, outcomes["always-lost"].silent) == ("unreachable", True)
    assert outcomes["always-lost"].message.startswith("the connection was lost: ")
    assert starts(tmp_path, "always-lost") == 2


def test_an_agent_that_dies_twice_in_the_middle_was_killed(reach: Make) -> None:
    outcome = ask(reach("dies"))["dies"]
    assert (outcome.error, outcome.silent) == ("killed", True)
    assert "exit code 137 in the middle of the order" in outcome.message


def test_a_server_that_is_too_busy_is_asked_again(reach: Make, tmp_path: Path) -> None:
    assert ask(reach("busy-once"))["busy-once"].ok
    assert starts(tmp_path, "busy-once") == 2


@pytest.mark.parametrize("kind", ["no-json", "huge-frame"])
def test_what_is_no_outcome_is_one_target_s_failure(reach: Make, kind: str) -> None:
    outcomes = ask(reach(kind, "good"))
    assert outcomes["good"].ok
    assert outcomes[kind].error == "crashed"
    assert "no outcome" in outcomes[kind].message


def test_an_answer_that_breaks_off_is_no_answer(reach: Make) -> None:
    outcome = ask(reach("half-a-frame"))["half-a-frame"]
    assert (outcome.ok, outcome.error) == (False, "unreachable")


def test_a_character_in_two_parts_is_one(reach: Make) -> None:
    assert ask(reach("split-character"))["split-character"].output == "ä"


def test_a_target_that_hangs_is_given_up_and_ended_and_holds_nobody_up(
    reach: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "_AFTER", 0.2)
    transport = reach("hangs", "good")
    first, *_ = found = list(transport.run(status(timeout=1), transport.fleet()))
    assert first.target == "good"
    assert [(one.target, one.error) for one in found[1:]] == [("hangs", "timeout")]
    _wait(lambda: not _children("hangs"))


def test_a_login_that_never_ends_is_unreachable(
    reach: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_connection, "LOGIN", 0.5)
    outcome = ask(reach("mute"))["mute"]
    assert (outcome.error, outcome.message) == (
        "unreachable",
        "the login took longer than 0.5 s",
    )


def test_who_does_not_answer_is_known_before_any_order(reach: Make, tmp_path: Path) -> None:
    (tmp_path / "says-no").write_text("Connection refused\n")
    transport = reach("good", "says-no", "mute")
    transport.prepare()
    assert transport.not_answering(3.0) == {
        "says-no": "the connection was refused",
        "mute": "",
    }


def test_a_program_that_is_not_there_is_named(reach: Make, tmp_path: Path) -> None:
    outcome = ask(reach("web1", program=tmp_path / "tsh"))["web1"]
    assert outcome.error == "unreachable"
    assert "tsh is not installed on the deployment server" in outcome.message


def test_a_target_without_python_says_so(reach: Make, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    (tmp_path / "bin").mkdir()
    bare.write_text(f"#!/bin/sh\nshift\nPATH={tmp_path}/bin\nexec /bin/sh\n")
    bare.chmod(0o755)
    outcome = ask(reach("web1", program=bare))["web1"]
    assert (outcome.error, outcome.message) == (
        "python-missing",
        "no Python 3.9 or newer that the agent can run with",
    )


def test_a_target_whose_python_is_too_old_says_which_it_has(
    reach: Make, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_start, "OLDEST_PYTHON", (4, 0))
    monkeypatch.setattr(ssh_start, "_PYTHONS", ("python3",))
    outcome = ask(reach("web1", program=here))["web1"]
    assert outcome.error == "python-missing"
    assert "; there is 3." in outcome.message


def test_a_target_with_another_kind_of_python_gets_the_source(
    reach: Make, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_start, "MAGIC_NUMBER", b"\0\0\0\0")
    assert ask(reach("web1", program=here), status(tmp_path / "site"))["web1"].ok


def test_a_kept_agent_that_a_disk_has_spoiled_is_made_anew(
    reach: Make, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    ssh_start._compiled.cache_clear()
    assert ask(reach("web1", program=here), status(tmp_path / "site"))["web1"].ok
    (kept,) = (tmp_path / "cache" / "sartoris").iterdir()
    kept.write_bytes(kept.read_bytes()[:1000])
    ssh_start._compiled.cache_clear()
    assert ask(reach("web2", program=here), status(tmp_path / "site"))["web2"].ok


def test_closing_leaves_nothing_behind(here: Path, tmp_path: Path) -> None:
    transport = SshTransport(
        [Host("web1", "web1"), Host("web2", "web2")], Way((str(here),)), Packs(tmp_path), forks=2
    )
    ask(transport, status(tmp_path / "site"))
    ours = _children("sh")
    transport.close()
    assert not ours & _children("sh")


def test_an_agent_ends_with_its_connection_and_so_does_what_it_started(tmp_path: Path) -> None:
    """The controller is killed while a program of a release runs."""
    started = tmp_path / "started"
    script = f"""
import sys
from sartoris.transports import ssh_start
import subprocess
program = subprocess.Popen(["sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
mark = ssh_start.new_mark()
program.stdin.write(ssh_start.command(mark)); program.stdin.flush()
while not (line := program.stdout.readline()).startswith(mark.encode()): pass
agent = '''
import os, subprocess, sys
sys.argv = ["agent"]
exec(compile(open({str(tmp_path / "agent.py")!r}).read(), "agent", "exec"))
child = None
with tied_to(0):
    subprocess.run(["sh", "-c", "echo $$ > {started}; exec sleep 600"], start_new_session=True)
'''
import zlib
content = zlib.compress(agent.encode())
program.stdin.write(b"s" + len(content).to_bytes(4, "big") + content); program.stdin.flush()
print(program.pid, flush=True)
sys.stdin.read()
"""
    from sartoris.agent.joined import joined

    (tmp_path / "agent.py").write_text(joined().replace('if __name__ == "__main__":', "if False:"))
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as controller:
        assert controller.stdout
        agent = int(controller.stdout.readline())
        _wait(lambda: started.exists() and started.read_text().strip() != "")
        sleeping = int(started.read_text())
        controller.kill()
    _wait(lambda: not _runs(agent) and not _runs(sleeping))


def findings(transport: SshTransport) -> list[Finding]:
    """What `doctor` finds, where targets answer as they do."""

    def answers(targets: Sequence[str], remedy: Remedy) -> Iterator[Finding]:
        for one in transport.run(status(), targets):
            if not one.ok:
                yield wrong("answers", one.message, *remedy(one.error, [one.target]))

    (check,) = transport.checks(answers)
    return list(check.look())


def test_doctor_says_of_each_target_what_to_type(reach: Make, tmp_path: Path) -> None:
    (tmp_path / "says-key").write_text("Host key verification failed.\n")
    (tmp_path / "says-no").write_text("root@web1: Permission denied (publickey).\n")
    program = tmp_path / "impostor"
    found = {one.text: one for one in findings(reach("says-key", "says-no", "good"))}
    assert found["ssh does not know its host key"].next_steps == (
        "git deploy doctor --host-keys   # shows new ones, and asks once",
        f"{program} says-key true   # by hand, for one that has changed",
    )
    refused = found["it does not let ssh in with the keys that there are"]
    assert refused.next_steps == (
        f"{program} says-no true   # by hand",
        "ssh-copy-id says-no",
    )


def test_doctor_knows_of_clocks_and_of_what_a_login_says(reach: Make, here: Path) -> None:
    here.write_text('#!/bin/sh\necho Welcome\nshift\nexec "$@"\n')
    texts = [f"{one.state} {one.text}" for one in findings(reach("web1", program=here))]
    assert "ok web1 says something at a login, which does no harm: Welcome" in texts
    (clock,) = [one for one in findings(reach("good")) if one.name == "clocks"]
    assert clock.state == "warning"  # the impostor's is of 1970
    assert "s behind this machine's" in clock.text


def test_doctor_names_a_limit_of_open_files_that_is_too_low(
    reach: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (52, 52))
    (limit,) = [one for one in findings(reach("good")) if one.name == "open files"]
    assert "may have 52 files open, and connections to 1 target need 53" in limit.text


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        ("Host key verification failed.", "host-key", "ssh does not know its host key"),
        (
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            "host-key",
            "its host key is not the one that ssh knows",
        ),
        ("root@web1: Permission denied (publickey).", "login-refused", "keys that there are"),
        ("sudo: a password is required", "login-refused", "sudo asks for a password"),
        ("sudo: sorry, you must have a tty to run sudo", "login-refused", "sudo wants a terminal"),
        ("ssh: connect to host web1 port 22: Connection refused", "unreachable", "was refused"),
        ("ssh: connect to host web1 port 22: No route to host", "unreachable", "no route"),
        ("ssh: Could not resolve hostname web1: Name or service not known", "unreachable", "name"),
        ("Connection timed out during banner exchange", "unreachable", "did not answer in time"),
        ("something new", "unreachable", "ssh failed: something new"),
        ("", "unreachable", "ssh said nothing"),
    ],
)
def test_what_ssh_says_is_said_in_the_same_words_for_all_targets(
    said: str, error: str, message: str
) -> None:
    why = ended(255, said, "")
    assert why.error == error
    assert message in why.message
    assert "web1" not in why.message


@pytest.mark.parametrize(
    ("said", "again"),
    [
        ("ssh: Could not resolve hostname web1: Temporary failure in name resolution", True),
        ("ssh: Could not resolve hostname web1: Name or service not known", False),
        ("kex_exchange_identification: read: Connection reset by peer", True),
        ("ssh: connect to host web1 port 22: Connection refused", False),
        ("root@web1: Permission denied (publickey).", False),
    ],
)
def test_only_what_passes_in_a_moment_is_tried_again(said: str, again: bool) -> None:
    assert ended(255, said, "").again is again


def test_an_account_without_a_shell_is_no_mystery() -> None:
    why = ended(1, "", "This account is currently not available.\n")
    assert (why.error, why.message) == ("login-refused", "the account has no shell there")


def test_options_of_ours_stand_behind_those_that_deploy_ssh_has() -> None:
    way = Way(("ssh", "-o", "ConnectTimeout=30"), user="www")
    words = way.words(Host("web1", "deploy@web1.example.com", 2222))
    assert words.index("ConnectTimeout=30") < words.index(f"ConnectTimeout={ssh.CONNECT}")
    assert words[-9:] == [
        *("-p", "2222", "deploy@web1.example.com"),
        *("sudo", "-n", "-H", "-u", "www", "sh"),
    ]
    assert not any("StrictHostKeyChecking" in word for word in words)
    assert Way(("docker", "exec", "-i")).words(Host("web1", "web1")) == [
        *("docker", "exec", "-i", "web1", "sh"),
    ]


def _children(name: str) -> set[int]:
    """The processes below this one that have the name in their command line."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            words = (process / "cmdline").read_bytes().split(b"\0")
            if parent == os.getpid() and name.encode() in words:
                found.add(int(process.name))
    return found


def _runs(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def _wait(done: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.02)
