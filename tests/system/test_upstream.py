"""Which branch of the remote a rollout is of: the one that the local branch follows."""

from __future__ import annotations

import pytest

from tests.system.site import Site


@pytest.fixture
def following(deployed: Site) -> Site:
    """A site whose branch `live` follows `main` of the remote, which has no `live`."""
    deployed.git("checkout", "--quiet", "-b", "live", "--track", "origin/main")
    return deployed


def test_a_start_fetches_the_branch_that_ours_follows(following: Site) -> None:
    newest = following.push_elsewhere({"index.php": "theirs\n"})
    following.ok("start")
    assert following.head() == newest
    assert following.git("symbolic-ref", "--short", "HEAD") == "live"


def test_a_sync_asks_for_what_is_pushed_to_the_branch_that_ours_follows(following: Site) -> None:
    following.ok("start")
    following.commit({"index.php": "version 2\n"})
    ran = following.deploy("sync")
    assert ran.code == 1
    assert "git push origin HEAD:main" in ran.err
    following.git("push", "--quiet", "origin", "HEAD:main")
    following.ok("sync")
    assert following.files("web1")["index.php"] == "version 2\n"


def test_a_hotfix_is_pushed_to_the_branch_that_ours_follows(following: Site) -> None:
    following.push_elsewhere({"other.php": "theirs\n"})
    following.ok("hotfix")
    fix = following.commit({"index.php": "fixed\n"}, "the fix")
    following.ok("push-hotfix")
    assert following.git("merge-base", fix, "main", at=following.origin) == fix
    assert "live" not in following.git("branch", "--list", at=following.origin)


def test_an_abort_counts_as_upstream_what_is_on_the_branch_that_ours_follows(
    following: Site,
) -> None:
    following.ok("start")
    following.commit({"index.php": "version 2\n"})
    following.git("push", "--quiet", "origin", "HEAD:main")
    assert "commits are kept" not in following.ok("abort").err


def test_the_doctor_asks_for_the_branch_that_ours_follows(following: Site) -> None:
    assert "has no branch live" not in following.deploy("doctor").out


def test_a_branch_that_was_typed_comes_first(following: Site) -> None:
    following.git("push", "--quiet", "origin", "main:stable")
    newest = following.push_elsewhere({"index.php": "stable\n"}, branch="stable")
    following.ok("start", "--remote-branch", "stable")
    assert following.head() == newest


@pytest.mark.parametrize("remote", ["backup", "."])
def test_what_a_branch_follows_elsewhere_does_not_count(following: Site, remote: str) -> None:
    following.set("branch.live.remote", remote)
    ran = following.deploy("start")
    assert ran.code == 1
    assert "refs/heads/live" in ran.err


@pytest.fixture
def narrow(deployed: Site) -> Site:
    """A clone of one branch: of `production`, which is checked out, nothing is remembered."""
    deployed.git("push", "--quiet", "origin", "main:production")
    deployed.git("update-ref", "-d", "refs/remotes/origin/production")
    deployed.git("config", "--unset-all", "remote.origin.fetch")
    deployed.config("remote.origin.fetch", "+refs/heads/main:refs/remotes/origin/main")
    deployed.git("fetch", "--quiet", "origin", "production:production")
    deployed.git("checkout", "--quiet", "production")
    deployed.ok("start", "--yes")
    deployed.commit({"index.php": "version 2\n"})
    return deployed


def test_without_a_remote_tracking_branch_the_remote_is_asked(narrow: Site) -> None:
    ran = narrow.deploy("sync")
    assert ran.code == 1
    assert "`origin/production` does not have all commits of `production`" in ran.err
    narrow.push()
    narrow.ok("sync")
    assert narrow.files("web1")["index.php"] == "version 2\n"


def test_a_colleague_may_have_pushed_on_top_to_a_branch_that_is_not_tracked(narrow: Site) -> None:
    narrow.push()
    narrow.push_elsewhere({"other.php": "theirs\n"}, branch="production")
    narrow.ok("sync")
    assert "other.php" not in narrow.files("web1")


def test_a_branch_that_the_remote_does_not_have_is_not_pushed(narrow: Site) -> None:
    narrow.git("push", "--quiet", "origin", ":production")
    ran = narrow.deploy("sync")
    assert ran.code == 1
    assert "git push origin HEAD:production" in ran.err


def test_a_remote_that_is_gone_cannot_say_what_is_pushed(narrow: Site) -> None:
    narrow.push()
    with narrow.no_network():
        ran = narrow.deploy("sync")
        assert ran.code == 1
        assert "git deploy --no-remote sync" in ran.err
        narrow.ok("--no-remote", "sync")


def test_what_follows_a_start_uses_the_remote_and_the_branch_that_it_was_given(site: Site) -> None:
    site.git("remote", "rename", "origin", "upstream")
    refused = site.deploy("start")
    assert refused.code == 1
    assert "  git deploy --remote-site upstream start\n" in refused.err
    site.git("push", "--quiet", "upstream", "HEAD:release")
    site.ok("--remote-site", "upstream", "--remote-branch", "release", "start")
    site.commit({"index.php": "version 2\n"})
    site.git("push", "--quiet", "upstream", "HEAD:release")
    site.ok("sync")
    assert site.live("web1") in site.git("tag", "--list", at=site.origin).split()


def test_what_is_typed_later_counts_more_than_the_remote_of_the_start(site: Site) -> None:
    site.git("remote", "add", "upstream", str(site.origin))
    site.ok("--remote-site", "upstream", "start")
    refused = site.deploy("--remote-site", "nowhere", "sync", "--force")
    assert refused.code == 1
    assert "the repository has no remote `nowhere`" in refused.err
