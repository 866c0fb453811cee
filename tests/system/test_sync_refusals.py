"""What stops a sync, and that it leaves everything as it was."""

from __future__ import annotations

import pytest

from tests.system.site import Ran, Site

TAGS = 2  # of the release that is live: where its rollout started, and its own


def assert_refused(site: Site, ran: Ran, *said: str) -> None:
    """The sync was refused with these words, and is as if it had not been typed."""
    assert ran.code == 1, ran.err
    for words in said:
        assert words in ran.err
    assert "Next:" in ran.err
    assert site.status()["rollout"]["progress"] == "started"
    assert site.status()["rollout"]["rollout_tag"] == ""
    assert len(site.tags()) == TAGS
    assert site.git("tag", "--list", at=site.origin).split() == site.tags()
    assert site.everywhere() == {site.desired()} == {max(site.tags())}


def test_nothing_new_is_refused_except_by_force(deployed: Site) -> None:
    before = deployed.desired()
    deployed.ok("start")
    ran = deployed.deploy("sync")
    assert ran.code == 1
    assert "nothing to sync" in ran.err
    assert deployed.everywhere() == {deployed.desired()} == {before}
    assert deployed.holder is None, "a cron job that finds nothing new leaves no lock"
    deployed.ok("start")
    deployed.ok("--force", "sync")
    assert deployed.desired() > before
    assert deployed.everywhere() == {deployed.desired()}


def test_a_commit_that_is_not_pushed_is_refused(started: Site) -> None:
    started.commit({"index.php": "version 3\n"})
    ran = started.deploy("sync")
    assert_refused(started, ran, "`origin/main` does not have all commits of `main`")
    assert "git push origin HEAD:main" in ran.err
    started.push()
    started.ok("sync")


@pytest.mark.parametrize("dirty", ["index.php", "untracked.php"])
def test_a_dirty_tree_is_refused_and_kept(started: Site, dirty: str) -> None:
    (started.repo / dirty).write_text("half done\n")
    assert_refused(started, started.deploy("sync"), "is not clean", dirty, "git status")
    assert (started.repo / dirty).read_text() == "half done\n"
    started.ok("--no-check-clean", "sync")
    assert (started.repo / dirty).read_text() == "half done\n"
    assert started.files("web1")["index.php"] == "version 2\n"
    assert "untracked.php" not in started.files("web1")


def test_a_change_inside_a_submodule_is_a_dirty_tree(site: Site) -> None:
    site.add_submodule("ext/Cite", {"Cite.php": "cite 1\n"})
    site.ok("start")
    (site.repo / "ext/Cite/Cite.php").write_text("half done\n")
    ran = site.deploy("sync")
    assert ran.code == 1
    assert "ext/Cite" in ran.err
    assert site.everywhere() == {""}
    assert (site.repo / "ext/Cite/Cite.php").read_text() == "half done\n"


def test_a_dirty_tree_is_seen_although_git_was_told_to_hide_it(started: Site) -> None:
    started.config("status.showUntrackedFiles", "no")
    (started.repo / "untracked.php").write_text("forgotten\n")
    assert_refused(started, started.deploy("sync"), "untracked.php")


def test_a_detached_head_is_refused(started: Site) -> None:
    started.git("checkout", "--quiet", "--detach")
    assert_refused(started, started.deploy("sync"), "detached", "git checkout")


def test_a_pre_sync_hook_that_fails_stops_the_sync(started: Site) -> None:
    hook = started.hook("pre-sync.check", "exit 4")
    assert_refused(started, started.deploy("sync"), f"{hook} exited with 4", "git deploy sync")
    hook.unlink()
    started.ok("sync")


def test_hooks_of_another_prefix_do_not_run(started: Site) -> None:
    started.hook("pre-sync.check", "exit 4", prefix="slot1")
    started.ok("sync")


def test_what_a_pre_sync_hook_commits_is_shipped(started: Site) -> None:
    started.hook(
        "pre-sync.build",
        "echo built > built.php && git add built.php && git commit -qm build && git push -q",
    )
    started.ok("sync")
    assert started.files("web1")["built.php"] == "built\n"
    assert started.head() in (started.slot("web1") / ".deploy").read_text()


def test_what_a_pre_sync_hook_commits_has_to_be_pushed(started: Site) -> None:
    started.hook("pre-sync.build", "echo b > b.php && git add b.php && git commit -qm build")
    assert_refused(started, started.deploy("sync"), "`origin/main` does not have all commits")


def test_what_a_pre_sync_hook_leaves_uncommitted_is_not_shipped(started: Site) -> None:
    started.hook("pre-sync.build", "echo built > index.php")
    started.ok("sync")
    assert started.files("web1")["index.php"] == "version 2\n"


def test_a_pre_sync_hook_that_leaves_the_branch_is_refused(started: Site) -> None:
    started.hook("pre-sync.build", "git checkout -q --detach HEAD~1")
    assert_refused(started, started.deploy("sync"), "detached")


def test_a_post_tag_hook_that_fails_leaves_no_tag(started: Site) -> None:
    hook = started.hook("post-tag.check", "exit 5")
    assert_refused(started, started.deploy("sync"), f"{hook} exited with 5", "git deploy sync")
    hook.unlink()
    started.ok("sync")


def test_an_origin_that_refuses_the_tag_leaves_no_tag(started: Site) -> None:
    refuse = started.origin / "hooks" / "pre-receive"
    refuse.parent.mkdir(exist_ok=True)
    refuse.write_text("#!/bin/sh\necho tags are frozen >&2; exit 1\n")
    refuse.chmod(0o755)
    ran = started.deploy("sync")
    assert_refused(started, ran, "tags are frozen", "git deploy --no-remote sync")
    refuse.unlink()
    started.ok("sync")


def test_an_origin_that_refuses_one_tag_gets_neither(site: Site) -> None:
    refuse = site.origin / "hooks" / "update"
    refuse.parent.mkdir(exist_ok=True)
    site.ok("start")
    (start_tag,) = site.tags()
    refuse.write_text(f'#!/bin/sh\n[ "$1" = refs/tags/{start_tag} ]\n')
    refuse.chmod(0o755)
    assert site.deploy("sync").code == 1
    assert site.tags() == [start_tag]
    assert site.git("tag", "--list", at=site.origin) == ""
    refuse.unlink()
    site.ok("sync")


def test_a_network_that_goes_away_before_the_push_leaves_no_tag(started: Site) -> None:
    with started.no_network():
        ran = started.deploy("sync")
    assert_refused(started, ran, "git deploy --no-remote sync")


def test_a_post_sync_hook_that_fails_leaves_a_live_release_to_finish(started: Site) -> None:
    hook = started.hook("post-sync.check", "exit 6")
    ran = started.deploy("sync")
    assert ran.code == 72
    tag = started.desired()
    assert f"{tag} is live on the fleet, but the rollout is not finished" in ran.err
    assert f"{hook} exited with 6" in ran.err
    assert "git deploy finish" in ran.err
    assert started.everywhere() == {tag}
    assert started.deploy("status").code == 2
    started.ok("finish")
    assert started.deploy("status").code == 0
    assert started.everywhere() == {tag}


def test_a_sync_without_a_start_is_refused(deployed: Site) -> None:
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    ran = deployed.deploy("sync")
    assert ran.code == 1
    assert "no rollout has been started" in ran.err
    assert "git deploy start" in ran.err
    assert deployed.holder is None
    assert len(deployed.tags()) == TAGS


def test_a_sync_of_somebody_elses_rollout_is_refused(site: Site) -> None:
    with site.typed_by("Ann"):
        site.ok("start")
    ran = site.deploy("sync")
    assert ran.code == 1
    assert "Ann <ann@example.org>" in ran.err
    assert site.everywhere() == {""}
    site.ok("--force", "sync")


def test_a_second_sync_is_sent_to_resync(started: Site) -> None:
    started.break_target("web1")
    assert started.deploy("sync").code == 71
    tags = started.tags()
    ran = started.deploy("sync")
    assert ran.code == 1
    assert "this rollout was synced before" in ran.err
    assert "git deploy resync" in ran.err
    assert started.tags() == tags


def test_a_block_that_comes_after_the_start_stops_the_sync(started: Site) -> None:
    started.config("deploy.block-reason", "freeze")
    ran = started.deploy("sync")
    assert ran.code == 1
    assert "deploys are blocked: freeze" in ran.err
    assert len(started.tags()) == TAGS


def test_without_targets_the_synchronisation_is_by_hand(site: Site) -> None:
    site.git("config", "--unset-all", "deploy.target")
    site.ok("start")
    ran = site.deploy("sync")
    assert ran.code == 1
    assert "nothing to sync" in ran.err
    head = site.commit({"index.php": "version 2\n"})
    site.push()
    site.ok("sync")
    status = site.deploy("status")
    assert status.code == 2
    assert "waiting for the synchronisation by hand" in status.out
    assert "git deploy finish" in status.out
    tag = max(site.tags())
    assert (site.repo / ".deploy").read_text().startswith(f"commit: {head}\ntag: {tag}\n")
    assert tag in site.git("tag", "--list", at=site.origin).split()
    site.ok("finish")
    assert site.deploy("status").code == 0


def test_targets_without_a_path_are_refused_before_anything_is_tagged(started: Site) -> None:
    started.git("config", "--unset-all", "deploy.path")
    ran = started.deploy("sync")
    assert ran.code == 1
    assert "deploy.path is not set" in ran.err
    assert "git config deploy.path" in ran.err
    assert len(started.tags()) == TAGS


def test_a_submodule_that_is_not_checked_out_is_refused_before_anything_is_tagged(
    started: Site,
) -> None:
    started.add_submodule("ext/Cite", {"Cite.php": "cite 1\n"})
    started.git("submodule", "--quiet", "deinit", "--force", "ext/Cite")
    ran = started.deploy("sync")
    assert_refused(started, ran, "the submodule ext/Cite is not checked out")
    assert "git submodule update --init --recursive" in ran.err
    started.git("submodule", "--quiet", "update", "--init", "--recursive")
    started.ok("sync")
    assert started.files("web1")["ext/Cite/Cite.php"] == "cite 1\n"


def test_a_submodule_commit_that_is_nowhere_is_refused_before_anything_is_tagged(
    started: Site,
) -> None:
    started.add_submodule("ext/Cite", {"Cite.php": "cite 1\n"})
    nowhere = "1" * 40
    started.git("update-index", "--cacheinfo", f"160000,{nowhere},ext/Cite")
    started.git("commit", "--quiet", "-m", "a commit that nobody has")
    started.push()
    ran = started.deploy("sync", "--no-check-clean")
    assert_refused(started, ran, "the submodule ext/Cite does not have commit", nowhere)


def test_a_deploy_file_that_the_repository_tracks_is_left_alone_here(site: Site) -> None:
    site.commit({".deploy": "ours\n"})
    site.push()
    site.ok("start")
    ran = site.ok("sync")
    assert ".deploy is not written here: the repository tracks it" in ran.err
    assert (site.repo / ".deploy").read_text() == "ours\n"
    assert (site.slot("web1") / ".deploy").read_text().startswith("commit: ")
    assert site.git("status", "--porcelain") == ""
    assert set(site.conditions("--verify").values()) == {"current"}


def test_a_tag_of_the_rollouts_name_that_somebody_made_is_passed_by(started: Site) -> None:
    first = started.tags()
    names = 'for n in 0 1 2 3; do date -d "+$n seconds" +slot0-%Y%m%d-%H%M%S; done'
    started.hook("pre-sync.tag", f"for tag in $({names}); do git tag $tag || true; done")
    started.ok("sync")
    assert started.desired() not in first
    assert started.git("cat-file", "-t", started.desired()) == "tag"


def test_a_submodule_that_is_not_at_its_recorded_commit_comes_with_the_way_there(
    site: Site,
) -> None:
    source = site.add_submodule("ext/Cite", {"Cite.php": "1\n"})
    (source / "Cite.php").write_text("2\n")
    site.git("commit", "--quiet", "-am", "two", at=source)
    site.ok("start")
    site.git("-C", "ext/Cite", "pull", "--quiet", "origin", "main")
    refused = site.deploy("sync")
    assert refused.code == 1
    assert "git submodule update --init --recursive" in refused.err


@pytest.mark.parametrize("where", ["ghp_s3cret@example.org", "ann:s3cret@example.org"])
def test_a_secret_in_the_url_of_targets_is_refused_by_all_that_need_it_and_shown_by_none(
    deployed: Site, where: str
) -> None:
    first = deployed.desired()
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    deployed.break_target("web1")
    assert deployed.deploy("sync").code == 71
    deployed.mend_target("web1")
    deployed.config("deploy.url", f"https://{where}/wiki.git")
    _assert_refused(deployed.deploy("resync"))
    deployed.ok("abort")  # the way out stays open
    for words in (("check",), ("start",), ("hotfix",), ("converge",), ("--force", "revert", first)):
        _assert_refused(deployed.deploy(*words))
    examined = deployed.deploy("doctor")
    assert "deploy.url has a password in it" in examined.out
    assert "s3cret" not in examined.out
    for question in ("report", "status", "history"):
        ran = deployed.ok(question, "--json")
        assert "s3cret" not in ran.out + ran.err


def _assert_refused(ran: Ran) -> None:
    assert ran.code == 1, ran.err
    step = ran.err.partition("Next:\n  ")[2].partition("   #")[0]
    assert step == "git config deploy.url https://example.org/wiki.git"
    assert "s3cret" not in ran.out + ran.err
