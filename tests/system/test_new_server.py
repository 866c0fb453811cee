"""A deployment server that is new, or lost what it knew, takes nothing away from the fleet."""

from __future__ import annotations

import shutil

import pytest

from tests.system.site import Site


@pytest.fixture
def replaced(deployed: Site) -> Site:
    """A site with a live release and a new server that knows nothing of it, in a rollout."""
    shutil.rmtree(deployed.state_directory)
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    return deployed


def live_fails_on(site: Site, name: str) -> None:
    """Commit a program of the release that fails on one target after its switch."""
    program = site.repo / "deploy" / "target" / "live.check"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n[ \"$GIT_DEPLOY_PATH\" != '{site.slot(name)}' ]\n")
    program.chmod(0o755)
    site.commit({})
    site.push()


def test_its_first_rollout_goes_as_any_other(replaced: Site) -> None:
    replaced.ok("sync")
    assert replaced.everywhere() == {replaced.desired()}
    assert replaced.files("web1")["index.php"] == "version 2\n"


def test_a_switch_that_fails_leaves_every_target_with_something_live(replaced: Site) -> None:
    old = replaced.live("web2")
    live_fails_on(replaced, "web2")
    ran = replaced.deploy("sync")
    assert ran.code == 71
    assert f"{old} was live before, which this server did not put there" in ran.err
    assert f"git deploy revert {old}" in ran.err
    assert "" not in replaced.everywhere()


def test_the_advice_after_such_a_switch_works(replaced: Site) -> None:
    old = replaced.live("web2")
    live_fails_on(replaced, "web2")
    assert replaced.deploy("sync").code == 71
    replaced.ok("revert", old)
    assert replaced.everywhere() == {old}
    assert replaced.deploy("status").code == 0


def test_an_abort_leaves_every_target_with_something_live(replaced: Site) -> None:
    old = replaced.live("web3")
    replaced.config("deploy.batch", "1")
    live_fails_on(replaced, "web2")
    assert replaced.deploy("sync").code == 71
    ran = replaced.deploy("abort")
    assert ran.code == 71
    assert "2 targets: unknown-before" in ran.err
    assert "" not in replaced.everywhere()
    assert replaced.live("web3") == old
    assert replaced.deploy("status").code == 0


def test_a_slot_that_had_nothing_is_emptied_all_the_same(site: Site) -> None:
    live_fails_on(site, "web2")
    site.ok("start")
    assert site.deploy("sync").code == 71
    assert site.everywhere() == {""}
    assert site.desired() == ""
