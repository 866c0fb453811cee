"""What doctor says of jump hosts and of what logins cost, where there are many targets."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from sartoris.config.targets import Host
from sartoris.diagnostics import Finding
from sartoris.orders import Order
from sartoris.releases.packs import Packs
from sartoris.transports.ssh import SshTransport, Way
from sartoris.transports.ssh_connection import Login
from sartoris.transports.ssh_many import key_exchange, through_jump_hosts

HOSTS = {f"web{number}": Host(f"web{number}", f"web{number}") for number in range(1, 101)}


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program called ssh that reaches this machine, and knows what is in the file `settings`."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "settings").write_text("")
    program = tmp_path / "ssh"
    program.write_text(
        f'#!/bin/sh\ncase " $* " in *" -G "*) exec cat {tmp_path}/settings;; esac\nexec sh\n'
    )
    program.chmod(0o755)
    return program


def costs(ssh: Path, preferred: str, cpu: float, count: int) -> list[Finding]:
    """What is found where so many logins took `cpu` seconds each, on two processors."""
    ssh.with_name("settings").write_text(f"user deploy\nkexalgorithms {preferred},other\n")
    logins = {name: Login("3.11.2", "", 0.0, cpu) for name in list(HOSTS)[:count]}
    return list(key_exchange(Way((str(ssh), "-v")), HOSTS, logins))


@pytest.fixture(autouse=True)
def on_two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def test_a_costly_key_exchange_is_named_with_the_key_that_chooses_another(ssh: Path) -> None:
    (found,) = costs(ssh, "sntrup761x25519-sha512@openssh.com", 0.08, 100)
    assert found.state == "warning"
    assert "100 logins took 8 s of this machine's 2 processors" in found.text
    assert "ssh prefers sntrup761x25519-sha512@openssh.com" in found.text
    (step,) = found.next_steps
    assert step.startswith(
        f"git config deploy.ssh '{ssh} -v -o KexAlgorithms=^curve25519-sha256'   # "
    )


@pytest.mark.parametrize(
    ("preferred", "cpu", "count"),
    [
        ("sntrup761x25519-sha512@openssh.com", 0.08, 40),  # few
        ("sntrup761x25519-sha512@openssh.com", 0.01, 100),  # a quick machine
        ("curve25519-sha256", 0.08, 100),  # nothing is cheaper
    ],
)
def test_nothing_is_said_of_it_where_it_does_not_matter(
    ssh: Path, preferred: str, cpu: float, count: int
) -> None:
    assert not costs(ssh, preferred, cpu, count)


def test_a_jump_host_is_named_where_more_targets_are_behind_it_than_are_started_at_once() -> None:
    few = {f"db{number}": "small" for number in range(8)}
    many = {f"web{number}": "bastion" for number in range(9)}
    (found,) = through_jump_hosts({**few, **many})
    assert found.state == "ok"
    assert found.text.startswith("9 targets are reached through bastion: 8 connections at once")


@pytest.fixture
def nine(ssh: Path, tmp_path: Path) -> Iterator[SshTransport]:
    hosts = list(HOSTS.values())[:9]
    transport = SshTransport(hosts, Way((str(ssh),)), Packs(tmp_path), forks=9)
    with closing(transport):
        yield transport


def look(transport: SshTransport, tmp_path: Path) -> Mapping[str, str]:
    """What doctor finds, by name, once all targets have answered."""
    path = str(tmp_path / "srv" / "site")
    order = Order(action="status", repository="site", slot="site", path=path, timeout=60)
    assert all(one.ok for one in transport.run(order, transport.fleet()))
    (check,) = transport.checks(lambda *_: ())
    return {one.name: one.text for one in check.look()}


def test_doctor_knows_the_jump_host_that_ssh_s_own_configuration_names(
    ssh: Path, nine: SshTransport, tmp_path: Path
) -> None:
    ssh.with_name("settings").write_text("proxyjump inner,outer\nproxycommand none\n")
    assert "9 targets are reached through inner:" in look(nine, tmp_path)["jump host"]


def test_what_a_login_cost_here_is_measured(ssh: Path, tmp_path: Path) -> None:
    busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"
    ssh.write_text(f"#!/bin/sh\n{busy}\nexec sh\n")
    way = Way((str(ssh),))
    with closing(SshTransport([HOSTS["web1"]], way, Packs(tmp_path), forks=1)) as transport:
        look(transport, tmp_path)
        assert 0.02 < transport.logins()["web1"].cpu < 30


def test_where_root_logs_in_no_sudo_is_typed(ssh: Path) -> None:
    way, host = Way((str(ssh),)), HOSTS["web1"]
    ssh.with_name("settings").write_text("user root\n")
    assert way.by_hand(host, "sudo", "df", "/") == f"{ssh} -t web1 df /"
    ssh.with_name("settings").write_text("user deploy\n")
    assert way.by_hand(host, "sudo", "df", "/") == f"{ssh} -t web1 sudo df /"
