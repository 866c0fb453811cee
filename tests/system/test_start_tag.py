"""The tag that a start finds or makes for the commit it begins at."""

from __future__ import annotations

from tests.system.site import Site


def starts_at_head(site: Site) -> str:
    """Start must work; its start tag, which must be on the commit that is checked out."""
    site.ok("--no-remote", "start")
    tag = str(site.status()["rollout"]["start_tag"])
    assert site.git("rev-parse", f"{tag}^{{commit}}") == site.head()
    site.ok("abort")
    return tag


def test_a_commit_that_was_shipped_has_its_tag_already(deployed: Site) -> None:
    assert starts_at_head(deployed) == deployed.desired()


def test_two_starts_at_one_commit_share_their_tag(deployed: Site) -> None:
    deployed.commit({"index.php": "version 2\n"})
    first = starts_at_head(deployed)
    assert starts_at_head(deployed) == first


def test_a_commit_that_was_checked_out_at_a_revert_gets_a_tag_of_its_own(deployed: Site) -> None:
    """A revert begins wherever the working repository is, which is not what was live then."""
    first = deployed.desired()
    second = deployed.rollout({"index.php": "version 2\n"})
    newer = deployed.commit({"index.php": "version 3\n"})
    deployed.push()
    deployed.ok("revert", first)
    deployed.git("merge", "--quiet", "--ff-only", newer)
    assert starts_at_head(deployed) not in (first, second)


def test_a_tag_that_was_moved_by_hand_is_not_taken_for_the_start(deployed: Site) -> None:
    tag = deployed.desired()
    old = deployed.head()
    deployed.commit({"index.php": "version 2\n"})
    deployed.git("tag", "--force", "-m", "moved", tag, "HEAD")
    deployed.git("reset", "--quiet", "--hard", old)
    assert starts_at_head(deployed) != tag


def test_a_start_tag_that_a_pull_has_pruned_is_made_again(site: Site) -> None:
    """git removes tags that the remote does not have, where it is told to (`fetch.pruneTags`)."""
    site.config("fetch.prune", "true")
    site.config("fetch.pruneTags", "true")
    site.ok("start")
    tag = str(site.status()["rollout"]["start_tag"])
    site.commit({"index.php": "version 2\n"})
    site.push()
    site.git("pull", "--quiet")
    assert tag not in site.tags()
    assert site.run("diff").out.endswith("+version 2\n")
    site.ok("sync")
    assert {tag, site.live("web1")} <= set(site.git("tag", "--list", at=site.origin).split())
