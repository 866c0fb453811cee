"""Minions that have fetched hear the switch in the same job.

What the others do, and what is done when somebody hears nothing: tests/unit/salt, by a clock.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.salt.cluster import Cluster
from tests.salt.salted import SaltSite, deployed, wait_for

WEB = ("web1", "web2", "web3", "web4")
FETCH, SWITCH = "git_deploy.fetch", "git_deploy.switch"


@pytest.fixture
def site(fleet: Cluster, tmp_path: Path) -> SaltSite:
    return deployed(fleet, tmp_path / "standing", WEB)


def switched_by(fleet: Cluster, since: int) -> dict[str, str]:
    """The function of the job that returned the outcome of a switch, by minion."""
    return {
        one.data["id"]: one.data["fun"]
        for one in fleet.events.matching("salt/job/*/ret/*", since)
        if isinstance(one.data["return"], dict) and one.data["return"].get("action") == "switch"
    }


def test_a_sync_costs_a_minion_one_job(fleet: Cluster, site: SaltSite) -> None:
    site.ship("after")
    since = fleet.events.count
    site.ok("sync")
    assert site.files("web4")["index.php"] == "after\n"
    wait_for(lambda: len(switched_by(fleet, since)) == 4, "the last return")
    assert switched_by(fleet, since) == dict.fromkeys(WEB, FETCH)
    (fetch,) = fleet.events.matching("salt/job/*/new", since, fun=FETCH)
    (switch,) = fleet.events.matching("salt/job/*/new", since, fun=SWITCH)
    assert fetch.data["jid"] == switch.data["jid"]
    assert sorted(switch.data["minions"]) == list(WEB)
    returned = fleet.events.matching("salt/job/*/ret/*", since, jid=fetch.data["jid"])
    assert len(returned) == 4, "nobody carried it out twice"


def test_nobody_switches_before_all_have_fetched(fleet: Cluster, site: SaltSite) -> None:
    before = site.everywhere()
    site.hold("prepare", "web4")
    site.ship("after")
    since = fleet.events.count
    sync = site.begin("sync")
    site.held("web4")
    fleet.events.wait(*(f"salt/job/*/prog/{name}/git_deploy" for name in WEB[:3]), since=since)
    assert site.everywhere() == before
    site.let_go("web4")
    assert sync.end().code == 0
    assert site.everywhere().isdisjoint(before)


def test_who_has_stood_by_in_vain_is_sent_the_switch(fleet: Cluster, site: SaltSite) -> None:
    site.hold("prepare", "web4")
    site.ship("after")
    since = fleet.events.count
    sync = site.begin("sync")
    site.held("web4")
    given_up = fleet.events.wait(
        *(f"salt/job/*/ret/{name}" for name in WEB[:3]), since=since, fun=FETCH
    )
    assert {one.data["return"]["action"] for one in given_up} == {"fetch"}
    site.let_go("web4")
    assert sync.end().code == 0
    wait_for(lambda: len(switched_by(fleet, since)) == 4, "the last return")
    assert switched_by(fleet, since) == {**dict.fromkeys(WEB[:3], SWITCH), "web4": FETCH}


def test_a_rollout_that_stops_at_the_gate_switches_nobody(fleet: Cluster, site: SaltSite) -> None:
    before = site.everywhere()
    for name in ("web3", "web4"):
        (site.target(name) / "fails").touch()
    site.target_hook("prepare.fails", '[ ! -e "${GIT_DEPLOY_PATH%%/srv/*}/fails" ]')
    site.ship("after")
    since = fleet.events.count
    assert site.deploy("sync").code == 71
    fleet.events.wait(*(f"salt/job/*/ret/{name}" for name in WEB), since=since, fun=FETCH)
    assert site.everywhere() == before
    for name in ("web3", "web4"):
        (site.target(name) / "fails").unlink()
    site.ok("resync")
    assert len(site.everywhere()) == 1


def test_a_canary_is_followed_by_those_that_still_stand_by(fleet: Cluster, site: SaltSite) -> None:
    site.config("deploy.canary", "web1")
    site.ship("after")
    since = fleet.events.count
    site.ok("sync")
    wait_for(lambda: len(switched_by(fleet, since)) == 4, "the last return")
    assert switched_by(fleet, since) == dict.fromkeys(WEB, FETCH)
    asked = fleet.events.matching("salt/job/*/new", since, fun=SWITCH)
    assert [sorted(one.data["minions"]) for one in asked] == [["web1"], ["web2", "web3", "web4"]]
