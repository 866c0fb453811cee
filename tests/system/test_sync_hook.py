"""The site's own sync takes the place of ours, and what it did decides how the rollout ends."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.system.site import Site


@pytest.fixture
def hooked(plain: Site) -> Site:
    """A site without targets, and a sync hook that writes down what it is told."""
    plain.sync_hook(f"env -0 > '{plain.root}/env'; pwd > '{plain.root}/place'")
    return plain


def failing(site: Site, script: str = "echo the rsync broke; exit 7") -> Path:
    """A rollout in progress with a change to ship, by a hook that does not succeed."""
    hook = site.sync_hook(script)
    changed(site)
    return hook


def changed(site: Site, text: str = "version 2\n") -> str:
    site.ok("start")
    commit = site.commit({"index.php": text})
    site.push()
    return commit


def environment(site: Site) -> dict[str, str]:
    """The variables of the last sync hook, those that are of a rollout."""
    text = (site.root / "env").read_text()
    pairs = (line.split("=", 1) for line in text.split("\0") if line)
    return {name: value for name, value in pairs if "DEPLOY" in name}


def phases(site: Site) -> Path:
    """A file in which hooks of the phases around a sync note what they are told."""
    told = site.root / "told"
    for phase in ("post-sync", "post-finish"):
        site.hook(
            f"{phase}.tell",
            f'echo "$GIT_DEPLOY_PHASE $GIT_DEPLOY_ACTION $GIT_DEPLOY_RESULT" >> "{told}"',
        )
    return told


def test_the_hook_is_told_what_to_ship_and_what_it_replaces(hooked: Site) -> None:
    changed(hooked)
    hooked.ok("sync", "-m", "two lines\nin %TAG")
    start, rollout = hooked.tags()
    told = environment(hooked)
    assert told["DEPLOY_ROLLOUT_TAG"] == told["GIT_DEPLOY_ROLLOUT_TAG"] == rollout
    assert told["DEPLOY_ROLLBACK_TAG"] == told["GIT_DEPLOY_START_TAG"] == start
    assert told["DEPLOY_ROLLOUT_PREFIX"] == told["GIT_DEPLOY_PREFIX"] == "slot0"
    assert told["GIT_DEPLOY_ACTION"] == "sync"
    assert told["DEPLOY_DEPLOY_FILE"] == ".deploy"
    assert told["DEPLOY_DEPLOY_TEXT"] == (hooked.repo / ".deploy").read_text()
    assert f"two lines\nin {rollout}" in told["DEPLOY_DEPLOY_TEXT"]
    assert (hooked.root / "place").read_text().rstrip("\n") == str(hooked.repo)


def test_a_hook_that_succeeds_finishes_the_rollout(hooked: Site) -> None:
    told = phases(hooked)
    commit = changed(hooked)
    ran = hooked.ok("sync")
    rollout = hooked.tags()[-1]
    assert hooked.commit_of(rollout) == commit
    assert hooked.commit_of(rollout, at=hooked.origin) == commit
    assert hooked.status()["status"] == "none"
    assert hooked.holder is None
    assert f"{rollout} is synchronised by the sync hook" in ran.err
    assert told.read_text().splitlines() == ["post-sync sync complete", "post-finish finish "]


def test_the_hook_of_another_prefix_is_not_run(plain: Site) -> None:
    plain.sync_hook("exit 1", prefix="slot1")
    changed(plain)
    ran = plain.ok("sync")
    assert "Synchronise by hand" in ran.err
    assert plain.status()["status"] == "tagged"


def test_the_hook_wins_over_targets(site: Site) -> None:
    ran_hook = site.root / "ran"
    site.sync_hook(f"touch '{ran_hook}'")
    changed(site)
    site.ok("sync")
    assert ran_hook.exists()
    assert site.everywhere() == {""}


def test_a_hook_that_fails_leaves_the_rollout_open(plain: Site) -> None:
    told = phases(plain)
    hook = failing(plain)
    ran = plain.deploy("sync")
    rollout = plain.tags()[-1]
    assert ran.code == 71
    assert f"the sync hook {hook} exited with 7" in ran.err
    assert f"{rollout} is tagged, and may be live on some servers" in ran.err
    assert str(hook) in ran.err
    for way in ("git deploy resync", "git deploy finish", "git deploy abort"):
        assert way in ran.err
    assert told.read_text().splitlines() == ["post-sync sync incomplete"]
    status = plain.deploy("status")
    assert status.code == 2
    assert "its sync hook has not succeeded yet" in status.out


def test_the_site_says_what_to_do_then(plain: Site) -> None:
    plain.config("deploy.support-email", "admins@example.org")
    plain.config(
        "deploy.message-on-sync-hook-fail-whale",
        "Run {SYNC_HOOK} again, or write to {SUPPORT_EMAIL}.\nBreathe.",
    )
    hook = failing(plain)
    ran = plain.deploy("sync")
    assert f"Run {hook} again, or write to admins@example.org.\n  Breathe." in ran.err


def test_without_words_of_the_site_the_support_is_named(plain: Site) -> None:
    plain.config("deploy.support-email", "admins@example.org")
    failing(plain)
    assert "admins@example.org" in plain.deploy("sync").err


def test_resync_runs_the_hook_again_for_the_same_tag(plain: Site) -> None:
    failing(plain)
    plain.deploy("sync")
    tags = plain.tags()
    assert plain.deploy("resync").code == 71
    plain.sync_hook(f"env -0 > '{plain.root}/env'")
    ran = plain.ok("resync")
    told = environment(plain)
    assert told["DEPLOY_ROLLOUT_TAG"] == tags[-1]
    assert told["GIT_DEPLOY_ACTION"] == "resync"
    assert plain.tags() == tags
    assert "is synchronised" in ran.err
    assert plain.status()["status"] == "none"


def test_a_resync_does_not_need_the_remote_that_has_the_tag_already(plain: Site) -> None:
    failing(plain)
    tagged = plain.hook("post-tag.tell", f"echo x >> '{plain.root}/tagged'")
    plain.deploy("sync")
    assert tagged.exists()
    tags = plain.tags()
    plain.sync_hook("exit 0")
    with plain.no_network():
        plain.ok("resync")
    assert plain.tags() == tags
    assert plain.status()["status"] == "none"
    assert (plain.root / "tagged").read_text() == "x\n"


def test_finish_ends_a_rollout_that_was_repaired_by_hand(plain: Site) -> None:
    failing(plain)
    plain.deploy("sync")
    told = phases(plain)
    plain.ok("finish")
    assert plain.status()["status"] == "none"
    assert told.read_text().splitlines() == ["post-finish finish "]


def test_abort_runs_the_hook_with_the_rollback_tag(plain: Site) -> None:
    head = plain.head()
    failing(plain)
    plain.deploy("sync")
    start = plain.tags()[0]
    plain.sync_hook(f"env -0 > '{plain.root}/env'")
    plain.ok("abort")
    told = environment(plain)
    back = plain.tags()[-1]
    assert told["DEPLOY_ROLLOUT_TAG"] == told["GIT_DEPLOY_ROLLOUT_TAG"] == back
    assert told["DEPLOY_ROLLBACK_TAG"] == start
    assert told["GIT_DEPLOY_ACTION"] == "abort"
    assert plain.commit_of(back) == head
    assert plain.commit_of(back, at=plain.origin) == head
    assert f"tag: {back}" in (plain.repo / ".deploy").read_text()
    assert plain.head() == head
    assert plain.status()["status"] == "none"


def test_abort_before_the_sync_runs_no_sync_hook(hooked: Site) -> None:
    changed(hooked)
    hooked.ok("abort")
    assert not (hooked.root / "env").exists()
    assert len(hooked.tags()) == 1


def test_an_abort_whose_hook_fails_ends_and_says_what_to_run(plain: Site) -> None:
    hook = failing(plain)
    plain.deploy("sync")
    ran = plain.deploy("abort")
    back = plain.tags()[-1]
    assert ran.code == 71
    assert f"the sync hook {hook} exited with 7 while it went back to {back}" in ran.err
    assert f"DEPLOY_ROLLOUT_TAG={back} {hook}" in ran.err
    assert "git deploy converge" not in ran.err
    assert plain.status()["status"] == "none"


def test_a_hook_that_is_gone_since_the_tag_is_missed(plain: Site) -> None:
    hook = failing(plain)
    plain.deploy("sync")
    hook.unlink()
    ran = plain.deploy("resync")
    assert ran.code == 71
    assert "the sync hook of slot0 is missing since" in ran.err
    assert "git deploy finish" in ran.err
    assert plain.status()["status"] == "tagged"
    ran = plain.deploy("abort")
    assert ran.code == 71
    assert "is missing since" in ran.err
    assert "git deploy converge" not in ran.err
    assert plain.status()["status"] == "none"


def test_a_hook_that_goes_while_it_is_prepared_ships_nothing_in_another_way(site: Site) -> None:
    hook = failing(site)
    site.hook("post-tag.remove", f"rm -f '{hook}'")
    ran = site.deploy("sync")
    assert ran.code == 71
    assert "is missing" in ran.err
    assert site.everywhere() == {""}


def test_a_hook_that_is_not_executable_is_passed_over_with_a_warning(plain: Site) -> None:
    hook = failing(plain)
    hook.chmod(0o644)
    ran = plain.ok("sync")
    assert f"hook {hook} skipped: it is not executable" in ran.err
    assert "Synchronise by hand" in ran.err


def test_a_hook_that_lost_its_execute_bit_is_not_taken_for_done(plain: Site) -> None:
    hook = failing(plain)
    plain.deploy("sync")
    hook.chmod(stat.S_IRUSR | stat.S_IWUSR)
    ran = plain.deploy("resync")
    assert ran.code == 71
    assert "it is not executable" in ran.err
    assert plain.status()["status"] == "tagged"


def test_a_hook_that_hangs_is_stopped(plain: Site) -> None:
    plain.config("deploy.hook-timeout", "1")
    failing(plain, "sleep 600")
    ran = plain.deploy("sync")
    assert ran.code == 71
    assert "took longer than 1 seconds and was stopped" in ran.err
    assert plain.status()["status"] == "tagged"


def test_a_hook_that_a_signal_killed_has_failed(plain: Site) -> None:
    failing(plain, "kill -SEGV $$")
    ran = plain.deploy("sync")
    assert ran.code == 71
    assert "was killed by SIGSEGV" in ran.err


def test_a_hook_may_print_as_much_as_it_likes(plain: Site) -> None:
    failing(plain, "yes 0123456789abcdef | head -c 10000000; echo the end; echo an error >&2")
    ran = plain.run("sync")
    assert ran.code == 0
    assert len(ran.err) > 10_000_000
    assert "the end\nan error" in ran.err
    assert ran.out == ""


def test_what_a_hook_prints_never_reaches_standard_output(plain: Site) -> None:
    failing(plain, "echo not json")
    ran = plain.run("sync", "--json")
    assert ran.code == 0
    assert "hook-ran" in {event["event"] for event in ran.events}
    assert "not json" in ran.err


def test_variables_of_a_rollout_around_this_one_do_not_reach_it(
    hooked: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DEPLOY_ROLLBACK_TAG", "GIT_DEPLOY_RESULT", "GIT_DEPLOY_LOG_MESSAGE"):
        monkeypatch.setenv(name, "from outside")
    changed(hooked)
    hooked.ok("sync")
    told = environment(hooked)
    assert "from outside" not in told.values()
    assert "GIT_DEPLOY_LOG_MESSAGE" not in told


def test_a_failed_post_sync_hook_runs_once_and_is_not_told_that_the_sync_failed(
    hooked: Site,
) -> None:
    told = hooked.root / "told"
    hooked.hook("post-sync.check", f'echo "$GIT_DEPLOY_RESULT" >> "{told}"; exit 1')
    changed(hooked)
    ran = hooked.deploy("sync")
    assert ran.code == 72
    assert "is synchronised, but the rollout is not finished" in ran.err
    assert told.read_text().splitlines() == ["complete"]
    hooked.ok("finish")


def test_a_sync_that_is_killed_while_its_hook_runs_can_be_resynced(plain: Site) -> None:
    failing(plain, "kill -KILL $PPID")
    assert plain.run("sync").code == -9
    status = plain.deploy("status")
    assert status.code == 2
    assert "its sync hook has not succeeded yet" in status.out
    tags = plain.tags()
    plain.sync_hook(f"env -0 > '{plain.root}/env'")
    plain.ok("resync")
    assert environment(plain)["DEPLOY_ROLLOUT_TAG"] == tags[-1]
    assert plain.tags() == tags


@pytest.mark.parametrize("action", ["resync", "abort"])
def test_a_sync_that_is_killed_before_the_tag_is_pushed_goes_on(plain: Site, action: str) -> None:
    changed(plain)
    plain.sync_hook("exit 0")
    hook = plain.hook("post-tag.kill", 'test "$GIT_DEPLOY_ACTION" = start || kill -KILL $PPID')
    assert plain.run("sync").code == -9
    hook.unlink()
    tag = plain.tags()[-1]
    plain.ok(action)
    if action == "resync":
        assert plain.commit_of(tag) == plain.commit_of(tag, at=plain.origin)
    assert plain.status()["status"] == "none"


def test_the_hook_may_ask_the_deployer(plain: Site) -> None:
    """Its standard input is the deployer's."""
    failing(plain, 'read answer; test "$answer" = yes')
    reading, writing = os.pipe()
    os.write(writing, b"yes\n")
    os.close(writing)
    before = os.dup(0)
    os.dup2(reading, 0)
    try:
        plain.ok("sync")
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(reading)
