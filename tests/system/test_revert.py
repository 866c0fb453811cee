"""A revert makes an earlier release live again, everywhere, with no fetch."""

from __future__ import annotations

import subprocess

import pytest

from sartoris.git.repository import Repository
from tests.system.site import Ran, Site


def fetched(ran: Ran) -> list[str]:
    return [
        event["outcome"]["target"]
        for event in ran.events
        if event["event"] == "target-answered" and event["stage"] == "fetch"
    ]


@pytest.fixture
def old(deployed: Site) -> str:
    """The release that is live before `twice` ships another one."""
    return deployed.desired()


def test_a_revert_switches_everywhere_and_fetches_nowhere(old: str, twice: Site) -> None:
    new = twice.desired()
    ran = twice.ok("revert", old, "--json")
    assert fetched(ran) == []
    assert {event.get("stage") for event in ran.events} & {"fetch"} == set()
    assert twice.everywhere() == {old}
    assert twice.desired() == old
    assert twice.files("web3")["index.php"] == "version 1\n"
    assert new not in twice.everywhere()
    assert twice.deploy("status").code == 0


def test_a_revert_says_what_is_live(old: str, twice: Site) -> None:
    assert f"{old} is live on 3 of 3 targets" in twice.ok("revert", old).err


def test_a_revert_marks_what_it_left_and_pushes_its_tags(old: str, twice: Site) -> None:
    left = twice.head()
    before = set(twice.tags())
    twice.ok("revert", old)
    tag, reverted = sorted(set(twice.tags()) - before)
    assert reverted == f"{tag}_reverted"
    assert twice.git("rev-parse", f"{reverted}^{{commit}}") == left
    assert twice.git("rev-parse", f"{tag}^{{commit}}") == twice.git(
        "rev-parse", f"{old}^{{commit}}"
    )
    assert {tag, reverted} <= set(twice.git("tag", "--list", at=twice.origin).split())


def test_a_revert_resets_the_working_repository_with_submodules(site: Site) -> None:
    source = site.add_submodule("ext/Cite", {"Cite.php": "cite 1\n"})
    site.ok("start")
    site.ok("sync")
    old, head = site.desired(), site.head()
    (source / "Cite.php").write_text("cite 2\n")
    site.git("commit", "--quiet", "-am", "cite 2", at=source)
    site.ok("start")
    site.git("-C", "ext/Cite", "pull", "--quiet", "origin", "main")
    site.commit({}, "move the submodule")
    site.push()
    site.ok("sync")
    assert site.files("web1")["ext/Cite/Cite.php"] == "cite 2\n"
    site.ok("revert", old)
    assert site.files("web1")["ext/Cite/Cite.php"] == "cite 1\n"
    assert site.head() == head
    assert (site.repo / "ext/Cite/Cite.php").read_text() == "cite 1\n"
    assert site.git("status", "--porcelain") == ""


def test_a_revert_runs_the_hooks_of_a_reset_on_the_reverted_tree(old: str, twice: Site) -> None:
    told = twice.root / "told"
    for phase in ("pre-start", "post-reset", "post-tree-update", "post-sync"):
        twice.hook(f"{phase}.tell", f'echo "$GIT_DEPLOY_PHASE $(cat index.php)" >> {told}')
    twice.ok("revert", old)
    assert told.read_text().splitlines() == [
        "pre-start version 2",
        "post-tree-update version 1",
        "post-reset version 1",
        "post-sync version 1",
    ]


def test_uncommitted_work_survives_a_revert(old: str, twice: Site) -> None:
    (twice.repo / "index.php").write_text("half done\n")
    ran = twice.ok("revert", old)
    (ref,) = [word for word in ran.err.split() if word.startswith("refs/sartoris/changes/")]
    assert twice.git("show", f"{ref}:index.php") == "half done"


def test_a_target_that_has_lost_the_release_fetches_it_first(old: str, twice: Site) -> None:
    own = twice.slot("web2").parent / ".sartoris"
    twice.slot("web2").unlink()
    own.rename(own.with_name("lost"))
    twice.ok("report")
    ran = twice.ok("revert", old, "--json")
    assert fetched(ran) == ["web2"]
    assert twice.everywhere() == {old}


def test_a_target_that_lost_the_release_unnoticed_is_brought_to_it(old: str, twice: Site) -> None:
    own = twice.slot("web2").parent / ".sartoris"
    twice.slot("web2").unlink()
    own.rename(own.with_name("lost"))
    ran = twice.deploy("revert", old)
    if ran.code:
        assert ran.code == 71
        assert "web2" in ran.err
        twice.ok("resync")
    assert twice.everywhere() == {old}
    assert twice.deploy("status").code == 0


@pytest.mark.parametrize(
    "tag", ["slot0-20010101-000000", "nonsense", "main", "HEAD", "", "--", "x y"]
)
def test_a_tag_that_is_no_release_is_refused(twice: Site, tag: str) -> None:
    live, head, tags = twice.desired(), twice.head(), twice.tags()
    ran = twice.deploy("revert", "--", tag)
    assert ran.code == 1
    assert f"{tag!r} is not a release of slot0" in ran.err
    assert "git deploy show" in ran.err
    assert twice.everywhere() == {live}
    assert twice.head() == head
    assert twice.tags() == tags
    assert twice.holder is None


def test_a_tag_of_another_prefix_is_refused(twice: Site) -> None:
    twice.git("tag", "-a", "-m", "other", "other-20260101-000000")
    live = twice.desired()
    ran = twice.deploy("revert", "other-20260101-000000")
    assert ran.code == 1
    assert "is not a release of slot0" in ran.err
    assert twice.everywhere() == {live}


def test_the_tag_of_another_slot_reverts_that_slot(twice: Site) -> None:
    live = twice.desired()
    twice.ok("start", "slot1", "--new-prefix")
    twice.commit({"index.php": "slot1 a\n"})
    twice.push()
    twice.ok("sync")
    old = twice.live("web1", "slot1")
    twice.ok("start", "slot1", "--new-prefix")
    twice.commit({"index.php": "slot1 b\n"})
    twice.push()
    twice.ok("sync")
    twice.ok("revert", old)
    assert twice.everywhere("slot1") == {old}
    assert twice.everywhere("slot0") == {live}


def test_the_release_that_is_live_is_refused(twice: Site) -> None:
    live, tags = twice.desired(), twice.tags()
    ran = twice.deploy("revert", live)
    assert ran.code == 1
    assert f"{live} is what the fleet should have already" in ran.err
    assert "git deploy report" in ran.err
    assert twice.tags() == tags
    assert twice.holder is None


def test_a_revert_can_be_reverted(old: str, twice: Site) -> None:
    new = twice.desired()
    twice.ok("revert", old)
    twice.ok("revert", new)
    assert twice.everywhere() == {new}
    assert twice.files("web1")["index.php"] == "version 2\n"


def test_the_tag_of_a_revert_stands_for_what_it_reverted_to(old: str, twice: Site) -> None:
    twice.ok("revert", old)
    reverts = [tag for tag in twice.tags() if f"{tag}_reverted" in twice.tags()]
    twice.rollout({"index.php": "version 3\n"})
    twice.ok("revert", reverts[0])
    assert twice.everywhere() == {old}
    assert twice.files("web1")["index.php"] == "version 1\n"


def test_a_revert_ends_ones_own_half_done_rollout(old: str, twice: Site) -> None:
    twice.ok("start")
    twice.commit({"index.php": "version 3\n"})
    twice.push()
    hook = twice.hook("post-sync.check", "exit 1")
    assert twice.deploy("sync").code == 72
    hook.unlink()
    twice.ok("revert", old)
    assert twice.everywhere() == {old}
    assert twice.deploy("status").code == 0
    assert (twice.repo / "index.php").read_text() == "version 1\n"


def test_somebody_elses_rollout_stops_a_revert_without_force(old: str, twice: Site) -> None:
    live = twice.desired()
    with twice.typed_by("Ann"):
        twice.ok("start")
    before = twice.holder
    ran = twice.deploy("revert", old)
    assert ran.code == 1
    assert "Ann <ann@example.org>" in ran.err
    assert twice.holder == before
    assert twice.everywhere() == {live}
    twice.ok("--force", "revert", old)
    assert twice.everywhere() == {old}


def test_an_open_rollout_of_another_prefix_stops_a_revert(old: str, twice: Site) -> None:
    live = twice.desired()
    twice.ok("start", "slot1", "--new-prefix")
    before = twice.status()["rollout"]["session"]
    ran = twice.deploy("revert", old)
    assert ran.code == 1
    assert "the rollout in progress is of slot1, not of slot0" in ran.err
    assert twice.status()["rollout"]["session"] == before
    assert twice.everywhere() == {live}


def test_a_revert_works_with_the_network_gone(old: str, twice: Site) -> None:
    with twice.no_network():
        twice.ok("--no-remote", "revert", old)
    assert twice.everywhere() == {old}


def test_a_revert_is_not_stopped_by_a_remote_that_does_not_take_tags(old: str, twice: Site) -> None:
    with twice.no_network():
        ran = twice.ok("revert", old)
    assert "the tags of this revert are not pushed" in ran.err
    assert twice.everywhere() == {old}


def test_a_pre_start_hook_can_stop_a_revert(old: str, twice: Site) -> None:
    live = twice.desired()
    twice.hook("pre-start.check", "exit 2")
    ran = twice.deploy("revert", old)
    assert ran.code == 1
    assert "pre-start" in ran.err
    assert twice.everywhere() == {live}
    assert twice.holder is None
    twice.ok("--skip-hooks", "revert", old)
    assert twice.everywhere() == {old}


def test_a_revert_is_stopped_while_deploys_are_blocked(old: str, twice: Site) -> None:
    (twice.root / "blocked").write_text("freeze")
    twice.config("deploy.block-file", str(twice.root / "blocked"))
    assert twice.deploy("revert", old).code == 1
    twice.ok("--force", "revert", old)
    assert twice.everywhere() == {old}


def test_a_revert_that_cannot_switch_some_goes_back(old: str, twice: Site) -> None:
    live = twice.desired()
    twice.break_target("web2")
    ran = twice.deploy("revert", old)
    assert ran.code == 71
    assert "web2" in ran.err
    assert "git deploy resync" in ran.err
    twice.mend_target("web2")
    assert twice.everywhere() == {live}
    assert twice.desired() == live
    twice.ok("resync")
    assert twice.everywhere() == {old}
    assert (twice.repo / "index.php").read_text() == "version 1\n"


def test_a_revert_that_was_given_up_leaves_things_as_they_were(old: str, twice: Site) -> None:
    live, head = twice.desired(), twice.head()
    twice.break_target("web2")
    assert twice.deploy("revert", old).code == 71
    twice.mend_target("web2")
    twice.ok("abort")
    assert twice.everywhere() == {live}
    assert twice.head() == head


@pytest.mark.parametrize("network", [True, False])
@pytest.mark.parametrize("where", ["create_tag", "push_tags", "reset"])
def test_a_revert_that_was_cut_short_is_ended_by_resync(
    old: str, twice: Site, where: str, network: bool
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    commit = twice.git("rev-parse", f"{old}^{{commit}}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Repository, where, interrupt)
        assert twice.deploy("revert", old).code == 130
    assert twice.deploy("status").code == 2
    if network:
        twice.ok("resync")
    else:
        with twice.no_network():
            twice.ok("resync")
    assert twice.everywhere() == {old}
    assert twice.head() == commit
    assert (twice.repo / "index.php").read_text() == "version 1\n"
    assert any(tag.endswith("_reverted") for tag in twice.tags())
    assert twice.deploy("status").code == 0


def test_a_revert_in_the_middle_of_a_merge_is_live_and_says_what_is_left(
    old: str, twice: Site
) -> None:
    blob = twice.git("hash-object", "-w", "index.php")
    entries = "".join(f"100644 {blob} {stage}\tindex.php\n" for stage in (1, 2, 3))
    subprocess.run(
        ["git", "update-index", "--index-info"], cwd=twice.repo, input=entries.encode(), check=True
    )
    ran = twice.deploy("revert", old)
    assert ran.code == 72
    assert f"{old} is live on the fleet, but the working repository is not reset" in ran.err
    assert twice.everywhere() == {old}
    twice.git("reset", "--quiet", "--hard")
    twice.ok("resync")
    assert (twice.repo / "index.php").read_text() == "version 1\n"


def test_a_revert_to_an_unknown_tag_without_targets_is_refused_too(site: Site) -> None:
    site.git("config", "--unset-all", "deploy.target")
    ran = site.deploy("revert", "slot0-20010101-000000")
    assert ran.code == 1
    assert "is not a release of slot0" in ran.err
