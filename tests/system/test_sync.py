"""A sync brings what is checked out to every target."""

from __future__ import annotations

import pytest

from tests.system.site import Site


def test_the_first_sync_makes_the_commit_live_on_every_target(site: Site) -> None:
    site.ok("start")
    ran = site.ok("sync")
    tag = site.desired()
    assert tag.startswith("slot0-")
    assert site.everywhere() == {tag}
    assert site.files("web2") == {"index.php": "version 1\n", "lib/a.php": "a\n"}
    assert f"{tag} is live on 3 of 3 targets" in ran.err


def test_a_complete_sync_finishes_by_itself(deployed: Site) -> None:
    assert deployed.deploy("status").code == 0
    assert not (deployed.state_directory / "lock").exists()


def test_the_tag_is_annotated_and_pushed(deployed: Site) -> None:
    tag = deployed.desired()
    assert deployed.git("cat-file", "-t", tag, at=deployed.origin) == "tag"
    assert deployed.git("rev-parse", f"{tag}^{{commit}}") == deployed.git("rev-parse", "HEAD")


def test_the_message_goes_into_tag_and_deploy_file(site: Site) -> None:
    site.ok("start")
    site.ok("sync", "-m", "Friday train, %TAG")
    tag = site.desired()
    text = f"Friday train, {tag}"
    assert site.git("tag", "--list", "--format=%(contents:subject)", tag) == text
    assert text in (site.slot("web1") / ".deploy").read_text()


@pytest.mark.parametrize("message", ["#43 fix", "why\n# not a comment\n\n\nand so on"])
def test_a_message_may_have_a_line_that_begins_with_a_hash(site: Site, message: str) -> None:
    site.ok("start", "-m", message)
    site.ok("sync", "-m", message)
    for tag in site.tags():
        kept = site.git("tag", "--list", "--format=%(contents)", tag).rstrip()
        assert kept == message.replace("\n\n\n", "\n\n")


def test_the_deploy_file_names_commit_and_tag_and_never_makes_the_tree_dirty(
    deployed: Site,
) -> None:
    head, tag = deployed.git("rev-parse", "HEAD"), deployed.desired()
    for file in (deployed.slot("web3") / ".deploy", deployed.repo / ".deploy"):
        assert file.read_text().startswith(f"commit: {head}\ntag: {tag}\ndeploy-date: ")
    assert deployed.git("status", "--porcelain") == ""


def test_the_next_sync_changes_only_what_the_commit_changes(deployed: Site) -> None:
    first = deployed.desired()
    second = deployed.rollout({"index.php": "version 2\n", "new.php": "n\n"})
    assert second > first
    assert deployed.everywhere() == {second}
    assert deployed.files("web1") == {
        "index.php": "version 2\n",
        "lib/a.php": "a\n",
        "new.php": "n\n",
    }


def test_submodules_arrive_at_their_recorded_commits(site: Site) -> None:
    site.add_submodule("ext/Cite", {"Cite.php": "cite 1\n"})
    site.ok("start")
    site.ok("sync")
    assert site.files("web1")["ext/Cite/Cite.php"] == "cite 1\n"


def test_two_slots_live_side_by_side(deployed: Site) -> None:
    first = deployed.desired()
    deployed.git("checkout", "--quiet", "-b", "wmf2")
    deployed.ok("--no-remote", "start", "slot1", "--new-prefix")
    deployed.commit({"index.php": "wmf2\n"})
    deployed.ok("--no-remote", "sync", "slot1")
    assert deployed.everywhere("slot0") == {first}
    assert deployed.files("web1", "slot1")["index.php"] == "wmf2\n"
    assert deployed.files("web1", "slot0")["index.php"] == "version 1\n"


def test_a_live_hack_works_with_the_network_gone(deployed: Site) -> None:
    with deployed.no_network():
        deployed.ok("--no-remote", "start")
        deployed.commit({"index.php": "hack\n"})
        deployed.ok("sync", "--no-remote")
    assert deployed.files("web1")["index.php"] == "hack\n"


def test_json_tells_every_event_as_one_line(site: Site) -> None:
    site.ok("start")
    events = [event["event"] for event in site.ok("sync", "--json").events]
    story = ["step-started", "will-ship", "tagged", "published", "stage-started", "target-answered"]
    story += ["gate-decided", "desired-state-changed", "rollout-ended"]
    assert [event for event in story if event in events] == story
    assert events.count("target-answered") == 6


def test_the_summary_is_one_line_for_targets_that_are_alike(site: Site) -> None:
    site.ok("start")
    ran = site.ok("sync")
    (line,) = [line for line in ran.err.splitlines() if line.startswith("    3 targets: ")]
    assert line.endswith(f"live: {site.desired()}")


def test_the_summary_has_a_row_for_each_target_where_they_are_not(site: Site) -> None:
    site.ok("start")
    site.break_target("web2")
    ran = site.deploy("sync")
    rows = [line.split() for line in ran.err.splitlines() if line.startswith("    web")]
    assert sorted(row[0] for row in rows) == ["web1", "web2", "web3"]


def test_a_target_that_the_last_rollout_had_is_named_once_when_it_is_gone(deployed: Site) -> None:
    """A typing error in the configuration, or a minion that the master has lost."""
    deployed.git("config", "--unset", "deploy.target", "web3=")
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    last = deployed.desired()
    ran = deployed.ok("sync")
    told = f"1 target of the last rollout ({last}) not in the fleet any more"
    assert told in ran.err
    assert "web3" in ran.err
    deployed.ok("start")
    deployed.commit({"index.php": "version 3\n"})
    deployed.push()
    assert "web3" not in deployed.ok("sync").err
