"""A rollout that is not complete goes on with resync, and ends with finish."""

from __future__ import annotations

import pytest

from tests.system.conftest import rolled_out, with_targets
from tests.system.kept import Kept
from tests.system.site import Ran, Site


@pytest.fixture
def stopped(kept: Kept) -> Site:
    """A rollout that the gate stopped, because of web2."""
    return kept.site(with_targets, rolled_out, stopped_by_the_gate)


def stopped_by_the_gate(site: Site) -> None:
    site.ok("start")
    site.commit({"index.php": "version 2\n"})
    site.push()
    site.break_target("web2")
    assert site.deploy("sync").code == 71


def asked(ran: Ran, stage: str) -> list[str]:
    """The targets that answered to orders of a stage, each time they did."""
    events = [event for event in ran.events if event["event"] == "target-answered"]
    return sorted(event["outcome"]["target"] for event in events if event["stage"] == stage)


def test_a_rollout_that_is_not_complete_is_not_finished(stopped: Site) -> None:
    before = stopped.holder
    ran = stopped.deploy("finish")
    assert ran.code == 1
    assert "has not reached the fleet (progress" in ran.err
    assert "git deploy resync" in ran.err
    assert stopped.holder is not None
    assert before is not None
    assert stopped.holder["session"] == before["session"]
    assert stopped.deploy("status").code == 2


def test_a_rollout_whose_head_has_moved_is_not_finished(deployed: Site) -> None:
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    hook = deployed.hook("post-sync.check", "exit 1")
    assert deployed.deploy("sync").code == 72
    hook.unlink()
    tag = deployed.desired()
    later = deployed.commit({"index.php": "version 3\n"})
    ran = deployed.deploy("finish")
    assert ran.code == 1
    assert f"HEAD is not the commit of {tag}" in ran.err
    assert "git reset --keep" in ran.err
    assert deployed.head() == later
    deployed.git("checkout", "--quiet", "-B", "main", tag)
    deployed.ok("finish")


def test_a_finish_without_a_rollout_is_refused(deployed: Site) -> None:
    ran = deployed.deploy("finish")
    assert ran.code == 1
    assert "no rollout has been started" in ran.err
    assert "git deploy start" in ran.err


def test_a_finish_before_the_sync_is_refused(site: Site) -> None:
    site.ok("start")
    ran = site.deploy("finish")
    assert ran.code == 1
    assert "has not been synced yet" in ran.err
    assert "git deploy sync" in ran.err
    assert site.holder is not None


def test_a_post_finish_hook_that_fails_is_told_and_stops_nothing(site: Site) -> None:
    site.hook("post-finish.tell", "exit 9")
    site.ok("start")
    ran = site.ok("sync")
    assert "exit code 9" in ran.err
    assert site.holder is None


def test_a_resync_asks_those_to_fetch_that_are_behind(stopped: Site) -> None:
    stopped.mend_target("web2")
    ran = stopped.ok("resync", "--json")
    assert asked(ran, "fetch") == ["web1", "web2", "web3"]
    assert stopped.everywhere() == {stopped.desired()}
    assert stopped.deploy("status").code == 0


def test_a_resync_leaves_out_those_that_have_the_release_live(deployed: Site) -> None:
    deployed.set("deploy.max-failed", "1")
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    deployed.break_target("web2")
    hook = deployed.hook("post-sync.check", "exit 1")
    assert deployed.deploy("sync").code == 72
    hook.unlink()
    deployed.mend_target("web2")
    ran = deployed.ok("resync", "--json")
    assert asked(ran, "fetch") == asked(ran, "switch") == ["web2"]
    assert deployed.everywhere() == {deployed.desired()}


def test_resync_all_asks_everyone(deployed: Site) -> None:
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    hook = deployed.hook("post-sync.check", "exit 1")
    assert deployed.deploy("sync").code == 72
    hook.unlink()
    ran = deployed.ok("resync", "--all", "--json")
    assert asked(ran, "fetch") == asked(ran, "switch") == ["web1", "web2", "web3"]


def test_a_resync_ships_the_tag_and_not_what_came_after(stopped: Site) -> None:
    stopped.mend_target("web2")
    stopped.commit({"index.php": "version 3\n"})
    stopped.push()
    stopped.ok("resync")
    assert stopped.files("web2")["index.php"] == "version 2\n"


def test_a_resync_without_a_rollout_is_refused(deployed: Site) -> None:
    ran = deployed.deploy("resync")
    assert ran.code == 1
    assert "no rollout has been started" in ran.err


def test_a_resync_before_the_sync_is_refused(site: Site) -> None:
    site.ok("start")
    ran = site.deploy("resync")
    assert ran.code == 1
    assert "has not been synced yet, so there is nothing to resync" in ran.err
    assert "git deploy sync" in ran.err
    assert site.everywhere() == {""}


def test_a_resync_of_somebody_elses_rollout_is_refused(stopped: Site) -> None:
    with stopped.typed_by("Ann"):
        ran = stopped.deploy("resync")
        assert ran.code == 1
        assert "Some Deployer" in ran.err
        stopped.mend_target("web2")
        stopped.ok("--force", "resync")
    assert stopped.everywhere() == {stopped.desired()}


def test_a_target_that_is_added_during_a_rollout_gets_the_release(stopped: Site) -> None:
    stopped.mend_target("web2")
    stopped.add_target("web4")
    stopped.ok("resync")
    assert stopped.live("web4") == stopped.desired()


def test_a_resync_runs_the_live_hooks_that_a_kill_cut_short(deployed: Site) -> None:
    beside = deployed.slot("web1").parent
    (beside / "deadly").touch()
    script = 'cd "$(dirname "$GIT_DEPLOY_PATH")"; test ! -e deadly || kill -KILL $PPID; echo >> ran'
    deployed.live_hook(script)
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    assert deployed.run("sync").code == -9
    assert deployed.live("web1") == deployed.desired()
    (beside / "deadly").unlink()
    (beside / "ran").unlink(missing_ok=True)  # what outlived its command counts for nothing

    ran = deployed.ok("resync", "--json")

    assert "web1" in asked(ran, "switch")
    for name in ("web1", "web2", "web3"):
        assert (deployed.slot(name).parent / "ran").exists()
    assert set(deployed.conditions().values()) == {"current"}
