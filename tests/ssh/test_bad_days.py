"""What happens to servers, networks and deployment servers while a rollout goes on."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
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
    program = deployed.repo / "deploy" / "target" / "prepare.10-wait"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho x >> /srv/began\n[ -e /srv/again ] || sleep 3\n")
    program.chmod(0o755)
    deployed.commit({})
    deployed.push()
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
    release = deployed.repo / "deploy" / "target" / "prepare.10-long"
    release.parent.mkdir(parents=True)
    release.write_text("#!/bin/sh\ntouch /srv/began\nexec sleep 600\n")
    release.chmod(0o755)
    deployed.commit({})
    deployed.push()
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


def test_a_pack_that_breaks_off_is_one_target_s_failure_and_resync_goes_on(
    deployed: SshSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sartoris.releases import packs

    find = packs.Packs.to

    def truncated(self: packs.Packs, commit: str, held: list[str]) -> packs.Pack | None:
        pack = find(self, commit, held)
        assert pack
        return packs.Pack(pack.path, pack.base, pack.sha256, pack.size + 100)

    started_with_a_change(deployed)
    monkeypatch.setattr(packs.Packs, "to", truncated)
    ran = deployed.deploy("sync")
    assert ran.code == 71
    assert "the pack is shorter on the deployment server's disk" in ran.err
    monkeypatch.setattr(packs.Packs, "to", find)
    deployed.ok("resync")
    assert deployed.files("web2")["index.php"] == "version 2\n"


def test_a_pack_whose_bytes_are_others_is_refused(
    deployed: SshSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sartoris.releases import packs

    find = packs.Packs.to

    def swapped(self: packs.Packs, commit: str, held: list[str]) -> packs.Pack | None:
        pack = find(self, commit, held)
        assert pack
        return packs.Pack(pack.path, pack.base, "0" * 64, pack.size)

    started_with_a_change(deployed)
    monkeypatch.setattr(packs.Packs, "to", swapped)
    ran = deployed.deploy("sync")
    assert ran.code == 71
    assert "the pack is another one" in ran.err


def test_a_pack_that_somebody_has_removed_is_said_to_be_missing(
    deployed: SshSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sartoris.releases import packs

    def removed(_: packs.Packs, __: str, ___: list[str]) -> packs.Pack:
        return packs.Pack(Path("/srv/nowhere.pack"), "", "0" * 64, 100)

    started_with_a_change(deployed)
    monkeypatch.setattr(packs.Packs, "to", removed)
    ran = deployed.deploy("sync")
    assert ran.code == 71
    assert "there is no pack of the release" in ran.err
