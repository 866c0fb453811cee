"""`git deploy` on the master by an ordinary user: by the rule for sudo, or by publisher_acl."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs import need
from tests.salt.cluster import Cluster, free_ports
from tests.salt.daemon import Daemon
from tests.salt.salted import SaltSite
from tests.salt.served import NOBODY, wait_for_port

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")
WEB = ("web1", "web2", "web3", "web4")
PERSON = ("user.name=Ann", "user.email=ann@example.com")


@pytest.fixture
def place(fleet: Cluster) -> Iterator[Path]:
    """A directory that everybody may pass, unlike those of pytest."""
    place = fleet.directory / "ordinary"
    place.mkdir()
    yield place
    shutil.rmtree(place)


@pytest.fixture
def server(fleet: Cluster, place: Path) -> Iterator[str]:
    """git daemon as the user to whom the repositories belong, and the url of `place` in it."""
    (port,) = free_ports(1)
    where = ["--listen=127.0.0.1", f"--port={port}", f"--base-path={place}", "--export-all"]
    command = [*NOBODY, "git", "daemon", *where, str(place)]
    daemon = Daemon(command, fleet.keeper, place / "printed", os.environ)
    daemon.start()
    try:
        wait_for_port(port)
        yield f"git://127.0.0.1:{port}"
    finally:
        daemon.kill()


@pytest.fixture
def site(fleet: Cluster, place: Path, server: str) -> SaltSite:
    site = SaltSite.on(fleet, place / "site", WEB, "G@deployment_target:mediawiki")
    site.set("deploy.url", f"{server}/site/wiki/.git/deploy/publish.git")
    for setting in PERSON:
        site.config(*setting.split("=", 1))
    site.commit({"index.php": "by an ordinary user\n"})
    site.push()
    return site


def give(place: Path, user: str) -> None:
    for path in (place, *place.rglob("*")):
        shutil.chown(path, user)


def test_one_in_the_list_deploys(fleet: Cluster, site: SaltSite) -> None:
    give(site.root, "nobody")
    assert fleet.deploy(site.repo, "start", user="nobody").code == 0
    ran = fleet.deploy(site.repo, "--force", "sync", user="nobody")
    assert ran.code == 0, ran.err
    (release,) = site.everywhere()
    assert release.startswith("slot0-")
    assert "note:" not in ran.err, "minions that come back will find out too"


def test_a_minion_that_is_down_is_named_to_them_too(fleet: Cluster, site: SaltSite) -> None:
    give(site.root, "nobody")
    fleet.minions["web4"].kill()
    try:
        assert fleet.deploy(site.repo, "start", user="nobody").code == 0
        ran = fleet.deploy(site.repo, "--force", "sync", user="nobody")
    finally:
        fleet.minions["web4"].start()
    assert ran.code == 71
    assert "1 target: unreachable: the minion is down or cut off (web4)" in ran.err


def test_one_who_may_only_look_stops_before_any_switch(fleet: Cluster, site: SaltSite) -> None:
    give(site.root, "games")
    live = site.everywhere()
    assert fleet.deploy(site.repo, "start", user="games").code == 0
    ran = fleet.deploy(site.repo, "--force", "sync", user="games")
    assert ran.code == 71
    assert "the master does not let games do git_deploy.fetch" in ran.err
    assert site.everywhere() == live


def test_one_outside_the_list_is_refused_before_there_is_a_tag(
    fleet: Cluster, site: SaltSite
) -> None:
    give(site.root, "daemon")
    assert fleet.deploy(site.repo, "start", user="daemon").code == 0
    tags, live = site.git("-c", "safe.directory=*", "tag"), site.everywhere()
    ran = fleet.deploy(site.repo, "--force", "sync", user="daemon")
    assert ran.code == 1
    assert "daemon may not listen to the master's events" in ran.err
    assert "git deploy doctor" in ran.err
    assert site.git("-c", "safe.directory=*", "tag") == tags
    assert site.everywhere() == live


@pytest.fixture
def rule(fleet: Cluster) -> Iterator[None]:
    """The formula's rule for sudo, for one who is not in publisher_acl."""
    need("sudo")
    python = Path(sys.prefix) / "bin" / "python3"
    bridge = f"{python} -I -m sartoris.salt.bridge {fleet.master_directory}"
    file = Path("/etc/sudoers.d/sartoris-test-master")
    file.write_text(f"daemon ALL=(root) NOPASSWD: {bridge}\n")
    file.chmod(0o440)
    yield
    file.unlink()


@pytest.mark.usefixtures("rule")
def test_one_with_the_rule_for_sudo_sends_orders_and_can_publish_nothing(
    fleet: Cluster, site: SaltSite
) -> None:
    give(site.root, "daemon")
    ran = fleet.deploy(site.repo, "report", "--json", user="daemon")
    assert ran.code == 0, ran.out + ran.err
    targets = ran.document["slots"][0]["targets"]
    assert {(one["target"], one["error"]) for one in targets} == {(name, "") for name in WEB}
    assert "web1" not in fleet.salt("web1", "git_deploy.status", user="daemon").out
