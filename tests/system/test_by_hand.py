"""Without targets and without a sync hook, people synchronise, and say so with finish."""

from __future__ import annotations

import pytest

from tests.system.site import Site


def changed(site: Site, text: str = "version 2\n") -> str:
    site.ok("start")
    commit = site.commit({"index.php": text})
    site.push()
    return commit


@pytest.fixture
def tagged(plain: Site) -> Site:
    """A rollout that waits for the synchronisation by hand."""
    changed(plain)
    plain.ok("sync")
    return plain


def test_a_sync_tags_pushes_and_leaves_the_rest_to_people(plain: Site) -> None:
    commit = changed(plain)
    ran = plain.ok("sync", "-m", "for the Friday train")
    start, rollout = plain.tags()
    assert plain.commit_of(rollout) == commit
    assert plain.git("tag", "--list", at=plain.origin).split() == [start, rollout]
    assert f"{rollout} is tagged. Synchronise by hand, then\n  git deploy finish" in ran.err
    text = (plain.repo / ".deploy").read_text()
    assert f"commit: {commit}\ntag: {rollout}\n" in text
    assert text.rstrip().endswith("\nfor the Friday train")
    assert plain.git("status", "--porcelain") == ""


def test_status_exits_2_until_the_finish(tagged: Site) -> None:
    status = tagged.deploy("status")
    assert status.code == 2
    assert "waiting for the synchronisation by hand" in status.out
    assert "git deploy finish" in status.out
    tagged.ok("finish")
    assert tagged.deploy("status").code == 0


def test_nobody_else_starts_in_between(tagged: Site) -> None:
    with tagged.typed_by("Ann"):
        assert tagged.deploy("start").code == 1
    tagged.ok("finish")
    with tagged.typed_by("Ann"):
        tagged.ok("start")


def test_a_second_start_tells_where_the_first_stands_and_what_leads_on(tagged: Site) -> None:
    ran = tagged.deploy("start")
    assert ran.code == 1
    assert "waiting for the synchronisation by hand" in ran.err
    assert "git deploy finish" in ran.err
    assert "git deploy sync" not in ran.err


def test_the_next_start_goes_from_the_tag_that_was_finished(tagged: Site) -> None:
    rollout = tagged.tags()[-1]
    tagged.ok("finish")
    tagged.ok("start")
    assert tagged.status()["rollout"]["start_tag"] == rollout


@pytest.mark.parametrize("action", ["sync", "manual-sync"])
def test_a_first_sync_of_nothing_new_names_the_missing_targets(plain: Site, action: str) -> None:
    plain.ok("start")
    ran = plain.deploy(action)
    assert ran.code == 1
    assert "nothing to sync: HEAD" in ran.err
    assert "live" not in ran.err
    assert "No targets are configured and slot0 has no sync hook" in ran.err
    assert "  git config --add deploy.target NAME=ROOT" in ran.err
    plain.ok("--force", action)


def test_with_a_sync_hook_nothing_new_is_refused_without_a_word_of_targets(plain: Site) -> None:
    plain.sync_hook()
    plain.ok("start")
    ran = plain.deploy("sync")
    assert ran.code == 1
    assert "is the commit at which this rollout started" in ran.err
    assert "targets" not in ran.err
    assert "live" not in ran.err
    plain.ok("--force", "sync")


def test_what_a_first_sync_says_to_type_leads_to_a_release_that_is_live(plain: Site) -> None:
    plain.ok("start")
    assert plain.deploy("sync").code == 1
    plain.ok("abort")
    plain.add_target("web1")
    plain.ok("start")
    plain.ok("sync")
    assert plain.live("web1") == plain.desired()


def test_an_abort_goes_back_to_a_tag_of_its_own(tagged: Site) -> None:
    start, rollout = tagged.tags()
    ran = tagged.ok("abort")
    back = tagged.tags()[-1]
    assert back > rollout
    assert tagged.commit_of(back) == tagged.commit_of(start) == tagged.head()
    assert f"the servers are not back yet, bring {back}" in ran.err
    assert f"tag: {back}" in (tagged.repo / ".deploy").read_text()
    assert tagged.status()["status"] == "none"


def test_there_is_nothing_to_resync(tagged: Site) -> None:
    ran = tagged.deploy("resync")
    assert ran.code == 1
    assert "synchronised by hand" in ran.err
    assert "git deploy finish" in ran.err


def test_a_second_sync_is_refused(tagged: Site) -> None:
    tags = tagged.tags()
    ran = tagged.deploy("sync")
    assert ran.code == 1
    assert f"synced before, as {tags[-1]}" in ran.err
    assert tagged.tags() == tags


def test_a_finish_wants_what_was_tagged_checked_out(tagged: Site) -> None:
    tagged.commit({"index.php": "version 3\n"})
    ran = tagged.deploy("finish")
    assert ran.code == 1
    assert f"HEAD is not the commit of {tagged.tags()[-1]}" in ran.err
    assert tagged.status()["status"] == "tagged"


def test_a_push_that_is_refused_makes_no_tag(plain: Site) -> None:
    changed(plain)
    tags = plain.tags()
    hook = plain.origin / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho no tags today >&2; exit 1\n")
    hook.chmod(0o755)
    ran = plain.deploy("sync")
    assert ran.code == 1
    assert "no tags today" in ran.err
    assert plain.tags() == tags
    assert plain.status()["status"] == "started"
    hook.unlink()
    plain.ok("sync")


def test_without_the_remote_nothing_is_pushed(plain: Site) -> None:
    changed(plain)
    with plain.no_network():
        plain.ok("--no-remote", "sync")
    assert plain.git("tag", "--list", at=plain.origin) == ""
    assert plain.status()["status"] == "tagged"


def test_manual_sync_is_by_hand_whatever_is_configured(site: Site) -> None:
    site.sync_hook(f"touch '{site.root}/ran'")
    changed(site)
    ran = site.ok("manual-sync")
    assert "Synchronise by hand" in ran.err
    assert site.everywhere() == {""}
    assert not (site.root / "ran").exists()
    assert site.deploy("status").code == 2
    site.ok("finish")
    assert site.deploy("status").code == 0


def test_an_aborted_manual_sync_runs_no_sync_hook(plain: Site) -> None:
    """What people did they undo: the hook may not reach where they went."""
    plain.sync_hook(f"touch '{plain.root}/ran'")
    changed(plain)
    plain.ok("manual-sync")
    assert "the servers are not back yet" in plain.ok("abort").err
    assert not (plain.root / "ran").exists()


def test_targets_that_are_configured_in_between_change_nothing(tagged: Site) -> None:
    tagged.add_target("web1")
    assert tagged.deploy("status").code == 2
    tagged.ok("finish")
    assert tagged.everywhere() == {""}


def test_a_release_is_a_tag_and_nothing_more(plain: Site) -> None:
    plain.config("deploy.can-make-tags", "true")
    commit = changed(plain)
    ran = plain.ok("release")
    rollout = plain.tags()[-1]
    assert f"{rollout} is released" in ran.err
    assert plain.commit_of(rollout, at=plain.origin) == commit
    assert f"tag: {rollout}" in (plain.repo / ".deploy").read_text()
    assert plain.status()["status"] == "none"


def test_a_release_may_be_of_the_same_commit(plain: Site) -> None:
    plain.config("deploy.can-make-tags", "true")
    plain.ok("start")
    plain.ok("release")
    assert plain.status()["status"] == "none"


def test_a_release_needs_leave_to_make_tags(plain: Site) -> None:
    changed(plain)
    tags = plain.tags()
    ran = plain.deploy("release")
    assert ran.code == 1
    assert "deploy.can-make-tags is not true" in ran.err
    assert plain.tags() == tags
    assert plain.status()["status"] == "started"


def test_a_release_needs_a_rollout(plain: Site) -> None:
    plain.config("deploy.can-make-tags", "true")
    ran = plain.deploy("release")
    assert ran.code == 1
    assert "no rollout has been started" in ran.err
    assert plain.tags() == []


def test_a_release_ships_nothing_to_targets(site: Site) -> None:
    site.config("deploy.can-make-tags", "true")
    changed(site)
    site.ok("release")
    assert site.everywhere() == {""}


@pytest.fixture
def killed(plain: Site) -> Site:
    """A sync that was killed when its tag was chosen, and not pushed yet."""
    commit = changed(plain)
    hook = plain.hook("post-tag.kill", "kill -KILL $PPID")
    assert plain.run("sync").code == -9
    hook.unlink()
    assert plain.commit_of(plain.tags()[-1]) == commit
    return plain


def test_a_sync_that_was_killed_before_the_push_is_resynced(killed: Site) -> None:
    tag = killed.tags()[-1]
    ran = killed.ok("resync")
    assert f"{tag} is tagged. Synchronise by hand" in ran.err
    assert killed.commit_of(tag, at=killed.origin) == killed.head()
    assert f"tag: {tag}" in (killed.repo / ".deploy").read_text()
    killed.ok("finish")


def test_a_sync_that_was_killed_can_be_aborted(killed: Site) -> None:
    start = killed.tags()[0]
    killed.ok("abort")
    assert killed.head() == killed.commit_of(start)
    assert killed.status()["status"] == "none"


def test_a_sync_without_its_tag_is_not_finished(killed: Site) -> None:
    tag = killed.tags()[-1]
    killed.git("tag", "--delete", tag)
    ran = killed.deploy("finish")
    assert ran.code == 1
    assert f"{tag} was not made" in ran.err
    killed.ok("resync")
    killed.ok("finish")


class TestModified:
    def test_the_files_of_the_rollout_are_counted_by_kind(self, plain: Site) -> None:
        plain.ok("start")
        (plain.repo / "lib/a.php").unlink()
        plain.commit({"index.php": "2\n", "new one.php": "n\n", "caf\u00e9.php": "c\n"})
        lines = plain.ok("modified").out.splitlines()
        assert sorted(lines[:-1]) == [
            "A\tcaf\u00e9.php",
            "A\tnew one.php",
            "D\tlib/a.php",
            "M\tindex.php",
        ]
        assert lines[-1].startswith("Total files: 4, ")
        for count in ("modified: 1", "added: 2", "deleted: 1"):
            assert count in lines[-1]

    def test_after_the_sync_it_is_what_was_tagged(self, tagged: Site) -> None:
        tagged.commit({"later.php": "l\n"})
        assert "later.php" not in tagged.ok("modified").out

    def test_without_a_change_it_says_so(self, plain: Site) -> None:
        plain.ok("start")
        assert plain.ok("modified").out == "No files have been modified\n"

    def test_outside_of_a_rollout_nothing_is_modified(self, plain: Site) -> None:
        ran = plain.deploy("modified")
        assert ran.code == 0
        assert ran.out == ""


class TestCheck:
    def test_a_repository_that_is_ready_is_told_so(self, plain: Site) -> None:
        assert "Ready for a rollout of slot0" in plain.ok("check").err
        assert plain.tags() == []
        assert plain.holder is None

    def test_a_tree_that_is_not_clean_is_not_ready(self, plain: Site) -> None:
        (plain.repo / "index.php").write_text("not committed\n")
        ran = plain.deploy("check")
        assert ran.code == 1
        assert "not clean" in ran.err

    def test_a_detached_head_is_not_ready(self, plain: Site) -> None:
        plain.git("checkout", "--quiet", "--detach")
        assert plain.deploy("check").code == 1

    def test_blocked_deploys_are_not_ready(self, plain: Site) -> None:
        plain.config("deploy.block-reason", "the database moves")
        ran = plain.deploy("check")
        assert ran.code == 1
        assert "the database moves" in ran.err
