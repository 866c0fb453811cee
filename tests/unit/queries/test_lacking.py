"""What doctor makes of what targets lack, and what it says to type."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from sartoris.config.targets import Host
from sartoris.diagnostics import Finding
from sartoris.orders import Order, Outcome
from sartoris.queries.doctor.lacking import lacking
from sartoris.releases.packs import Packs
from sartoris.transports.base import Transport
from sartoris.transports.local import LocalTransport
from sartoris.transports.recording import RecordingTransport
from sartoris.transports.salt import SaltTransport
from sartoris.transports.ssh import SshTransport, Way

ORDER = Order(action="status", repository="site", slot="site", path="/srv/www/site")
NAMES = ("web1", "web2")
Steps = tuple[str, ...]


def told(lines: dict[str, list[str]], transport: Transport | None = None) -> list[Finding]:
    """What is found where targets lack these; those that lack nothing have git."""
    outcomes = [
        Outcome(action="status", target=name, ok=True, git="2.39.5", lacks=tuple(lacks))
        for name, lacks in lines.items()
    ]
    return list(lacking(outcomes, ORDER, transport or RecordingTransport(list(lines))))


def steps(line: str, transport: Transport) -> Steps:
    (found,) = told({"web1": [line]}, transport)
    assert found.state == "wrong"
    return found.next_steps


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("git-missing", "git-missing: git is not installed, or not in PATH (web1)"),
        (
            "git-too-old 2.29 2.20.1",
            "git-too-old: git is 2.20.1, and 2.29 or newer is needed (web1)",
        ),
        ("read-only /srv", "read-only: the file system of /srv is mounted read-only (web1)"),
        ("permission deploy /srv", "permission: deploy may not write to /srv (web1)"),
        (
            "no-space 1048576 67108864 /srv/www",
            "no-space: 1.0 MiB free at /srv/www, and a release may need 64 MiB (web1)",
        ),
        ("no-files 12 /", "no-files: room for 12 more files at / (web1)"),
    ],
)
def test_each_thing_that_is_lacking_is_said_in_words(line: str, text: str) -> None:
    (found,) = told({"web1": [line]})
    assert (found.state, found.text) == ("wrong", text)
    assert found.next_steps


def test_targets_that_lack_the_same_are_one_finding_with_the_worst_of_them() -> None:
    found = told(
        {
            "web1": ["no-space 900000 67108864 /srv", "git-missing"],
            "web2": ["no-space 500000 67108864 /srv"],
            "web3": [],
        }
    )
    assert [(one.state, one.text) for one in found] == [
        ("wrong", "git-missing: git is not installed, or not in PATH (web1)"),
        ("wrong", "no-space: 488 KiB free at /srv, and a release may need 64 MiB (web1, web2)"),
        ("ok", "1 target with room, a place to write to, and git 2.39.5"),
    ]
    assert found[1].next_steps == ("df -h /srv   # on web2",)


def test_nothing_is_said_of_targets_whose_agent_has_not_looked() -> None:
    (found,) = lacking([Outcome(action="status", target="web1", ok=True)], ORDER, _recording())
    assert found.state == "unknown"
    assert "too old to look at git" in found.text
    assert not list(lacking([_unreachable()], ORDER, _recording()))


def test_what_is_no_such_line_is_passed_over() -> None:
    lines = [
        "later-word x",
        "no-space many 1 /srv",
        "permission deploy /etc/sudoers.d",
        "permission $(reboot) /srv",
        "read-only srv",
        "git-too-old",
    ]
    assert not told({"web1": lines})


def _ssh(tmp_path: Path, *program: str) -> Transport:
    way = Way(program or ("ssh",))
    port = 0 if program else 2222
    return SshTransport([Host("web1", "deploy@web1", port)], way, Packs(tmp_path), forks=1)


def test_steps_for_targets_of_ssh_are_typed_here(tmp_path: Path) -> None:
    there, asking = "ssh -p 2222 deploy@web1", "ssh -t -p 2222 deploy@web1 sudo"
    ssh = _ssh(tmp_path)
    assert steps("git-missing", ssh) == (f"{asking} apt-get install -y git",)
    assert steps("read-only /srv", ssh) == (f"{there} findmnt --target /srv",)
    assert steps("permission deploy /srv", ssh) == (
        f"{there} ls -ld /srv",
        f"{asking} install -d -o deploy /srv/www",
    )
    assert steps("permission deploy /srv/www", ssh)[1] == f"{asking} chown deploy /srv/www"
    closed = steps("permission deploy /srv/www/.sartoris/site.git", ssh)
    assert closed[1] == f"{asking} chown -R deploy: /srv/www/.sartoris"
    docker = _ssh(tmp_path, "docker", "exec", "-i")
    assert steps("no-files 1 /srv", docker) == ("docker exec -i deploy@web1 df -i /srv",)


def test_a_shell_at_the_other_end_of_ssh_gets_the_words_as_they_are() -> None:
    step = Way(("ssh",)).by_hand(Host("web1", "web1"), "ls", "-ld", "/srv/our site's")
    *_, last = shlex.split(step)
    assert shlex.split(last) == ["/srv/our site's"]


@pytest.mark.parametrize(
    ("make", "step"),
    [
        (lambda: LocalTransport({"web1": Path("/var/fleet/web1")}, forks=1), "df -h {0}"),
        (lambda: SaltTransport(Path("/etc/salt"), "web*"), "salt web1 cmd.run 'df -h {1}'{2}"),
    ],
)
def test_steps_for_other_targets(make: Callable[[], Transport], step: str) -> None:
    found = steps("no-space 1 2 /srv", make())
    assert found == (step.format("/var/fleet/web1/srv", "/srv", "   # on the master"),)


def test_what_a_minion_runs_it_runs_as_root() -> None:
    (step,) = steps("git-missing", SaltTransport(Path("/etc/salt"), "web*"))
    assert step == "salt web1 cmd.run 'apt-get install -y git'   # on the master"


def _recording() -> Transport:
    return RecordingTransport(NAMES)


def _unreachable() -> Outcome:
    return Outcome(action="status", target="web1", ok=False, error="unreachable", message="away")
