"""A start takes the lock, remembers where we are, and gets the newest commit."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from sartoris.git.repository import Repository
from tests.system.site import Site

START_PHASES = ["pre-start", "pre-pull", "post-pull", "post-tree-update", "post-start"]


def test_the_lock_says_who_where_when_and_why(site: Site) -> None:
    site.ok("start", "-m", "the Friday train")
    holder = site.holder
    assert holder is not None
    assert holder["who"] == "Some Deployer <deployer@example.org>"
    assert holder["host"] == os.uname().nodename
    assert holder["process"] == os.getpid()
    assert holder["action"] == "start"
    assert holder["why"] == "the Friday train"
    assert holder["since"] > 1.7e9


def test_status_shows_the_reason_and_the_holder(site: Site) -> None:
    site.ok("start", "-m", "the Friday train")
    status = site.deploy("status")
    assert status.code == 1
    assert "Some Deployer <deployer@example.org>" in status.out
    assert "the Friday train" in status.out
    assert "git deploy sync" in status.out


def test_a_commit_that_was_shipped_before_keeps_its_tag_as_start_tag(deployed: Site) -> None:
    shipped, tags = deployed.desired(), deployed.tags()
    deployed.ok("start")
    assert deployed.status()["rollout"]["start_tag"] == shipped
    assert deployed.tags() == tags


def test_a_commit_that_was_never_shipped_gets_a_start_tag(site: Site) -> None:
    site.ok("start")
    (tag,) = site.tags()
    assert re.fullmatch(r"slot0-\d{8}-\d{6}", tag)
    assert site.git("cat-file", "-t", tag) == "tag"
    assert site.git("rev-parse", f"{tag}^{{commit}}") == site.head()


def test_a_start_gets_the_newest_commit(site: Site) -> None:
    newest = site.push_elsewhere({"index.php": "from a colleague\n"})
    ran = site.ok("start")
    assert site.head() == newest
    assert (site.repo / "index.php").read_text() == "from a colleague\n"
    assert f"Started on main, at {newest[:12]}" in ran.err


def test_a_start_brings_submodules_to_the_newest_commit(site: Site) -> None:
    source = site.add_submodule("ext/Cite", {"Cite.php": "cite 1\n"})
    before = site.head()
    (source / "Cite.php").write_text("cite 2\n")
    site.git("commit", "--quiet", "-am", "cite 2", at=source)
    site.git("-C", "ext/Cite", "pull", "--quiet", "origin", "main")
    site.commit({}, "move the submodule")
    site.push()
    site.git("reset", "--quiet", "--hard", before)
    site.git("submodule", "--quiet", "update")
    assert (site.repo / "ext/Cite/Cite.php").read_text() == "cite 1\n"
    site.ok("start")
    assert (site.repo / "ext/Cite/Cite.php").read_text() == "cite 2\n"
    assert site.git("status", "--porcelain") == ""


def test_a_branch_that_has_diverged_is_refused_and_nothing_changes(site: Site) -> None:
    mine = site.commit({"index.php": "mine\n"})
    site.push_elsewhere({"index.php": "theirs\n"})
    tags = site.tags()
    ran = site.deploy("start")
    assert ran.code == 1
    assert "`main` and `origin/main` have diverged" in ran.err
    assert "git pull --rebase origin main" in ran.err
    assert site.head() == mine
    assert site.holder is None
    assert site.tags() == tags
    assert site.deploy("status").code == 0


def test_a_remote_that_is_gone_frees_the_lock_again(site: Site) -> None:
    head = site.head()
    with site.no_network():
        ran = site.deploy("start")
    assert ran.code == 1
    assert "git fetch" in ran.err
    assert "--no-remote" in ran.err
    assert site.holder is None
    assert site.head() == head
    assert site.tags() == []
    site.ok("start")


def test_without_the_remote_nothing_is_fetched(site: Site) -> None:
    head = site.head()
    site.push_elsewhere({"index.php": "theirs\n"})
    site.ok("--no-remote", "start")
    assert site.head() == head


def test_another_branch_of_the_remote_can_be_named(site: Site) -> None:
    site.git("push", "--quiet", "origin", "main:stable")
    newest = site.push_elsewhere({"index.php": "stable\n"}, branch="stable")
    site.ok("start", "--remote-branch", "stable")
    assert site.head() == newest


@pytest.mark.parametrize("phase", START_PHASES)
def test_a_hook_that_fails_undoes_the_start(site: Site, phase: str) -> None:
    head = site.head()
    site.push_elsewhere({"index.php": "theirs\n"})
    hook = site.hook(f"{phase}.check", "echo no; exit 3")
    ran = site.deploy("start")
    assert ran.code == 1
    assert f"the {phase} hook {hook} exited with 3" in ran.err
    assert "git deploy start" in ran.err
    assert site.holder is None
    assert site.head() == head
    assert site.tags() == []
    assert (site.repo / "index.php").read_text() == "version 1\n"
    hook.unlink()
    site.ok("start")


def test_hooks_of_a_start_run_in_order_and_know_where_they_are(site: Site) -> None:
    told = site.root / "told"
    for phase in START_PHASES:
        site.hook(
            f"{phase}.tell",
            f'echo "$GIT_DEPLOY_PHASE $GIT_DEPLOY_ACTION $GIT_DEPLOY_PREFIX" >> "{told}"',
        )
    site.ok("start")
    assert told.read_text().splitlines() == [f"{phase} start slot0" for phase in START_PHASES]


def test_skip_hooks_runs_none(site: Site) -> None:
    site.hook("pre-start.check", "exit 1")
    site.ok("start", "--skip-hooks")


def test_a_second_start_of_the_same_person_is_refused(site: Site) -> None:
    site.ok("start")
    before = site.holder
    ran = site.deploy("start")
    assert ran.code == 1
    assert "your rollout is in progress already" in ran.err
    assert "git deploy abort" in ran.err
    assert site.holder == before


def test_somebody_elses_rollout_is_named_and_can_be_taken_over(site: Site) -> None:
    with site.typed_by("Ann"):
        site.ok("start", "-m", "urgent")
    before = site.holder
    ran = site.deploy("start")
    assert ran.code == 1
    assert "Ann <ann@example.org>" in ran.err
    assert re.search(r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", ran.err)
    assert "urgent" in ran.err
    assert "git deploy --force" in ran.err
    assert site.holder == before


def test_force_takes_a_rollout_over_that_has_not_been_tagged(site: Site) -> None:
    with site.typed_by("Ann"):
        site.ok("start")
        hers = site.commit({"index.php": "hers\n"})
        site.push()
    site.ok("--force", "start")
    holder = site.holder
    assert holder is not None
    assert holder["who"].startswith("Some Deployer")
    assert site.head() == hers


def test_force_does_not_start_over_a_rollout_that_has_been_tagged(site: Site) -> None:
    site.break_target("web1")
    with site.typed_by("Ann"):
        site.ok("start")
        assert site.deploy("sync").code == 71
    before = site.holder
    ran = site.deploy("--force", "start")
    assert ran.code == 1
    assert "tagged already" in ran.err
    assert "git deploy --force abort" in ran.err
    assert site.holder == before


@pytest.mark.parametrize("phase", START_PHASES)
def test_a_start_that_was_killed_is_cleared_away_by_the_next(site: Site, phase: str) -> None:
    head = site.head()
    newest = site.push_elsewhere({"index.php": "theirs\n"})
    hook = site.hook(f"{phase}.kill", "kill -KILL $PPID")
    assert site.run("start").code == -9
    hook.unlink()
    status = site.deploy("status")
    assert status.code == 1
    assert site.holder is not None
    if phase == "post-start":
        site.ok("abort")
        assert site.head() == head
        return
    assert "its start did not come to an end" in status.out
    assert "git deploy start" in status.out
    ran = site.ok("start")
    assert "an interrupted start of yours is cleared away" in ran.err
    assert site.head() == newest
    site.ok("abort")
    assert site.head() == head


def test_a_start_that_was_killed_can_be_aborted(site: Site) -> None:
    head = site.head()
    site.push_elsewhere({"index.php": "theirs\n"})
    site.hook("post-pull.kill", "kill -KILL $PPID")
    site.run("start")
    site.ok("abort")
    assert site.head() == head
    assert site.holder is None


def test_an_interrupted_start_is_undone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(Repository, "fetch", interrupt)
    ran = site.deploy("start")
    assert ran.code == 130
    assert "interrupted: no rollout is in progress" in ran.err
    assert site.holder is None


def test_the_prefix_can_be_an_argument(site: Site) -> None:
    site.ok("start", "slot1", "--new-prefix")
    assert site.status()["rollout"]["prefix"] == "slot1"
    assert [tag.partition("-")[0] for tag in site.tags()] == ["slot1"]


def test_a_sync_without_a_prefix_goes_on_with_the_rollout_under_way(site: Site) -> None:
    site.ok("start", "slot1", "--new-prefix")
    site.ok("sync")
    assert site.everywhere("slot0") == {""}
    assert site.live("web1", "slot1").startswith("slot1-")


def test_a_sync_of_another_prefix_than_the_start_is_refused(site: Site) -> None:
    site.ok("start", "slot1", "--new-prefix")
    ran = site.deploy("sync", "slot0")
    assert ran.code == 1
    assert "the rollout in progress is of slot1, not of slot0" in ran.err
    assert "git deploy sync slot1" in ran.err
    assert site.everywhere("slot0") == site.everywhere("slot1") == {""}
    assert site.deploy("status").code == 1


@pytest.mark.parametrize(
    "words",
    [("--no-remote", "start", "-m", "why"), ("-m", "why", "start", "--no-remote")],
)
def test_options_may_stand_before_or_after_the_action(site: Site, words: tuple[str, ...]) -> None:
    with site.no_network():
        site.ok(*words)
    holder = site.holder
    assert holder is not None
    assert holder["why"] == "why"


def test_an_option_after_the_action_wins(site: Site) -> None:
    site.ok("-m", "before", "start", "-m", "after")
    holder = site.holder
    assert holder is not None
    assert holder["why"] == "after"


def test_a_block_file_stops_everybody_and_says_why(site: Site, tmp_path: Path) -> None:
    block = tmp_path / "blocked"
    block.write_text("database move, ask Ann\n")
    site.config("deploy.block-file", str(block))
    ran = site.deploy("start")
    assert ran.code == 1
    assert "database move, ask Ann" in ran.err
    assert str(block) in ran.err
    status = site.deploy("status")
    assert status.code == 3
    assert "database move, ask Ann" in status.out
    assert site.holder is None
    block.unlink()
    site.ok("start")


def test_a_block_file_that_cannot_be_read_blocks_all_the_same(site: Site, tmp_path: Path) -> None:
    (tmp_path / "blocked").mkdir()
    site.config("deploy.block-file", str(tmp_path / "blocked"))
    assert site.deploy("start").code == 1
    assert site.deploy("status").code == 3


def test_a_block_reason_stops_everybody(site: Site) -> None:
    site.config("deploy.block-reason", "freeze until Monday")
    ran = site.deploy("start")
    assert ran.code == 1
    assert "freeze until Monday" in ran.err
    assert "git config --unset deploy.block-reason" in ran.err
    assert site.deploy("status", "--json").document["blocked"].startswith("freeze until Monday")
    assert site.deploy("--force", "start").code == 1
    site.git("config", "--unset", "deploy.block-reason")
    site.ok("start")


def test_another_umask_than_the_site_wants_is_refused(site: Site) -> None:
    site.config("deploy.restrict-umask", "0002")
    before = os.umask(0o077)
    try:
        ran = site.deploy("start")
        assert ran.code == 17
        assert "your umask is 0077; deploy.restrict-umask wants 0002" in ran.err
        assert "umask 0002" in ran.err
        assert site.holder is None
        os.umask(0o002)
        site.ok("start")
    finally:
        os.umask(before)


def test_a_deployer_without_name_and_mail_is_refused(site: Site, git_configuration: Path) -> None:
    site.git("config", "--file", str(git_configuration), "--remove-section", "user")
    ran = site.deploy("start")
    assert ran.code == 17
    assert "git config --global user.name" in ran.err
    assert "git config --global user.email" in ran.err
    assert site.holder is None


@pytest.mark.parametrize("dirty", ["index.php", "untracked.php"])
def test_a_dirty_tree_is_refused_and_left_alone(site: Site, dirty: str) -> None:
    (site.repo / dirty).write_text("half done\n")
    ran = site.deploy("start")
    assert ran.code == 1
    assert dirty in ran.err
    assert site.holder is None
    assert (site.repo / dirty).read_text() == "half done\n"
    site.ok("start", "--no-check-clean")
    assert (site.repo / dirty).read_text() == "half done\n"


def test_a_failed_start_keeps_uncommitted_work(site: Site) -> None:
    (site.repo / "index.php").write_text("half done\n")
    site.push_elsewhere({"other.php": "theirs\n"})
    site.hook("post-start.check", "exit 1")
    ran = site.deploy("start", "--no-check-clean")
    assert ran.code == 1
    kept = re.search(r"git stash apply \S+", ran.err)
    if (site.repo / "index.php").read_text() != "half done\n":
        assert kept
        site.git(*kept[0].split()[1:])
    assert (site.repo / "index.php").read_text() == "half done\n"


def test_a_detached_head_is_refused(site: Site) -> None:
    site.git("checkout", "--quiet", "--detach")
    ran = site.deploy("start")
    assert ran.code == 1
    assert "detached" in ran.err
    assert "git checkout" in ran.err
    assert site.holder is None


def test_a_repository_without_its_remote_is_refused(site: Site) -> None:
    site.git("remote", "remove", "origin")
    ran = site.deploy("start")
    assert ran.code == 1
    assert "no remote `origin`" in ran.err
    assert "git deploy --no-remote start" in ran.err
    assert site.holder is None
    site.ok("--no-remote", "start")


def test_a_start_works_from_a_subdirectory(site: Site) -> None:
    assert site.deploy("start", at=site.repo / "lib").code == 0
    assert site.deploy("sync", at=site.repo / "lib").code == 0
    assert site.files("web1")["index.php"] == "version 1\n"
