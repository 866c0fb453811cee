"""An abort leaves the fleet and the working repository as they were, and loses no work."""

from __future__ import annotations

import re
import shlex
import subprocess

from tests.system.site import Ran, Site


def printed_command(ran: Ran, beginning: str) -> list[str]:
    """The words of the command in what was printed for a person, without what follows it."""
    found = re.search(rf"{re.escape(beginning)} \S+", ran.err)
    assert found, ran.err
    return shlex.split(found[0])


def type_command(site: Site, words: list[str]) -> None:
    subprocess.run(words, cwd=site.repo, check=True, capture_output=True)


def test_an_abort_before_the_sync_goes_back_to_the_start(deployed: Site) -> None:
    head = deployed.head()
    tag = deployed.desired()
    deployed.push_elsewhere({"index.php": "theirs\n"})
    deployed.ok("start")
    assert deployed.head() != head
    ran = deployed.ok("abort")
    assert f"Back at {tag}" in ran.err
    assert "Live again" not in ran.err
    assert deployed.head() == head
    assert deployed.git("symbolic-ref", "--short", "HEAD") == "main"
    assert (deployed.repo / "index.php").read_text() == "version 1\n"
    assert deployed.holder is None
    assert deployed.deploy("status").code == 0
    assert deployed.everywhere() == {tag}


def test_commits_of_the_rollout_are_named_and_can_be_brought_back(deployed: Site) -> None:
    deployed.ok("start")
    mine = deployed.commit({"index.php": "mine\n"})
    ran = deployed.ok("abort")
    assert deployed.head() != mine
    assert f"the branch was at {mine}" in ran.err
    type_command(deployed, printed_command(ran, "git merge"))
    assert deployed.head() == mine


def test_uncommitted_changes_are_kept_and_can_be_brought_back(deployed: Site) -> None:
    deployed.ok("start")
    (deployed.repo / "index.php").write_text("half done\n")
    (deployed.repo / "staged.php").write_text("staged\n")
    deployed.git("add", "staged.php")
    (deployed.repo / "untracked.php").write_text("untracked\n")
    ran = deployed.ok("abort")
    assert (deployed.repo / "index.php").read_text() == "version 1\n"
    assert (deployed.repo / "untracked.php").read_text() == "untracked\n"
    type_command(deployed, printed_command(ran, "git stash apply"))
    assert (deployed.repo / "index.php").read_text() == "half done\n"
    assert (deployed.repo / "staged.php").read_text() == "staged\n"


def test_an_untracked_file_in_the_place_of_a_tracked_one_is_kept(deployed: Site) -> None:
    deployed.ok("start")
    deployed.git("rm", "--quiet", "index.php")
    deployed.git("commit", "--quiet", "-m", "without")
    (deployed.repo / "index.php").write_text("untracked work\n")
    ran = deployed.ok("abort")
    assert (deployed.repo / "index.php").read_text() == "version 1\n"
    (_, _, _, ref) = printed_command(ran, "git stash apply")
    assert deployed.git("show", f"{ref}:index.php") == "untracked work"


def test_an_abort_returns_to_the_branch_of_the_start(deployed: Site) -> None:
    start = deployed.head()
    deployed.ok("start")
    deployed.git("checkout", "--quiet", "-b", "experiment")
    mine = deployed.commit({"index.php": "mine\n"})
    deployed.ok("abort")
    assert deployed.git("symbolic-ref", "--short", "HEAD") == "main"
    assert deployed.head() == start
    assert deployed.git("rev-parse", "experiment") == mine


def test_an_abort_in_the_middle_of_a_merge_says_what_to_do(deployed: Site) -> None:
    deployed.ok("start")
    mine = deployed.commit({"index.php": "mine\n"})
    deployed.git("branch", "theirs", "HEAD~1")
    deployed.git("checkout", "--quiet", "theirs")
    deployed.commit({"index.php": "theirs\n"})
    deployed.git("checkout", "--quiet", "main")
    subprocess.run(["git", "merge", "-q", "theirs"], cwd=deployed.repo, check=False)
    ran = deployed.deploy("abort")
    assert ran.code == 1
    assert "index.php" in ran.err
    assert "git merge --abort" in ran.err
    assert deployed.head() == mine
    assert deployed.holder is not None
    deployed.git("merge", "--abort")
    deployed.ok("abort")


def test_an_abort_after_a_closed_gate_changes_nothing_live(started: Site) -> None:
    live = started.live("web1")
    started.break_target("web1")
    assert started.deploy("sync").code == 71
    assert started.everywhere() <= {live, ""}
    started.mend_target("web1")
    started.ok("abort")
    assert started.everywhere() == {live}
    assert started.desired() == live
    assert (started.repo / "index.php").read_text() == "version 1\n"
    assert started.deploy("status").code == 0


def open_after_the_switch(site: Site) -> None:
    """Sync so that the release is live and the rollout is open."""
    hook = site.hook("post-sync.check", "exit 1")
    assert site.deploy("sync").code == 72
    hook.unlink()


def test_an_abort_after_the_switch_takes_the_targets_back(started: Site) -> None:
    before = started.live("web1")
    open_after_the_switch(started)
    assert before not in started.everywhere()
    ran = started.ok("abort", "--json")
    assert started.everywhere() == {before}
    assert started.desired() == before
    assert started.files("web1")["index.php"] == "version 1\n"
    assert before in (started.slot("web1") / ".deploy").read_text()
    assert {"fetch"}.isdisjoint(e.get("stage") for e in ran.events)
    assert f"Live again on every target that had switched: {before}.\n" in ran.err


def test_an_abort_of_the_first_release_leaves_nothing_live(site: Site) -> None:
    site.ok("start")
    open_after_the_switch(site)
    assert site.everywhere() != {""}
    site.ok("abort")
    assert site.everywhere() == {""}
    assert site.desired() == ""
    site.ok("start")
    site.ok("sync")
    assert site.everywhere() == {site.desired()}


def test_a_target_that_cannot_go_back_is_named_and_converges_later(started: Site) -> None:
    before = started.live("web1")
    head = started.head()
    open_after_the_switch(started)
    started.break_target("web2")
    ran = started.deploy("abort")
    assert ran.code == 71
    assert "aborted, but not everywhere" in ran.err
    assert "web2" in ran.err
    assert "git deploy converge" in ran.err
    assert started.holder is None
    assert started.head() != head
    assert started.live("web1") == started.live("web3") == before
    started.mend_target("web2")
    assert started.live("web2") != before
    started.ok("converge")
    assert started.everywhere() == {before}


def test_hooks_of_an_abort_stop_nothing(started: Site) -> None:
    told = started.root / "told"
    for phase in ("post-reset", "post-tree-update", "post-abort"):
        started.hook(
            f"{phase}.tell",
            f'echo "$GIT_DEPLOY_PHASE $GIT_DEPLOY_ACTION $(git rev-parse HEAD)" >> {told}; exit 7',
        )
    ran = started.ok("abort")
    head = started.head()
    phases = ("post-tree-update", "post-reset", "post-abort")
    assert told.read_text().splitlines() == [f"{phase} abort {head}" for phase in phases]
    assert ran.err.count("exit code 7") == 3
    assert started.holder is None


def test_submodules_go_back_too(site: Site) -> None:
    source = site.add_submodule("ext/Cite", {"Cite.php": "cite 1\n"})
    site.ok("start")
    site.ok("sync")
    (source / "Cite.php").write_text("cite 2\n")
    site.git("commit", "--quiet", "-am", "cite 2", at=source)
    site.ok("start")
    site.git("-C", "ext/Cite", "pull", "--quiet", "origin", "main")
    site.commit({}, "move the submodule")
    with site.no_network():
        site.ok("abort")
    assert (site.repo / "ext/Cite/Cite.php").read_text() == "cite 1\n"
    assert site.git("status", "--porcelain") == ""


def test_work_inside_a_submodule_survives_an_abort(site: Site) -> None:
    site.add_submodule("ext/Cite", {"Cite.php": "cite 1\n"})
    site.ok("start")
    (site.repo / "ext/Cite/Cite.php").write_text("half done\n")
    site.ok("abort")
    assert (site.repo / "ext/Cite/Cite.php").read_text() == "half done\n"


def test_somebody_elses_rollout_is_aborted_only_by_force(site: Site) -> None:
    head = site.head()
    with site.typed_by("Ann"):
        site.ok("start")
        hers = site.commit({"index.php": "hers\n"})
    before = site.holder
    ran = site.deploy("abort")
    assert ran.code == 1
    assert "Ann <ann@example.org>" in ran.err
    assert site.head() == hers
    assert site.holder == before
    ran = site.ok("--force", "abort")
    assert site.head() == head
    assert f"the branch was at {hers}" in ran.err
    assert site.holder is None


def test_an_abort_without_a_rollout_is_refused(deployed: Site) -> None:
    head = deployed.commit({"index.php": "mine\n"})
    ran = deployed.deploy("abort")
    assert ran.code == 1
    assert "no rollout has been started" in ran.err
    assert deployed.head() == head


def test_an_abort_works_with_the_network_gone(started: Site) -> None:
    with started.no_network():
        started.ok("abort")
    assert started.holder is None


def test_commits_that_the_remote_has_are_not_announced_as_kept(deployed: Site) -> None:
    deployed.push_elsewhere({"index.php": "from elsewhere\n"})
    deployed.ok("start")
    assert "are kept" not in deployed.ok("abort").err
