"""`git deploy` with a fleet of real minions, from the master itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.salt.cluster import Cluster
from tests.salt.salted import SaltSite

WEB = ("web1", "web2", "web3", "web4")


@pytest.fixture
def site(fleet: Cluster, tmp_path: Path) -> SaltSite:
    return SaltSite.on(fleet, tmp_path / "wiki-site", WEB, "G@deployment_target:mediawiki")


def test_a_sync_reaches_every_minion(site: SaltSite) -> None:
    site.ship("two")
    ran = site.deploy("sync")
    assert ran.code == 0, ran.err
    (release,) = site.everywhere()
    assert release.startswith("slot0-")
    assert site.files("web3")["index.php"] == "two\n"


def test_a_dry_run_names_the_minions_and_asks_them_nothing(fleet: Cluster, site: SaltSite) -> None:
    site.ship("two")
    since = fleet.events.count
    ran = site.deploy("sync", "--dry-run")
    assert ran.code == 0, ran.err
    assert "4 targets (web1, web2, web3, web4)" in ran.err
    fleet.salt("web1", "test.echo", "after")
    fleet.events.wait("salt/job/*/ret/web1", since=since, fun="test.echo")
    assert not fleet.events.matching("salt/job/*/new", since, fun="git_deploy.fetch")
    assert not any(site.slot(name).is_symlink() for name in WEB)


def test_a_revert_is_one_job(fleet: Cluster, site: SaltSite) -> None:
    site.ship("one")
    site.ok("sync")
    first = site.live("web1")
    site.ship("two")
    site.ok("sync")
    since = fleet.events.count
    site.ok("revert", first)
    assert site.everywhere() == {first}
    jobs = {one.data["fun"] for one in fleet.events.matching("salt/job/*/new", since)}
    assert jobs == {"git_deploy.switch"}


def test_an_abort_after_the_switch_takes_every_minion_back(site: SaltSite) -> None:
    site.ship("one")
    site.ok("sync")
    first = site.everywhere()
    hook = site.hook("post-sync.10", "exit 1")
    site.ship("two")
    assert site.deploy("sync").code == 72
    assert site.everywhere() != first
    hook.unlink()
    site.ok("abort")
    assert site.everywhere() == first


def test_without_a_url_it_is_refused_before_there_is_a_tag(site: SaltSite) -> None:
    site.ship("two")
    site.git("config", "--unset-all", "deploy.url")
    tags = site.git("tag")
    for command in ("sync", "start"):
        ran = site.deploy(command)
        assert ran.code == 1
        assert "deploy.url is not set" in ran.err
        assert "git config deploy.url https://" in ran.err
        assert site.git("tag") == tags
        site.deploy("abort")


def test_no_file_of_the_repository_runs_on_the_deployment_server(site: SaltSite) -> None:
    """Python would import modules from where it is started, before its own."""
    did = site.root / "did"
    harm = f"open({str(did)!r}, 'w').close()\n"
    site.ship("modules", dict.fromkeys(("getpass.py", "yaml.py", "sartoris.py"), harm))
    for command in ("sync", "report", "doctor"):
        assert site.deploy(command).code == 0
    assert not did.exists()
