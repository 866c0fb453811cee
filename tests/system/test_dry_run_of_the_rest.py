"""`--dry-run` of revert, abort, resync, converge and service: the plan, and nothing changed."""

from __future__ import annotations

from tests.system.site import Ran, Site
from tests.system.test_dry_run import snapshot


def dry(site: Site, *arguments: str) -> Ran:
    """A dry run that must succeed, and change nothing."""
    before = snapshot(site)
    ran = site.ok(*arguments, "--dry-run")
    assert snapshot(site) == before
    assert "Dry run: nothing was tagged, sent or switched." in ran.err
    return ran


def test_a_revert_tells_its_waves_and_its_limits(twice: Site) -> None:
    twice.config("deploy.batch", "2")
    ran = dry(twice, "revert", first_release(twice))
    assert "plan: switch, batch 1 of 2: 2 targets (web1, web2)" in ran.err
    assert "plan: switch, batch 2 of 2: 1 target (web3)" in ran.err
    assert "plan: stops when more than 0 of 3 fail" in ran.err
    assert "would reset main to" in ran.err


def first_release(site: Site) -> str:
    live = site.live("web1")
    releases = site.target("web1") / "srv" / "site" / ".sartoris" / "releases"
    return next(path.name for path in sorted(releases.iterdir()) if path.name != live)


def test_a_revert_from_the_middle_of_an_own_rollout_can_be_tried(twice: Site) -> None:
    twice.ok("start")
    dry(twice, "revert", first_release(twice))
    assert twice.deploy("status").code == 1


def test_an_abort_tells_who_would_be_taken_back(twice: Site) -> None:
    twice.config("deploy.max-failed", "1")
    before = twice.live("web1")
    twice.ok("start")
    twice.commit({"index.php": "version 3\n"})
    twice.push()
    twice.hook("post-sync.10-stop", "exit 1")
    assert twice.deploy("sync").code == 72
    ran = dry(twice, "abort")
    assert "plan: roll back, all: 3 targets (web1, web2, web3)" in ran.err
    assert "would reset main to" in ran.err
    assert twice.live("web1") != before


def test_a_resync_asks_who_is_behind_and_plans_for_them(twice: Site) -> None:
    twice.ok("start")
    twice.commit({"index.php": "version 3\n"})
    twice.push()
    root = twice.target("web2")
    root.rename(root.with_name("away"))
    assert twice.deploy("sync").code == 71
    root.with_name("away").rename(root)
    ran = dry(twice, "resync")
    assert "plan: fetch, all: 3 targets (web1, web2, web3)" in ran.err
    assert "plan: switch, all: 3 targets (web1, web2, web3)" in ran.err


def test_a_converge_plans_for_those_that_are_behind_only(twice: Site) -> None:
    twice.slot("web2").unlink()
    ran = dry(twice, "converge")
    assert "plan: converge, all: 1 target (web2)" in ran.err
    assert twice.live("web2") == ""


def test_a_service_is_planned_in_its_batches(twice: Site) -> None:
    twice.config("deploy.service", "php-fpm")
    ran = dry(twice, "service", "restart", "--batch", "1")
    assert "plan: service, batch 3 of 3: 1 target (web3)" in ran.err


def test_a_dry_run_in_a_new_repository_leaves_nothing_behind(site: Site) -> None:
    """Not even our own directory: it is refused as the real command would be."""
    for command in ("sync", "resync", "abort", "converge"):
        ran = site.deploy(command, "--dry-run")
        assert ran.code == 1
    assert not site.state_directory.exists()
    assert not list((site.root / "targets").glob("*/*"))
