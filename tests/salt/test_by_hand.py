"""The execution module and the runner, typed by hand; and what orders do on minions besides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.salt.cluster import Cluster
from tests.salt.salted import SaltSite

WEB = ("web1", "web2", "web3", "web4")


@pytest.fixture
def site(fleet: Cluster, tmp_path: Path) -> SaltSite:
    """A site whose fleet has one release live."""
    site = SaltSite.on(fleet, tmp_path / "site", WEB, "G@deployment_target:mediawiki")
    site.ship("one")
    ran = site.deploy("sync")
    assert ran.code == 0, ran.err
    return site


def path_of(site: SaltSite) -> str:
    return f"/{site.slot('web1').relative_to(site.target('web1'))}"


def test_status_tells_of_every_slot_that_was_deployed(fleet: Cluster, site: SaltSite) -> None:
    answer = fleet.salt("web*", "git_deploy.status").document
    assert {answer[name][path_of(site)]["live"] for name in WEB} == site.everywhere()


def test_verify_finds_what_was_changed(fleet: Cluster, site: SaltSite) -> None:
    (site.slot("web3") / "index.php").write_text("by somebody\n")
    answer = fleet.salt("web3", "git_deploy.verify").document
    assert answer["web3"][path_of(site)]["changed"] == ["index.php"]


ORDER = ("repository=wiki", "slot=slot0")


def test_an_order_that_fails_is_a_failure_of_salt_as_well(fleet: Cluster, site: SaltSite) -> None:
    order = (*ORDER, f"path={path_of(site)}", "release=none", f"commit={'a' * 40}")
    by_hand = fleet.salt("web1", "git_deploy.switch", *order)
    assert (by_hand.document["web1"]["error"], by_hand.code != 0) == ("not-held", True)
    called = fleet.call(fleet.minions["web1"], "git_deploy.switch", *order)
    assert (called.document["local"]["error"], called.code != 0) == ("not-held", True)
    # To whoever collects outcomes it is the one that the agent gave.
    by_runner = fleet.run("git_deploy.switch", "web1", *order).document
    assert by_runner["web1"]["error"] == "not-held"


def test_an_order_by_hand_needs_no_version(fleet: Cluster, site: SaltSite) -> None:
    said = fleet.salt("web1", "git_deploy.status", *ORDER, f"path={path_of(site)}")
    assert (said.document["web1"]["live"], said.code) == (site.live("web1"), 0)


def test_every_function_has_its_documentation(fleet: Cluster, site: SaltSite) -> None:
    del site
    # `salt` shows documentation in a form of its own, `salt-call` as it is.
    said = fleet.call(fleet.minions["web1"], "sys.doc", "git_deploy")
    documented = said.document["local"]
    actions = ("fetch", "switch", "withdraw", "status", "verify", "share", "service")
    functions = (*actions, "converge", "beside")
    assert set(documented) == {f"git_deploy.{name}" for name in functions}
    assert all("CLI Example:" in text for text in documented.values())


def test_the_runner_asks_of_every_slot_as_well(fleet: Cluster, site: SaltSite) -> None:
    by_runner = fleet.run("git_deploy.status", "web1 or web2").document
    by_hand = fleet.salt("-L", "web1,web2", "git_deploy.status").document
    assert set(by_runner) == {"web1", "web2"}
    for name, slots in by_runner.items():
        assert slots[path_of(site)]["live"] == site.live(name)
        assert set(slots) == set(by_hand[name])


def test_the_runner_gives_an_order_and_collects_the_outcomes(
    fleet: Cluster, site: SaltSite
) -> None:
    order = ["repository=wiki", "slot=slot0", f"path={path_of(site)}"]
    answer = fleet.run("git_deploy.status", "web1 or web2", *order).document
    assert {name: one["live"] for name, one in answer.items()} == {
        name: site.live(name) for name in ("web1", "web2")
    }


def test_the_runner_publishes_nothing_but_its_own(fleet: Cluster, site: SaltSite) -> None:
    del site
    refused = fleet.run("git_deploy.publish", "cmd.run", '["true"]', '["web1"]')
    assert "not a function of git_deploy: cmd.run" in refused.out + refused.err


def test_the_repository_s_service_is_restarted_on_every_minion(site: SaltSite) -> None:
    for name in WEB:
        script = site.target(name) / "etc" / "init.d" / "wiki-app"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text('#!/bin/sh\necho "$1" >> "${0%/etc/*}/actions"\n')
        script.chmod(0o755)
    site.config("deploy.service", "wiki-app")
    ran = site.deploy("service", "restart", "--batch", "50%")
    assert ran.code == 0, ran.err
    for name in WEB:
        assert (site.target(name) / "actions").read_text().split() == ["restart"]


@pytest.fixture
def listed(site: SaltSite) -> Iterator[SaltSite]:
    """web1 has a list of what may be deployed to it, and this site is not on it."""
    allowed = {"repository": "other", "path": "/srv/other", "user": "nobody"}
    file = site.target("web1") / "etc" / "sartoris" / "target.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"version": 1, "deployments": [allowed]}))
    yield site
    file.unlink()
    file.parent.rmdir()


def test_a_minion_refuses_what_is_not_on_its_list(listed: SaltSite) -> None:
    before = listed.live("web1")
    listed.ship("two")
    ran = listed.deploy("sync")
    assert ran.code == 71
    assert "1 target: not-allowed" in ran.err
    assert "(web1)" in ran.err
    assert listed.everywhere() == {before}


def test_real_submodules_arrive_over_salt(site: SaltSite) -> None:
    site.add_submodule("lib/parser", {"parse.php": "parse\n"})
    site.push()
    site.config("deploy.submodules", "update")
    assert site.deploy("start").code == 0
    ran = site.deploy("--force", "sync")
    assert ran.code == 0, ran.err
    for name in WEB:
        assert site.files(name)["lib/parser/parse.php"] == "parse\n"
        state = site.git("submodule", "status", at=site.slot(name))
        assert state.startswith(" "), state
