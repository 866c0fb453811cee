"""`git deploy doctor` on a deployment server whose targets are minions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.salt.cluster import Cluster, Minion
from tests.salt.salted import SaltSite, make_old

WEB = ("web1", "web2", "web3", "web4")
GRAINS = {"deployment_target": "mediawiki"}
SYNC = "salt '*' saltutil.sync_modules"

Found = dict[str, list[tuple[str, str, list[str]]]]

only_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")


@pytest.fixture
def site(fleet: Cluster, tmp_path: Path) -> SaltSite:
    dead = [name for name in WEB if not fleet.minions[name].daemon.running]
    if dead:
        fleet.start_minions(*dead)
    return SaltSite.on(fleet, tmp_path / "doctor", WEB, "G@deployment_target:mediawiki")


@pytest.fixture
def open_site(fleet: Cluster) -> Iterator[SaltSite]:
    """A site where everybody may pass, unlike in the directories of pytest."""
    place = fleet.directory / "doctor"
    place.mkdir()
    site = SaltSite.on(fleet, place / "site", WEB, "G@deployment_target:mediawiki")
    site.config("user.name", "Ann")
    site.config("user.email", "ann@example.com")
    yield site
    shutil.rmtree(place)


def findings(document: Any) -> Found:
    """State, text and next steps by name, of what was found out about targets."""
    found: Found = {}
    for one in document["checks"]:
        if one["subject"] == "targets":
            found.setdefault(one["name"], []).append((one["state"], one["text"], one["next"]))
    return found


def look(site: SaltSite, code: int) -> Found:
    ran = site.deploy("doctor", "--json")
    assert ran.code == code, ran.out
    return findings(ran.document)


def look_as(site: SaltSite, user: str) -> Found:
    for path in (site.root, *site.root.rglob("*")):
        shutil.chown(path, user)
    answer = site.cluster.deploy(site.repo, "doctor", "--json", user=user)
    return findings(answer.document)


def states(found: Found) -> dict[str, str]:
    return {name: ones[-1][0] for name, ones in found.items()}


def not_well(found: Found) -> Found:
    return {name: ones for name, ones in found.items() if ones[-1][0] != "ok"}


def new_minion(cluster: Cluster, name: str) -> Minion:
    minion = cluster.minion(name, grains=GRAINS)
    minion.start()
    return minion


def test_all_is_well_on_the_master(site: SaltSite) -> None:
    found = look(site, 0)
    assert not_well(found) == {}
    assert "on the master, as root" in found["mode"][0][1]
    assert found["fleet"][0][1] == "4 minions match G@deployment_target:mediawiki"
    assert found["answers"][0][1].startswith("4 targets of 4")


def test_all_is_well_on_a_minion(site: SaltSite) -> None:
    site.set("deploy.salt-config", str(site.cluster.minions["deploy1"].directory))
    found = look(site, 0)
    assert not_well(found) == {}
    assert "as the minion deploy1" in found["mode"][0][1]
    assert found["answers"][0][1].startswith("4 targets of 4")


def test_a_minion_outside_the_policy_learns_which_functions_are_refused(site: SaltSite) -> None:
    site.set("deploy.salt-config", str(site.cluster.minions["web1"].directory))
    found = look(site, 1)
    (state, text, steps) = found["rights"][0]
    assert state == "wrong"
    assert "does not let web1 run git_deploy.minions, git_deploy.publish," in text
    assert "add web1 to sartoris:master:servers" in steps[0]
    assert states(found)["fleet"] == "unknown"


@only_root
def test_an_ordinary_user_in_the_list_is_well(open_site: SaltSite) -> None:
    events = open_site.cluster.events
    since = events.count
    found = look_as(open_site, "nobody")
    assert not_well(found) == {}
    assert "on the master, as nobody" in found["mode"][0][1]
    events.wait("salt/job/*/ret/web1", since=since, fun="git_deploy.status")
    assert not events.matching("salt/job/*/new", since, fun="git_deploy.switch")


@only_root
def test_a_user_outside_the_list_may_not_listen(open_site: SaltSite) -> None:
    found = look_as(open_site, "daemon")
    (state, text, steps) = found["rights"][0]
    assert state == "wrong"
    assert "daemon may not listen to the master's events" in text
    assert "add daemon to sartoris:deployers" in steps[0]


@only_root
def test_a_user_with_a_part_of_the_rights_learns_which_are_missing(open_site: SaltSite) -> None:
    (state, text, _) = look_as(open_site, "games")["rights"][0]
    assert state == "wrong"
    assert "does not let games run git_deploy.fetch, git_deploy.switch," in text
    assert "git_deploy.status" not in text


def test_records_that_cannot_be_written_are_a_warning(site: SaltSite) -> None:
    directory = site.cluster.directory / "desired"
    away = directory.rename(directory.with_name("away"))
    try:
        found = look(site, 0)
    finally:
        away.rename(directory)
    (state, text, _) = found["converging"][0]
    assert state == "warning"
    assert str(directory) in text


def test_a_minion_that_is_dead_is_named(site: SaltSite) -> None:
    site.cluster.minions["web4"].kill()
    answers = look(site, 1)["answers"]
    assert [state for state, _, _ in answers] == ["ok", "wrong"]
    assert answers[0][1].startswith("3 targets of 4")
    assert "unreachable: the minion is down or cut off (web4)" in answers[1][1]
    assert "salt-run manage.down" in answers[1][2]


def test_a_minion_without_the_module_is_named_with_the_way_to_sync_it(site: SaltSite) -> None:
    bare = new_minion(site.cluster, "bare1")
    try:
        answers = look(site, 1)["answers"]
    finally:
        bare.remove()
    assert answers[1][0] == "wrong"
    assert "agent-missing" in answers[1][1]
    assert "(bare1)" in answers[1][1]
    first, then = (step.partition("   #")[0] for step in answers[1][2])
    assert first.endswith("state.apply sartoris.target"), "with the module it takes every order"
    assert then == first.replace("state.apply sartoris.target", "saltutil.sync_modules")


@pytest.mark.parametrize(("submodules", "state"), [("compose", "warning"), ("update", "wrong")])
def test_an_older_module_is_wrong_where_the_newer_is_needed(
    site: SaltSite, submodules: str, state: str
) -> None:
    site.config("deploy.submodules", submodules)
    old = new_minion(site.cluster, "old1")
    try:
        make_old(old)
        old.kill()
        old.start()
        answers = look(site, 1 if state == "wrong" else 0)["answers"]
    finally:
        old.remove()
    assert answers[1][0] == state
    assert "agent-too-old" in answers[1][1]
    assert answers[1][2] == [SYNC]


def test_a_named_minion_without_a_key_is_named(site: SaltSite) -> None:
    site.set("deploy.targets", "L@web1,stranger")
    fleet = look(site, 1)["fleet"]
    assert fleet[1][:2] == ("wrong", "the master has no accepted key of stranger")
    assert "salt-key -a stranger" in fleet[1][2]


def test_an_expression_that_matches_nobody(site: SaltSite) -> None:
    site.set("deploy.targets", "G@deployment_target:nothing")
    (state, text, _) = look(site, 1)["fleet"][0]
    assert state == "wrong"
    assert "no minion matches deploy.targets" in text


def test_a_directory_without_salt_s_configuration(site: SaltSite, tmp_path: Path) -> None:
    site.set("deploy.salt-config", str(tmp_path))
    (state, text, steps) = look(site, 1)["salt"][0]
    assert state == "wrong"
    assert "neither a master nor a minion" in text
    assert "deploy.salt-config" in steps[0]


def test_a_url_that_leads_elsewhere(site: SaltSite) -> None:
    site.ship("published")
    assert site.deploy("sync").code == 0
    assert look(site, 0)
    site.set("deploy.url", str(site.origin))
    checks = site.deploy("doctor", "--json").document["checks"]
    (url,) = (one for one in checks if one["name"] == "url")
    assert url["state"] == "wrong"
    assert "does not have slot0-" in url["text"]


def test_a_master_that_is_down_hides_nothing_else(site: SaltSite) -> None:
    site.cluster.kill_master()
    try:
        found = look(site, 1)
    finally:
        site.cluster.start()
        site.cluster.ping()
    assert states(found)["mode"] == "ok"
    (state, text, steps) = found["rights"][0]
    assert state == "wrong"
    assert "salt-master does not answer" in text
    assert steps == ["systemctl status salt-master"]
