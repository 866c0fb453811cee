"""Bad days with Salt: minions that die, a master that goes away, missing keys and modules.

What holds a target at a point is a hook of the release, which waits there until it is let go.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.salt.cluster import Cluster, Key
from tests.salt.salted import SaltSite, deployed, make_old

WEB = ("web1", "web2", "web3", "web4")


@pytest.fixture
def site(fleet: Cluster, tmp_path: Path) -> SaltSite:
    return deployed(fleet, tmp_path / "site", WEB)


def releases(site: SaltSite) -> dict[str, str]:
    return {name: site.live(name) for name in WEB}


def is_live(site: SaltSite, *names: str) -> bool:
    return all(site.files(name)["index.php"] == "after\n" for name in names)


def test_a_minion_that_is_down_is_named_and_left_behind(site: SaltSite) -> None:
    site.cluster.minions["web4"].kill()
    site.ship("after")
    ran = site.deploy("sync")
    assert ran.code == 0, ran.err
    assert "1 target: unreachable: the minion is down or cut off (web4)" in ran.err
    assert is_live(site, "web1", "web2", "web3")
    assert site.files("web4")["index.php"] == "before\n"


def test_too_many_that_are_down_stop_the_sync_before_any_switch(site: SaltSite) -> None:
    before = releases(site)
    for name in ("web3", "web4"):
        site.cluster.minions[name].kill()
    site.ship("after")
    ran = site.deploy("sync")
    assert ran.code == 71
    assert "2 targets: unreachable: the minion is down or cut off (web3, web4)" in ran.err
    assert "git deploy resync" in ran.err
    assert releases(site) == before


def test_a_minion_killed_during_the_fetch_is_left_behind(site: SaltSite) -> None:
    site.hold("prepare", "web4")
    site.ship("after")
    sync = site.begin("sync")
    site.held("web4")
    site.cluster.minions["web4"].kill()
    ran = sync.end()
    site.let_go("web4")
    assert ran.code == 0, ran.err
    assert "(web4)" in ran.err
    assert is_live(site, "web1", "web2", "web3")
    assert site.files("web4")["index.php"] == "before\n"


def test_a_minion_that_is_started_anew_during_the_fetch_gets_the_order_again(
    site: SaltSite,
) -> None:
    site.hold("prepare", "web4")
    site.ship("after")
    sync = site.begin("sync")
    site.held("web4")
    site.cluster.minions["web4"].kill()
    site.let_go("web4")
    site.cluster.minions["web4"].start()
    ran = sync.end()
    assert ran.code == 0, ran.err
    assert is_live(site, *WEB), ran.err


def test_a_minion_killed_between_the_stages_is_left_behind(site: SaltSite) -> None:
    site.config("deploy.canary", "web1")
    site.hold("live", "web1")
    site.ship("after")
    sync = site.begin("sync")
    site.held("web1")
    site.cluster.minions["web4"].kill()
    site.let_go("web1")
    ran = sync.end()
    assert ran.code == 0, ran.err
    assert "web4" in ran.err
    assert is_live(site, "web1", "web2", "web3")
    assert site.files("web4")["index.php"] == "before\n"


def test_a_minion_killed_during_the_switch_is_named(site: SaltSite) -> None:
    site.hold("live", "web4")
    site.ship("after")
    sync = site.begin("sync")
    site.held("web4")
    site.cluster.minions["web4"].kill()
    ran = sync.end()
    site.let_go("web4")
    assert ran.code == 0, ran.err
    assert "1 target: unreachable" in ran.err
    assert is_live(site, "web1", "web2", "web3")


def test_a_minion_that_is_slow_is_waited_for(site: SaltSite) -> None:
    """Longer than one that is dead is waited for: it says that it is at it."""
    since = site.cluster.events.count
    site.hold("prepare", "web4")
    site.ship("after")
    sync = site.begin("sync")
    site.held("web4")
    for _ in range(3):
        asked = site.cluster.events.wait(
            "salt/job/*/ret/web4", since=since, fun="saltutil.find_job"
        )
        since = site.cluster.events.count
        assert asked[0].data["return"]
    site.let_go("web4")
    ran = sync.end()
    assert ran.code == 0, ran.err
    assert is_live(site, *WEB)


def test_a_master_that_is_started_anew_during_the_fetch_delays_the_sync(site: SaltSite) -> None:
    site.hold("prepare", "web1", "web2")
    site.ship("after")
    sync = site.begin("sync")
    site.held("web1", "web2")
    site.cluster.restart_master()
    site.let_go("web1", "web2")
    ran = sync.end()
    assert ran.code == 0, ran.err
    assert is_live(site, *WEB)


def test_a_master_that_is_down_stops_the_sync_before_there_is_a_tag(site: SaltSite) -> None:
    site.ship("after")
    tags = site.git("tag")
    site.cluster.kill_master()
    ran = site.deploy("sync")
    site.cluster.start()
    site.cluster.ping()
    assert ran.code == 1
    assert "salt-master" in ran.err
    assert "systemctl status salt-master" in ran.err
    assert site.git("tag") == tags


@pytest.mark.parametrize("key", ["unknown", "rejected"])
def test_a_minion_without_an_accepted_key_is_named(site: SaltSite, key: Key) -> None:
    stranger = site.cluster.minion(f"{key}1", key=key)
    site.set("deploy.targets", f"L@web1,web2 or {stranger.id} or web3")
    try:
        site.ship("after")
        ran = site.deploy("sync")
    finally:
        stranger.remove()
    assert ran.code == 0, ran.err
    assert f"unreachable: the master has no accepted key of it ({key}1)" in ran.err
    assert is_live(site, "web1", "web2", "web3")


def test_an_expression_that_matches_nobody_is_refused_before_there_is_a_tag(
    site: SaltSite,
) -> None:
    site.set("deploy.targets", "G@deployment_target:nothing")
    site.ship("after")
    ran = site.deploy("sync")
    assert ran.code == 17
    assert "no minion matches deploy.targets, 'G@deployment_target:nothing'" in ran.err
    assert "salt -C" in ran.err


def test_a_minion_without_the_module_is_named_with_the_way_to_sync_it(site: SaltSite) -> None:
    bare = site.cluster.minion("bare1", grains={"deployment_target": "mediawiki"})
    bare.start()
    try:
        site.ship("after")
        ran = site.deploy("sync")
    finally:
        bare.kill()
        bare.remove()
    assert ran.code == 0, ran.err
    assert "agent-missing" in ran.err
    assert "salt '*' saltutil.sync_modules (bare1)" in ran.err
    assert is_live(site, *WEB)


def test_a_minion_with_an_older_module_is_named_with_the_way_to_sync_it(site: SaltSite) -> None:
    older = site.cluster.minion("older1", grains={"deployment_target": "mediawiki"})
    older.start()
    try:
        make_old(older)
        site.config("deploy.submodules", "update")
        site.ship("after")
        ran = site.deploy("sync")
    finally:
        older.kill()
        older.remove()
    assert ran.code == 0, ran.err
    assert "1 target: agent-too-old" in ran.err
    assert "salt '*' saltutil.sync_modules (older1)" in ran.err
    assert is_live(site, *WEB)


def test_a_hook_that_prints_a_lot_does_not_make_the_return_large(site: SaltSite) -> None:
    site.target_hook(
        "prepare.loud", "yes 'a long line of output' | head -c 5000000; echo the end; exit 1"
    )
    site.ship("after")
    ran = site.deploy("sync")
    assert ran.code == 71
    assert "prepare-failed" in ran.err
    assert "the end" in ran.err


def test_two_repositories_are_deployed_at_the_same_time(
    site: SaltSite, fleet: Cluster, tmp_path: Path
) -> None:
    other = SaltSite.on(fleet, tmp_path / "deeper" / "other", WEB, "web*")
    site.ship("after")
    other.ship("after")
    first, second = site.begin("sync"), other.begin("sync")
    for ran in (first.end(), second.end()):
        assert ran.code == 0, ran.err
    assert is_live(site, *WEB)
    assert is_live(other, *WEB)
