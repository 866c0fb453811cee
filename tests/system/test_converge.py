"""Targets that were away get what their slot should have, and nothing that is not decided yet."""

from __future__ import annotations

import sqlite3

import pytest

from tests.system.conftest import rolled_out, with_targets
from tests.system.kept import Kept
from tests.system.site import Site


@pytest.fixture
def behind(kept: Kept) -> Site:
    """A site whose last sync went on without web2, which is in order again."""
    return kept.site(with_targets, rolled_out, rolled_out_without_web2)


def rolled_out_without_web2(site: Site) -> None:
    site.set("deploy.max-failed", "1")
    site.break_target("web2")
    site.rollout({"index.php": "version 2\n"})
    site.mend_target("web2")


# It fails where the file `broken` lies beside the slot, and else tells there that it ran.
HOOK = 'cd "$(dirname "$GIT_DEPLOY_PATH")" && test ! -e broken && echo "$GIT_DEPLOY_RELEASE" >> ran'


@pytest.fixture
def unfinished(kept: Kept) -> Site:
    """A site where the live hook of the last release failed on web2, and would not fail again."""
    return kept.site(with_targets, rolled_out, rolled_out_with_a_hook_that_failed)


def rolled_out_with_a_hook_that_failed(site: Site) -> None:
    site.set("deploy.max-failed", "1")
    broken = site.slot("web2").parent / "broken"
    broken.touch()
    site.live_hook(HOOK)
    site.rollout({"index.php": "version 2\n"})
    broken.unlink()


def test_a_target_whose_live_hook_failed_is_not_current_until_it_has_converged(
    unfinished: Site,
) -> None:
    tag = unfinished.desired()
    assert unfinished.everywhere() == {tag}
    assert unfinished.conditions("--verify")["web2"] == "unfinished"
    ran = unfinished.ok("converge", "web2")
    assert f"slot0 at {tag}: 1 target, brought web2." in ran.err
    assert (unfinished.slot("web2").parent / "ran").read_text() == f"{tag}\n"
    assert set(unfinished.conditions("--verify").values()) == {"current"}
    assert "nothing was behind" in unfinished.ok("converge").err


def test_those_whose_live_hooks_ran_do_not_run_them_again(unfinished: Site) -> None:
    unfinished.ok("converge")
    for name in ("web1", "web2", "web3"):
        ran = unfinished.slot(name).parent / "ran"
        assert ran.read_text() == f"{unfinished.desired()}\n"


def test_a_live_hook_that_fails_again_is_told_again(unfinished: Site) -> None:
    (unfinished.slot("web2").parent / "broken").touch()
    for _ in range(2):
        ran = unfinished.deploy("converge")
        assert ran.code == 71
        assert "live-failed: deploy/target/live.10-tell exited with 1 (web2)" in ran.err
    assert unfinished.conditions()["web2"] == "unfinished"


def test_in_place_too_a_live_hook_that_failed_is_run_by_converging(site: Site) -> None:
    site.config("deploy.switch", "in-place")
    site.config("deploy.max-failed", "1")
    broken = site.slot("web2").parent / "broken"
    broken.parent.mkdir(parents=True)
    broken.touch()
    site.live_hook(HOOK)
    tag = site.rollout({"index.php": "version 2\n"})
    assert site.conditions()["web2"] == "unfinished"
    broken.unlink()
    assert "brought web2." in site.ok("converge").err
    assert (site.slot("web2").parent / "ran").read_text() == f"{tag}\n"
    assert set(site.conditions("--verify").values()) == {"current"}


def test_a_sync_within_the_limit_names_whom_it_left_behind(deployed: Site) -> None:
    deployed.set("deploy.max-failed", "1")
    deployed.break_target("web2")
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    ran = deployed.ok("sync")
    assert "is live on 2 of 3 targets" in ran.err
    assert "Left behind: web2" in ran.err
    assert "git deploy converge web2" in ran.err
    assert deployed.deploy("status").code == 0


def test_everybody_is_brought_who_is_behind(behind: Site) -> None:
    tag = behind.desired()
    assert behind.live("web2") != tag
    ran = behind.ok("converge")
    assert f"slot0 at {tag}: 3 targets, brought web2." in ran.err
    assert behind.everywhere() == {tag}
    assert behind.files("web2")["index.php"] == "version 2\n"


def test_only_the_named_targets_are_brought(behind: Site) -> None:
    old = behind.live("web2")
    ran = behind.ok("converge", "web1", "web3")
    assert "nothing was behind" in ran.err
    assert behind.live("web2") == old
    behind.ok("converge", "web2")
    assert behind.everywhere() == {behind.desired()}


def test_nobody_is_behind(deployed: Site) -> None:
    assert "3 targets, nothing was behind" in deployed.ok("converge").err


def test_an_unknown_target_is_wrong_usage_and_nothing_is_done(behind: Site) -> None:
    old = behind.live("web2")
    ran = behind.deploy("converge", "web2", "web9")
    assert ran.code == 2
    assert "not a target of this repository: web9" in ran.err
    assert "web1, web2, web3" in ran.err
    assert behind.live("web2") == old


def test_before_the_first_release_there_is_nothing_to_converge_on(site: Site) -> None:
    ran = site.deploy("converge")
    assert ran.code == 1
    assert "nothing has been deployed from here yet" in ran.err
    assert "git deploy start" in ran.err


def test_a_target_that_still_fails_is_named_and_the_others_are_brought(deployed: Site) -> None:
    tag = deployed.desired()
    for name in ("web2", "web3"):
        deployed.slot(name).unlink()
    deployed.break_target("web2")
    ran = deployed.deploy("converge")
    assert ran.code == 71
    assert "web2" in ran.err
    assert "git deploy converge" in ran.err
    assert deployed.live("web3") == tag
    deployed.mend_target("web2")
    deployed.ok("converge")
    assert deployed.everywhere() == {tag}


def test_a_target_that_is_new_is_brought(deployed: Site) -> None:
    deployed.add_target("web4")
    deployed.ok("converge", "web4")
    assert deployed.live("web4") == deployed.desired()


def test_it_never_runs_ahead_of_a_rollout_whose_gate_is_closed(deployed: Site) -> None:
    live = deployed.desired()
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    deployed.break_target("web2")
    assert deployed.deploy("sync").code == 71
    deployed.mend_target("web2")
    deployed.slot("web3").unlink()
    deployed.ok("converge")
    assert deployed.everywhere() == {live}
    assert deployed.deploy("status").code == 2


def test_it_needs_no_lock_while_somebody_works_on_a_rollout(behind: Site) -> None:
    with behind.typed_by("Ann"):
        behind.ok("start")
        before = behind.holder
    behind.ok("converge")
    assert behind.holder == before
    assert behind.everywhere() == {behind.desired()}


def test_all_slots_are_brought(behind: Site) -> None:
    behind.ok("start", "slot1", "--new-prefix")
    behind.commit({"index.php": "slot1\n"})
    behind.push()
    behind.ok("sync")
    behind.slot("web3", "slot1").unlink()
    behind.ok("converge")
    assert behind.everywhere("slot0") == {behind.desired("slot0")}
    assert behind.everywhere("slot1") == {behind.desired("slot1")}


def test_one_that_was_away_when_the_first_rollout_was_aborted_loses_what_it_has(
    site: Site,
) -> None:
    site.ok("start")
    site.hook("post-sync.no", "exit 1")
    assert site.deploy("sync").code == 72
    release = site.live("web3")
    away = site.target("web3").rename(site.root / "away")
    ran = site.deploy("abort")
    assert ran.code == 71
    assert "git deploy converge" in ran.err
    away.rename(site.target("web3"))
    assert site.live("web3") == release
    assert "slot0 at nothing: 3 targets, brought web3." in site.ok("converge").err
    assert site.live("web3") == ""
    assert "nothing was behind" in site.ok("converge").err


def test_it_needs_no_configured_prefix(site: Site) -> None:
    """The desired state knows which there are."""
    site.git("config", "--unset", "deploy.tag-prefix")
    site.ok("start", "slot1", "--new-prefix")
    site.ok("sync", "slot1")
    site.slot("web2", "slot1").unlink()
    assert "brought web2" in site.ok("converge").err


def test_an_aborted_revert_withdraws_nothing_where_the_desired_state_is_lost(
    deployed: Site,
) -> None:
    """What a revert goes back to was made by another rollout, and was live before it began."""
    live = deployed.desired()
    (deployed.state_directory / "desired.json").unlink()
    with sqlite3.connect(deployed.state_directory / "journal.sqlite") as journal:
        journal.execute("DELETE FROM events")  # so that it cannot be rebuilt either
    journal.close()
    deployed.hook("post-sync.no", "exit 1")
    assert deployed.deploy("revert", live).code == 72
    deployed.deploy("abort")
    deployed.slot("web1").unlink(missing_ok=True)
    deployed.slot("web1").symlink_to(f".sartoris/releases/{live}")
    assert deployed.deploy("converge").code == 1
    assert deployed.live("web1") == live
