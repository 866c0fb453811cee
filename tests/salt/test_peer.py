"""`git deploy` on a deployment server that is only a minion: through the master's peer system."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs import need
from tests.salt.cluster import Cluster
from tests.salt.salted import SaltSite

WEB = ("web1", "web2", "web3", "web4")


@pytest.fixture
def site(fleet: Cluster, tmp_path: Path) -> SaltSite:
    site = SaltSite.on(fleet, tmp_path / "peer", WEB, "G@deployment_target:mediawiki")
    site.set("deploy.salt-config", str(fleet.minions["deploy1"].directory))
    return site


def test_a_sync_reaches_every_minion(site: SaltSite) -> None:
    site.ship("two")
    ran = site.deploy("sync")
    assert ran.code == 0, ran.err
    (release,) = site.everywhere()
    assert release.startswith("slot0-")
    assert site.files("web3")["index.php"] == "two\n"


def test_outcomes_are_shown_as_they_arrive(site: SaltSite) -> None:
    site.ship("two")
    stages = [e for e in site.deploy("sync", "--json").events if e["event"] == "target-answered"]
    assert [(e["stage"], e["outcome"]["ok"]) for e in stages] == [("fetch", True)] * 4 + [
        ("switch", True)
    ] * 4


def test_text_that_looks_like_yaml_arrives_as_it_was(site: SaltSite) -> None:
    site.set("deploy.targets", "G@deployment_target:mediawiki and not E@x=1")
    site.commit({"0755": "null\n", "1e5: x=1": "~\n"}, "key=value: 1e5")
    site.push()
    assert site.deploy("start").code == 0
    ran = site.deploy("sync", "--force", "-m", "a: [b, c=1]")
    assert ran.code == 0, ran.err
    assert site.files("web2")["1e5: x=1"] == "~\n"
    assert "a: [b, c=1]" in (site.slot("web2") / ".deploy").read_text()


@pytest.fixture
def sudoers(fleet: Cluster) -> Iterator[Path]:
    """A rule like the formula's, for one user and the bridge to this minion."""
    need("sudo")
    python = Path(sys.prefix) / "bin" / "python3"
    bridge = f"{python} -I -m sartoris.salt.bridge {fleet.minions['deploy1'].directory}"
    rules = Path("/etc/sudoers.d/sartoris-test")
    rules.write_text(f"nobody ALL=(root) NOPASSWD: {bridge}\n")
    rules.chmod(0o440)
    yield rules
    rules.unlink()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")
@pytest.mark.parametrize("user", ["nobody", "daemon"])
def test_who_may_not_read_the_minion_s_key_needs_the_rule_for_sudo(
    fleet: Cluster, site: SaltSite, sudoers: Path, user: str
) -> None:
    place = fleet.directory / "by-sudo"
    place.mkdir()
    try:
        repository = _repository_of(user, site, place)
        ran = fleet.deploy(repository, "report", "--json", user=user)
    finally:
        shutil.rmtree(place)
    if user == "nobody":
        assert ran.code == 0, ran.out + ran.err
        targets = ran.document["slots"][0]["targets"]
        assert {(one["target"], one["error"]) for one in targets} == {(name, "") for name in WEB}
    else:
        assert ran.code == 1
        assert "sudo: " in ran.err, sudoers.read_text()


def _repository_of(user: str, site: SaltSite, place: Path) -> Path:
    """The working repository, in a place that everybody may pass, as `user`'s."""
    repository = place / "wiki"
    shutil.copytree(site.repo, repository, symlinks=True)
    for path in (place, *place.rglob("*")):
        shutil.chown(path, user)
    return repository


def test_a_minion_outside_the_policy_is_refused(fleet: Cluster, site: SaltSite) -> None:
    site.set("deploy.salt-config", str(fleet.minions["web1"].directory))
    site.ship("two")
    ran = site.deploy("sync")
    assert ran.code != 0
    assert "the master does not let the minion web1 run git_deploy.minions" in ran.err
    assert site.everywhere() == {""}
