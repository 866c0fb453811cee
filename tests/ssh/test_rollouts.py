"""Whole rollouts on real ssh servers."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path

from sartoris.config.targets import Host
from sartoris.releases.packs import Packs
from sartoris.transports.ssh import SshTransport, Way
from tests.ssh.conftest import Build, SshSite, started_with_a_change

BEHIND_ONE = 200


def test_a_release_goes_live_on_all_targets_over_one_login_each(site: SshSite) -> None:
    site.ok("start")
    assert [path for one in site.fleet.servers.values() for path in one.srv.iterdir()] == []
    before = {name: one.logins() for name, one in site.fleet.servers.items()}
    site.ok("sync")
    release = site.desired()
    assert {site.live(name) for name in site.fleet.servers} == {release}
    assert site.files("web1")["index.php"] == "version 1\n"
    assert {name: one.logins() - before[name] for name, one in site.fleet.servers.items()} == {
        "web1": 2,  # the sync, and the report that `desired` asks for
        "web2": 2,
        "web3": 2,
    }


def test_objects_come_as_a_pack_and_no_url_is_needed(deployed: SshSite) -> None:
    started_with_a_change(deployed)
    events = deployed.ok("sync", "--json").events
    fetched = [
        one["outcome"]
        for one in events
        if one["event"] == "target-answered" and one["outcome"]["action"] == "fetch"
    ]
    assert [(one["came_by"], one["came_from"]) for one in fetched] == [("pack", "ssh")] * 3
    assert all(0 < one["came_bytes"] < 2000 for one in fetched)
    assert deployed.files("web3")["index.php"] == "version 2\n"


def test_rollback_converge_and_verify_work_as_everywhere(deployed: SshSite) -> None:
    first = deployed.live("web1")
    deployed.rollout({"index.php": "version 2\n"})
    deployed.ok("rollback", "--yes")
    assert deployed.live("web2") == first
    deployed.slot("web3").unlink()
    assert deployed.conditions()["web3"] != "current"
    deployed.ok("converge")
    assert deployed.live("web3") == first
    (deployed.slot("web1") / "index.php").write_text("by hand")
    verified = deployed.deploy("report", "--verify", "--json").document
    assert verified["slots"][0]["targets"][0]["condition"] != "current"


def test_an_aborted_first_release_is_withdrawn_and_a_revert_takes_one_login(build: Build) -> None:
    site = build(["web1"])
    failing = site.hook("post-sync.10-fail", "exit 1")
    site.ok("start")
    assert site.deploy("sync").code == 72
    assert site.live("web1")
    site.ok("abort")
    assert site.live("web1") == ""
    failing.unlink()
    first = site.rollout({"index.php": "version 2\n"})
    site.rollout({"index.php": "version 3\n"})
    before = site.fleet.servers["web1"].logins()
    site.ok("revert", "1")
    assert site.fleet.servers["web1"].logins() - before == 1
    assert site.live("web1") == first
    assert site.files("web1")["index.php"] == "version 2\n"


SERVICE = """#!/bin/sh
echo "$1 $(basename $(readlink /srv/site/php-slot0)) $(id -un)" >> /srv/acted
"""


def test_a_target_with_a_list_takes_what_it_names_as_its_user_and_restarts_its_service(
    build: Build,
) -> None:
    """The list and the service are those of the target's own `/etc`."""
    site = build(["web1"])
    (web1,) = site.fleet.servers.values()
    etc = web1.own_etc()
    (etc / "init.d").mkdir(exist_ok=True)
    (etc / "init.d" / "web").write_text(SERVICE)
    (etc / "init.d" / "web").chmod(0o755)
    entry = {"repository": "wiki", "path": "/srv/site/php-*", "user": "www-data", "service": "web"}
    (etc / "sartoris").mkdir(mode=0o755)
    (etc / "sartoris" / "target.json").write_text(
        json.dumps({"version": 1, "deployments": [entry]})
    )
    (web1.srv / "site").mkdir()
    shutil.chown(web1.srv / "site", "www-data", "www-data")
    site.config("deploy.service-action", "restart")
    site.config("deploy.service", "other")
    site.ok("start")
    refused = site.deploy("sync")
    assert refused.code == 71
    assert "not-allowed" in refused.err
    site.set("deploy.service", "web")
    site.ok("resync")
    acted = web1.srv / "acted"
    assert acted.read_text() == f"restart {site.live('web1')} root\n"
    assert (site.slot("web1") / "index.php").owner() == "www-data"
    site.ok("service", "reload")
    assert acted.read_text().splitlines()[1:] == [f"reload {site.live('web1')} root"]


def test_a_tree_in_place_and_shared_paths(site: SshSite) -> None:
    site.config("deploy.switch", "in-place")
    site.config("deploy.shared", "uploads/")
    site.ok("start")
    site.ok("sync")
    (site.slot("web1") / "uploads" / "a.txt").write_text("kept")
    site.rollout({"index.php": "version 2\n"})
    assert (site.slot("web1") / "index.php").read_text() == "version 2\n"
    assert (site.slot("web1") / "uploads" / "a.txt").read_text() == "kept"


def test_targets_with_another_login_user_and_port_and_name(build: Build) -> None:
    site = build(["web1"])
    port = site.fleet.servers["web1"].port
    site.fleet.write_config()
    site.git("config", "--unset-all", "deploy.target")
    site.config("deploy.target", f"first=root@127.0.0.1:{port}")
    site.ok("start")
    ran = site.ok("sync")
    assert "is live on 1 of 1 target" in ran.err


def test_a_start_says_which_targets_cannot_be_reached(site: SshSite) -> None:
    site.fleet.servers["web2"].stop()
    ran = site.ok("start")
    assert "web2 cannot be reached: the connection was refused" in ran.err


def test_twenty_five_targets_at_once(build: Build) -> None:
    site = build([f"web{number}" for number in range(1, 26)])
    site.ok("start")
    ran = site.ok("sync")
    assert "is live on 25 of 25 targets" in ran.err
    assert len({site.live(name) for name in site.fleet.servers}) == 1


def test_through_one_jump_host_that_turns_many_away_everybody_is_reached(
    build: Build, tmp_path: Path
) -> None:
    """sshd's own limit (`MaxStartups 10:30:100`) is for those who are not logged in yet."""
    site = build(["bastion"], "MaxStartups 10:30:100\nMaxSessions 100\n")
    (inside,) = site.fleet.add(["inside"])
    names = [f"web{number}" for number in range(1, BEHIND_ONE + 1)]
    behind = "".join(
        f"Host {name}\n  HostName 127.0.0.1\n  Port {inside.port}\n  ProxyJump bastion\n"
        for name in names
    )
    site.fleet.write_config(behind)
    # The first hop reads this file as well only where it is the user's own.
    program = tmp_path / "ssh"
    program.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {site.fleet.ssh_config} "$@"\n')
    program.chmod(0o755)
    hosts = [Host(name, name) for name in names]
    transport = SshTransport(hosts, Way((str(program),)), Packs(tmp_path), forks=50)
    with closing(transport):
        transport.prepare()
        assert transport.not_answering(300.0) == {}
        assert set(transport.hops().values()) == {"bastion"}
    assert "drop connection" not in site.fleet.servers["inside"].log.read_text()


def test_real_submodules_come_along_on_the_connection(site: SshSite) -> None:
    site.add_submodule("ext/lib", {"lib.php": "one\n"})
    site.config("deploy.submodules", "update")
    site.ok("start")
    site.ok("sync")
    lib = site.slot("web2") / "ext" / "lib"
    assert (lib / "lib.php").read_text() == "one\n"
    assert (lib / ".git").exists()
