"""What happens to servers, networks and deployment servers while a rollout goes on."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.ssh.conftest import (
    Build,
    SshSite,
    started_with_a_change,
    wait_until,
)
from tests.ssh.servers import Servers
from tests.system.site import Ran


def failures(ran: Ran) -> dict[str, tuple[str, str]]:
    """The error and message of each target that failed, by `--json`."""
    outcomes = [one["outcome"] for one in ran.events if one["event"] == "target-answered"]
    return {one["target"]: (one["error"], one["message"]) for one in outcomes if not one["ok"]}


def test_targets_that_refuse_stop_the_sync_where_nothing_has_switched(deployed: SshSite) -> None:
    first = deployed.live("web1")
    started_with_a_change(deployed)
    deployed.fleet.servers["web2"].stop()
    ran = deployed.deploy("sync", "--json")
    assert ran.code == 71
    assert failures(ran) == {"web2": ("unreachable", "the connection was refused")}
    assert {deployed.live("web1"), deployed.live("web3")} == {first}
    deployed.fleet.servers["web2"].start()
    deployed.ok("resync")
    assert deployed.live("web2") != first


def test_a_target_that_hangs_before_its_banner_is_given_up(deployed: SshSite) -> None:
    """It takes connections, and says nothing."""
    web2 = deployed.fleet.servers["web2"]
    web2.stop()
    with closing(socket.create_server(("127.0.0.1", web2.port))):
        deployed.set("deploy.ssh", f"{deployed.fleet.program} -o ConnectTimeout=2")
        deployed.config("deploy.max-failed", "1")
        started_with_a_change(deployed)
        ran = deployed.ok("sync")
    assert "it did not answer in time" in ran.err
    assert "is live on 2 of 3 targets" in ran.err
    assert deployed.files("web1")["index.php"] == "version 2\n"


def test_one_that_restarts_between_two_orders_is_connected_to_again(deployed: SshSite) -> None:
    """A hook of the deployment server stands for the moment between fetch and switch."""
    started_with_a_change(deployed)
    web2 = deployed.fleet.servers["web2"]
    done = threading.Event()

    def restart_it() -> None:
        wait_until(
            lambda: (
                (web2.srv / "site/.sartoris/releases").exists()
                and any(
                    one.name != deployed.live("web1")
                    for one in (web2.srv / "site/.sartoris/releases").iterdir()
                )
            )
        )
        web2.stop()
        web2.start()
        done.set()

    restarting = threading.Thread(target=restart_it)
    restarting.start()
    ran = deployed.deploy("sync")
    restarting.join()
    assert done.is_set()
    if ran.code != 0:  # the fetch itself was hit
        deployed.ok("resync")
    assert deployed.files("web2")["index.php"] == "version 2\n"


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("Banner /etc/issue\n", "a banner"),
        ('ForceCommand echo "Welcome, friend"; exec sh -c "$SSH_ORIGINAL_COMMAND"\n', "forced"),
    ],
)
def test_what_servers_say_at_a_login_does_no_harm(build: Build, more: str, what: str) -> None:
    site = build(["web1"], more)
    site.ok("start")
    site.ok("sync")
    assert site.live("web1"), what


def test_a_forced_command_that_runs_something_else_is_no_agent(build: Build) -> None:
    site = build(["web1"], "ForceCommand echo backup only\n")
    site.ok("start")
    ran = site.deploy("sync")
    assert ran.code == 71
    assert "backup only" in ran.err


def test_a_host_key_that_has_changed_is_told_from_one_that_is_new(site: SshSite) -> None:
    public = site.fleet.host_key.with_suffix(".pub").read_text()
    other = site.fleet.key.with_suffix(".pub").read_text()
    ports = {name: one.port for name, one in site.fleet.servers.items()}
    site.fleet.known_hosts.write_text(
        f"[127.0.0.1]:{ports['web1']} {public}[127.0.0.1]:{ports['web2']} {other}"
    )
    site.ok("start")
    ran = site.deploy("sync", "--json")
    changed = "its host key is not the one that ssh knows: another machine, or one that was set up"
    assert failures(ran) == {
        "web2": ("host-key", f"{changed} anew"),
        "web3": ("host-key", "ssh does not know its host key"),
    }


def test_new_host_keys_are_shown_and_known_after_one_yes(site: SshSite) -> None:
    site.fleet.known_hosts.write_text("")
    site.deploy("doctor")
    told = site.deploy("doctor")
    assert "git deploy doctor --host-keys" in told.out
    ran = site.ok("doctor", "--host-keys", "--yes")
    for name in site.fleet.servers:
        assert f"{name}  256 SHA256:" in ran.err
    site.ok("start")
    site.ok("sync")


def test_a_host_with_another_key_than_the_known_one_is_never_added(site: SshSite) -> None:
    other = site.fleet.key.with_suffix(".pub").read_text()
    known = f"[127.0.0.1]:{site.fleet.servers['web1'].port} {other}"
    public = site.fleet.host_key.with_suffix(".pub").read_text()
    site.fleet.known_hosts.write_text(
        known
        + "".join(
            f"[127.0.0.1]:{site.fleet.servers[name].port} {public}" for name in ("web2", "web3")
        )
    )
    before = site.fleet.known_hosts.read_text()
    ran = site.ok("doctor", "--host-keys", "--yes")
    assert "its key is another one than ssh knows" in ran.err
    assert site.fleet.known_hosts.read_text() == before


def test_a_key_that_is_not_let_in_is_a_refused_login(site: SshSite) -> None:
    (site.fleet.directory / "authorized_keys").write_text("")
    told = site.deploy("doctor")
    assert "it does not let ssh in" in told.out
    site.ok("start")
    ran = site.deploy("sync")
    assert ran.code == 71
    assert "it does not let ssh in with the keys that there are (web1, web2, web3)" in ran.err


def test_an_expired_certificate_is_a_refused_login_and_doctor_names_it(
    servers: Servers, build: Build
) -> None:
    """ssh itself says no more than that it was refused."""
    expired = servers.certify("-2h:-1h")
    authority = servers.authority.with_suffix(".pub")
    site = build(["web1"], f"TrustedUserCAKeys {authority}\nAuthorizedKeysFile none\n")
    site.ok("start")
    ran = site.deploy("sync", "--json")
    refused = "it does not let ssh in with the keys that there are"
    assert failures(ran) == {"web1": ("login-refused", refused)}
    told = site.deploy("doctor")
    assert f"ssh-keygen -L -f {expired}   # this certificate has expired: 20" in told.out
    servers.certify("-1h:+1h")
    site.ok("resync")
    assert site.live("web1") == site.desired()


def test_a_disk_that_is_full_stops_the_fetch(site: SshSite) -> None:
    """A small file system of its own, in the target's namespace."""
    site.fleet.servers["web1"].mount("-t", "tmpfs", "-o", "size=64k", "none", "/srv")
    site.commit({"large": os.urandom(200_000).hex()})
    site.push()
    site.ok("start")
    ran = site.deploy("sync", "--json")
    assert [error for error, _ in failures(ran).values()] == ["no-space"]


def test_a_path_on_a_read_only_disk_stops_the_fetch(site: SshSite) -> None:
    site.fleet.servers["web1"].mount("-o", "remount,bind,ro", "/srv")
    site.ok("start")
    ran = site.deploy("sync", "--json")
    assert [error for error, _ in failures(ran).values()] == ["read-only"]


def test_a_connection_on_which_nothing_comes_back_is_given_up_and_opened_anew(
    deployed: SshSite,
) -> None:
    """The server's side of it is stopped in the middle of the fetch, and says nothing any more."""
    deployed.preparing("echo x >> /srv/began\n[ -e /srv/again ] || sleep 3")
    deployed.ok("start")
    web2 = deployed.fleet.servers["web2"]
    with deployed.spawn("sync") as process:
        wait_until((web2.srv / "began").exists)
        (web2.srv / "again").touch()
        stopped = web2.logged_in()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        _, err = process.communicate(timeout=60)
    for pid in stopped:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    assert process.returncode == 0, err.decode()
    assert deployed.live("web2") == deployed.live("web1")


def test_a_configuration_of_ssh_with_all_that_people_put_there_is_ssh_s_own_business(
    build: Build, tmp_path: Path
) -> None:
    """Sockets of one's own, which outlive the command, a banner of one's own, Match, Include."""
    site = build(["web1", "web2"])
    sockets = tempfile.mkdtemp(prefix="cp-", dir="/tmp")  # a socket's path has to be short
    included = tmp_path / "included"
    included.write_text(
        "Match host web1 exec true\n  SetEnv COLOUR=blue\nHost *\n  ControlMaster auto\n"
        f"  ControlPath {sockets}/%C\n  ControlPersist 60\n  RemoteCommand tmux\n"
        "  RequestTTY force\n  LocalForward 127.0.0.1:1 127.0.0.1:2\n  LogLevel INFO\n"
    )
    site.fleet.write_config(f"Include {included}\n")
    try:
        site.ok("start")
        site.ok("sync")
        assert site.live("web1") == site.live("web2") == site.desired()
    finally:
        for name in site.fleet.servers:
            ssh = ["ssh", "-F", str(site.fleet.ssh_config), "-O", "exit", name]
            subprocess.run(ssh, capture_output=True, check=False)
        shutil.rmtree(sockets)


def _ended_by(process: subprocess.Popen[bytes], number: signal.Signals) -> bool:
    """After the first Ctrl-C it waits for those who are at it, as long as they may take; the
    second is for those who do not want to wait.
    """
    process.send_signal(number)
    with suppress(subprocess.TimeoutExpired):
        process.wait(0.5)
    return process.poll() is not None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_of_ours_is_left_when_the_controller_goes_in_the_middle(
    deployed: SshSite, number: signal.Signals
) -> None:
    """A program of the release sleeps for ten minutes, on each target."""
    deployed.preparing("touch /srv/began\nexec sleep 600")
    deployed.ok("start")
    with deployed.spawn("sync") as process:
        wait_until(
            lambda: all((one.srv / "began").exists() for one in deployed.fleet.servers.values())
        )
        assert deployed.agents()
        wait_until(lambda: _ended_by(process, number))
    wait_until(lambda: not deployed.agents())
    status = deployed.deploy("status", "--json").document
    assert status
    deployed.ok("abort")
    assert len({deployed.live(name) for name in deployed.fleet.servers}) == 1


def with_open_files(site: SshSite, most: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Type `git deploy ARGUMENTS` where no process may have more files open than that."""
    program = "from sartoris.cli.main import git_deploy; git_deploy()"
    return subprocess.run(
        [
            "sh",
            "-c",
            f'ulimit -n {most}; exec "$@"',
            "sh",
            sys.executable,
            "-c",
            program,
            *arguments,
        ],
        cwd=site.repo,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_too_few_open_files_are_said_with_the_number_before_anything_is_done(
    deployed: SshSite,
) -> None:
    first, tags = deployed.live("web1"), deployed.tags()
    refused = with_open_files(deployed, 55, "start")
    assert refused.returncode == 1
    assert "may have 55 files open, and connections to 3 targets need 59" in refused.stderr
    assert "ulimit -n 59" in refused.stderr
    assert deployed.holder is None
    assert deployed.tags() == tags
    started_with_a_change(deployed)
    assert with_open_files(deployed, 55, "sync").returncode == 1
    assert {deployed.live(name) for name in deployed.fleet.servers} == {first}
    ran = with_open_files(deployed, 59, "sync")
    assert ran.returncode == 0, ran.stderr
    assert deployed.files("web3")["index.php"] == "version 2\n"


def test_a_target_that_is_cut_off_in_the_middle_stops_the_sync_and_is_there_for_the_next(
    build: Build,
) -> None:
    """Its cable is pulled while a program of the release runs there."""
    site = build(["web1", "web2"], elsewhere=["web2"])
    site.ok("start")
    site.ok("sync")
    first = site.live("web1")
    web2 = site.fleet.servers["web2"]
    assert web2.network
    site.preparing("touch /srv/began\nwhile [ -e /srv/wait ]; do sleep 0.1; done")
    (web2.srv / "wait").touch()
    soon = "-o ServerAliveInterval=1 -o ServerAliveCountMax=2 -o ConnectTimeout=2"
    site.set("deploy.ssh", f"{site.fleet.program} {soon}")
    site.ok("start")
    with site.spawn("sync", "--json") as process:
        wait_until((web2.srv / "began").exists)
        web2.network.cut()
        out, err = process.communicate(timeout=60)
    ran = Ran(process.returncode, out.decode(), err.decode())
    assert ran.code == 71, ran.err
    assert [(name, error) for name, (error, _) in failures(ran).items()] == [
        ("web2", "unreachable")
    ]
    assert {site.live("web1"), site.live("web2")} == {first}
    web2.network.mend()
    (web2.srv / "wait").unlink()
    site.ok("resync")
    assert site.live("web2") == site.live("web1") != first
