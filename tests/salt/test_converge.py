"""A minion that was away comes back, and gets what its slots should have."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.salt.cluster import Cluster
from tests.salt.conftest import desired_of
from tests.salt.salted import SaltSite, deployed, wait_for

WEB = ("web1", "web2", "web3", "web4")


@pytest.fixture
def site(fleet: Cluster, tmp_path: Path) -> SaltSite:
    return deployed(fleet, tmp_path / "site", WEB)


def page(site: SaltSite, name: str) -> str:
    return site.files(name)["index.php"].strip()


def sync_without_web4(site: SaltSite) -> None:
    site.cluster.minions["web4"].kill()
    site.ship("after")
    ran = site.deploy("sync")
    assert ran.code == 0, ran.err
    assert page(site, "web4") == "before"


def test_one_that_was_down_during_a_rollout_converges_when_it_starts(site: SaltSite) -> None:
    sync_without_web4(site)
    site.cluster.minions["web4"].start()
    wait_for(lambda: page(site, "web4") == "after", "the release on web4")
    assert site.live("web4") == site.live("web1")


def test_it_is_behind_in_the_report_until_then(fleet: Cluster, site: SaltSite) -> None:
    sync_without_web4(site)
    silent = {one["target"]: one for one in site.report_of("slot0")}["web4"]
    assert (silent["condition"], silent["error"]) == ("silent", "unreachable")
    since = fleet.events.count
    fleet.minions["web4"].start()
    fleet.events.wait("salt/job/*/ret/web4", since=since, fun="git_deploy.converge")
    assert {one["condition"] for one in site.report_of("slot0")} == {"current"}


def test_one_that_starts_during_a_rollout_does_not_run_ahead_of_it(
    fleet: Cluster, site: SaltSite
) -> None:
    site.config("deploy.canary", "web1")
    fleet.minions["web4"].kill()
    site.hold("live", "web1")
    site.ship("after")
    sync = site.begin("sync")
    site.held("web1")
    since = fleet.events.count
    fleet.minions["web4"].start()
    fleet.events.wait("salt/run/*/new", since=since, fun="runner.git_deploy.converge")
    assert fleet.run("git_deploy.desired", "web4").document == []
    assert page(site, "web4") == "before"
    assert not fleet.events.matching("salt/job/*/new", since, fun="git_deploy.converge")
    site.let_go("web1")
    assert sync.end().code == 0
    wait_for(lambda: page(site, "web4") == "after", "the release on web4")


def test_one_that_has_switched_already_is_not_taken_back_by_hand(
    fleet: Cluster, site: SaltSite
) -> None:
    """The rollout is not over, and what the slot had before it is on record."""
    (record,) = desired_of(fleet).glob("*.json")
    before = json.loads(record.read_text())["settled"]
    site.config("deploy.canary", "web1")
    site.hold("live", "web2")
    site.ship("after")
    sync = site.begin("sync")
    site.held("web2")
    assert fleet.salt("web1", "git_deploy.converge").document == {"web1": {}}
    order = [f"{name}={json.dumps(value)}" for name, value in before.items()]
    answer = fleet.salt("web1", "git_deploy.converge", *order).document
    assert answer["web1"]["error"] == "superseded", answer
    site.let_go("web2")
    assert sync.end().code == 0
    assert {page(site, name) for name in WEB} == {"after"}


def test_a_record_that_could_not_be_written_takes_nobody_back(
    fleet: Cluster, site: SaltSite
) -> None:
    (record,) = desired_of(fleet).glob("*.json")
    elsewhere = {**json.loads(record.read_text()), "origin": "/srv/elsewhere/.git"}
    record.write_text(json.dumps(elsewhere))
    site.ship("after")
    ran = site.ok("sync")
    assert "minions that come back will not converge by themselves" in ran.err
    assert "slot0 of wiki is deployed from /srv/elsewhere/.git on the master" in ran.err
    assert f"remove {record} on the master" in ran.err
    since = fleet.events.count
    fleet.minions["web4"].kill()
    fleet.minions["web4"].start()
    fleet.events.wait("salt/job/*/ret/web4", since=since, fun="git_deploy.converge")
    assert page(site, "web4") == "after"


def test_what_slots_should_have_can_be_read_by_the_master_whatever_the_umask(
    fleet: Cluster, site: SaltSite
) -> None:
    before = os.umask(0o077)
    try:
        site.ship("after")
        site.ok("sync")
    finally:
        os.umask(before)
    (record,) = desired_of(fleet).glob("*.json")
    assert record.stat().st_mode & 0o777 == 0o644


@pytest.mark.usefixtures("site")
def test_a_slot_that_is_being_rolled_out_holds_up_no_other(fleet: Cluster, tmp_path: Path) -> None:
    (record,) = desired_of(fleet).glob("*.json")
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, "coming": content["settled"]}))
    other = SaltSite.on(fleet, tmp_path / "deeper" / "other", ["web1"], "web1")
    other.set("deploy.tag-prefix", "zslot")
    other.ship("its own")
    other.ok("sync")
    other.slot("web1", "zslot").unlink()
    run = fleet.run("git_deploy.converge", "web1", "wait=1")
    assert list(run.document) == ["wiki zslot"]
    assert other.slot("web1", "zslot").is_symlink()


def test_it_converges_by_hand_or_by_a_state_too(fleet: Cluster, site: SaltSite) -> None:
    slot = site.slot("web4").relative_to(site.target("web4"))
    site.slot("web4").unlink()
    answer = fleet.salt("web4", "git_deploy.converge").document
    assert answer["web4"][f"/{slot}"]["ok"], answer
    assert site.live("web4") == site.live("web1")


def test_only_what_is_its_own_is_deployed_to_it(
    fleet: Cluster, site: SaltSite, tmp_path: Path
) -> None:
    other = SaltSite.on(fleet, tmp_path / "deeper" / "other", ["web1"], "web1 or web2")
    other.config("deploy.tag-prefix", "other")
    other.set("deploy.tag-prefix", "other")
    other.ship("its own")
    assert other.deploy("sync").code == 0
    converged = fleet.run("git_deploy.converge", "web4").document
    assert list(converged) == ["wiki slot0"]
    assert sorted(fleet.run("git_deploy.converge", "web1").document) == ["wiki other", "wiki slot0"]
    assert not (other.slot("web4", "other")).is_symlink()
    assert site.live("web4") == site.live("web1")
