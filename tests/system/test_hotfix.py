"""A hotfix ships what is checked out and a fix on top of it, not what happened upstream since."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from pathlib import Path

import pytest

from sartoris.git.repository import Repository
from tests.system.advice import advice, type_step
from tests.system.conftest import rolled_out, with_targets
from tests.system.kept import Kept
from tests.system.site import Ran, Site


@pytest.fixture
def fixed(kept: Kept) -> Site:
    """A hotfix in progress: one commit on top of what is live, while upstream has moved on."""
    return kept.site(with_targets, rolled_out, fixed_by_one_commit)


def fixed_by_one_commit(site: Site) -> None:
    site.push_elsewhere({"other.php": "theirs\n"})
    site.ok("hotfix")
    site.commit({"index.php": "fixed\n"}, "the fix")


def refuse_pushes(site: Site, script: str = "echo no pushes today >&2; exit 1") -> Path:
    hook = site.origin / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\n{script}\n")
    hook.chmod(0o755)
    return hook


def works_in(directory: Path) -> list[str]:
    """The processes, other than this one, that stand somewhere in `directory`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(directory):
                found.append(process.name)
    return found


def upstream(site: Site) -> str:
    return site.commit_of("main", at=site.origin)


def assert_nothing_changed(site: Site, ran: Ran, head: str, before: str) -> None:
    assert ran.code == 1
    assert site.head() == head
    assert site.git("symbolic-ref", "--short", "HEAD") == "main"
    assert site.git("status", "--porcelain") == ""
    assert not (site.repo / ".git" / "MERGE_HEAD").exists()
    assert upstream(site) == before
    assert site.status()["status"] == "started"


def test_a_hotfix_takes_the_lock_and_pulls_nothing(deployed: Site) -> None:
    head = deployed.head()
    deployed.push_elsewhere({"other.php": "theirs\n"})
    ran = deployed.ok("hotfix", "-m", "the login is broken")
    assert deployed.head() == head
    status = deployed.status()
    assert (status["status"], status["rollout"]["action"]) == ("started", "hotfix")
    assert status["lock"]["why"] == "the login is broken"
    assert "push-hotfix" in ran.err


def test_a_hotfix_needs_no_network(deployed: Site) -> None:
    with deployed.no_network():
        deployed.ok("hotfix")
    deployed.ok("abort")


def test_an_aborted_hotfix_is_gone(fixed: Site) -> None:
    live = fixed.desired()
    fix = fixed.head()
    ran = fixed.ok("abort")
    assert fixed.head() == fixed.commit_of(live)
    assert fix[:12] in ran.err
    assert fixed.status()["status"] == "none"


def test_a_hotfix_that_is_not_pushed_is_not_synced(fixed: Site) -> None:
    ran = fixed.deploy("sync")
    assert ran.code == 1
    assert "`origin/main` does not have all commits of `main`" in ran.err
    assert fixed.status()["status"] == "started"


def test_push_hotfix_merges_upstream_and_returns_to_the_fix(fixed: Site) -> None:
    fix, before = fixed.head(), upstream(fixed)
    ran = fixed.ok("push-hotfix")
    merged = upstream(fixed)
    parents = fixed.git("rev-parse", f"{merged}^1", f"{merged}^2").split("\n")
    assert parents == [fix, before]
    assert fixed.git("show", f"{merged}:index.php") == "fixed"
    assert fixed.git("show", f"{merged}:other.php") == "theirs"
    assert fixed.head() == fix
    assert fixed.git("symbolic-ref", "--short", "HEAD") == "main"
    assert fixed.git("status", "--porcelain") == ""
    assert merged[:12] in ran.err


def test_what_ships_is_the_fix_alone(fixed: Site) -> None:
    fixed.ok("push-hotfix")
    fixed.ok("sync")
    assert fixed.files("web1") == {"index.php": "fixed\n", "lib/a.php": "a\n"}
    fixed.ok("start")
    fixed.ok("sync")
    assert fixed.files("web1") == {
        "index.php": "fixed\n",
        "lib/a.php": "a\n",
        "other.php": "theirs\n",
    }


def test_push_hotfix_returns_submodules_too(site: Site) -> None:
    source = site.add_submodule("ext/Cite", {"Cite.php": "cite 1\n"})
    site.ok("start")
    site.ok("sync")
    colleague = site.root / "colleague"
    site.git("clone", "--quiet", "--recursive", str(site.origin), str(colleague), at=site.root)
    (source / "Cite.php").write_text("cite 2\n")
    site.git("commit", "--quiet", "-am", "cite 2", at=source)
    site.git("pull", "--quiet", "origin", "main", at=colleague / "ext" / "Cite")
    site.git("commit", "--quiet", "-am", "move the submodule", at=colleague)
    site.git("push", "--quiet", "origin", "main", at=colleague)
    site.ok("hotfix")
    site.commit({"index.php": "fixed\n"})
    site.ok("push-hotfix")
    assert site.git("rev-parse", "main:ext/Cite", at=site.origin) == site.commit_of("HEAD", source)
    assert (site.repo / "ext/Cite/Cite.php").read_text() == "cite 1\n"
    assert site.git("status", "--porcelain") == ""
    site.ok("sync")
    assert site.files("web1")["ext/Cite/Cite.php"] == "cite 1\n"


def test_push_hotfix_runs_the_hooks_of_a_reset(fixed: Site) -> None:
    told = fixed.root / "told"
    for phase in ("post-tree-update", "post-reset"):
        fixed.hook(f"{phase}.tell", f'echo "$GIT_DEPLOY_PHASE $GIT_DEPLOY_ACTION" >> "{told}"')
    fixed.ok("push-hotfix")
    assert told.read_text().splitlines() == [
        "post-tree-update push-hotfix",
        "post-reset push-hotfix",
    ]


def test_a_fix_that_conflicts_with_upstream_changes_nothing(deployed: Site) -> None:
    deployed.push_elsewhere({"index.php": "theirs\n"})
    deployed.ok("hotfix")
    fix = deployed.commit({"index.php": "fixed\n"})
    before = upstream(deployed)
    ran = deployed.deploy("push-hotfix")
    assert_nothing_changed(deployed, ran, fix, before)
    assert "the hotfix is not pushed" in ran.err
    assert "git merge" in ran.err
    assert "index.php" in ran.err
    assert "git pull --no-rebase origin" in ran.err
    assert "--hard" not in ran.err


def test_the_way_out_of_a_conflict_that_is_told_leads_out_and_loses_no_merge(
    deployed: Site,
) -> None:
    deployed.push_elsewhere({"index.php": "theirs\n"})
    deployed.ok("hotfix")
    fix = deployed.commit({"index.php": "fixed\n"})
    steps = advice(deployed.deploy("push-hotfix"))
    for step in steps:
        ran = type_step(deployed, step)
        if step.startswith("git pull"):
            assert ran.code == 1
            deployed.commit({"index.php": "both\n"})  # settled
            continue
        assert ran.code == 0, ran.err
        if step.startswith("git checkout -b"):
            # Whoever looks away here, and types it again, is led to the branch that is there.
            deployed.git("checkout", "--quiet", "main")
            (again, *_) = advice(deployed.deploy("push-hotfix"))
            assert type_step(deployed, again).code == 0
    assert deployed.files("web1")["index.php"] == "fixed\n"
    assert deployed.head() == fix
    assert deployed.git("show", "main:index.php", at=deployed.origin) == "both"


def test_a_push_that_is_refused_changes_nothing(fixed: Site) -> None:
    fix, before = fixed.head(), upstream(fixed)
    hook = refuse_pushes(fixed)
    ran = fixed.deploy("push-hotfix")
    assert_nothing_changed(fixed, ran, fix, before)
    assert "no pushes today" in ran.err
    hook.unlink()
    fixed.ok("push-hotfix")
    fixed.ok("sync")


def test_a_remote_that_is_gone_changes_nothing(fixed: Site) -> None:
    fix, before = fixed.head(), upstream(fixed)
    with fixed.no_network():
        ran = fixed.deploy("push-hotfix")
        assert "git fetch" in ran.err
    assert_nothing_changed(fixed, ran, fix, before)


def test_a_merge_that_the_sites_own_git_hook_refuses_changes_nothing(fixed: Site) -> None:
    fix, before = fixed.head(), upstream(fixed)
    hook = fixed.repo / ".git" / "hooks" / "pre-merge-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    assert_nothing_changed(fixed, fixed.deploy("push-hotfix"), fix, before)


def test_a_hotfix_is_pushed_without_news_upstream_too(deployed: Site) -> None:
    deployed.ok("hotfix")
    fix = deployed.commit({"index.php": "fixed\n"})
    deployed.ok("push-hotfix")
    assert upstream(deployed) == deployed.head() == fix
    deployed.ok("sync")


def test_another_branch_of_the_remote_can_get_the_hotfix(fixed: Site) -> None:
    fixed.git("push", "--quiet", "origin", f"{fixed.desired()}^{{commit}}:refs/heads/stable")
    before, fix = upstream(fixed), fixed.head()
    fixed.ok("push-hotfix", "--remote-branch", "stable")
    assert fixed.commit_of("stable", at=fixed.origin) == fix
    assert upstream(fixed) == before
    fixed.ok("sync", "--remote-branch", "stable")


def test_outside_of_a_rollout_nothing_is_pushed(deployed: Site) -> None:
    before = upstream(deployed)
    ran = deployed.deploy("push-hotfix")
    assert ran.code == 1
    assert "no rollout has been started" in ran.err
    assert upstream(deployed) == before


def test_after_the_sync_nothing_is_pushed(fixed: Site) -> None:
    fixed.ok("push-hotfix")
    fixed.break_target("web1")
    assert fixed.deploy("sync").code == 71
    before = upstream(fixed)
    ran = fixed.deploy("push-hotfix")
    assert ran.code == 1
    assert "between its start and its sync" in ran.err
    assert upstream(fixed) == before


def test_with_a_tree_that_is_not_clean_nothing_is_pushed(fixed: Site) -> None:
    before = upstream(fixed)
    (fixed.repo / "index.php").write_text("not committed\n")
    ran = fixed.deploy("push-hotfix")
    assert ran.code == 1
    assert "not clean" in ran.err
    assert (fixed.repo / "index.php").read_text() == "not committed\n"
    assert upstream(fixed) == before


def test_changes_that_are_not_committed_outlive_the_way_there_and_back(fixed: Site) -> None:
    (fixed.repo / "lib/a.php").write_text("not committed\n")
    fixed.ok("--no-check-clean", "push-hotfix")
    assert (fixed.repo / "lib/a.php").read_text() == "not committed\n"
    assert fixed.git("status", "--porcelain") == " M lib/a.php"


def test_without_the_remote_nothing_is_pushed(fixed: Site) -> None:
    before = upstream(fixed)
    ran = fixed.deploy("--no-remote", "push-hotfix")
    assert ran.code == 1
    assert "--no-remote" in ran.err
    assert upstream(fixed) == before


def test_somebody_elses_hotfix_is_not_pushed(fixed: Site) -> None:
    before = upstream(fixed)
    with fixed.typed_by("Ann"):
        ran = fixed.deploy("push-hotfix")
    assert ran.code == 1
    assert "Some Deployer" in ran.err
    assert upstream(fixed) == before


class TestKilled:
    """The process is killed by a hook that knows its number, at a moment that the hook chooses."""

    def kill_in(self, site: Site, hook: Path, then: str = "") -> None:
        hook.parent.mkdir(exist_ok=True)
        pid = site.root / "pid"
        hook.write_text(f'#!/bin/sh\nkill -KILL "$(cat {pid})"\n{then}\n')
        hook.chmod(0o755)

    def push(self, site: Site) -> None:
        """Type `push-hotfix`, and let the hook that waits know whom to kill."""
        pid = site.root / "pid"
        pid.unlink(missing_ok=True)
        os.mkfifo(pid)
        with site.spawn("push-hotfix") as process:
            with pid.open("w") as writer:
                writer.write(str(process.pid))
            process.communicate()
        assert process.returncode == -9
        pid.unlink()
        while works_in(site.root):
            time.sleep(0.001)  # a git that outlived its parent

    @pytest.fixture(params=["after the merge", "before the push is taken", "after the push"])
    def killed(self, fixed: Site, request: pytest.FixtureRequest) -> Site:
        """A push-hotfix that was killed while the merge is checked out."""
        hooks = {
            "after the merge": fixed.repo / ".git" / "hooks" / "post-merge",
            "before the push is taken": fixed.repo / ".git" / "hooks" / "pre-push",
            "after the push": fixed.origin / "hooks" / "post-receive",
        }
        hook = hooks[request.param]
        self.kill_in(fixed, hook)
        self.push(fixed)
        hook.unlink()
        return fixed

    def test_what_is_checked_out_then_does_not_ship(self, killed: Site) -> None:
        status = killed.deploy("status")
        assert status.code == 1
        assert "push-hotfix was interrupted" in status.out
        assert "git deploy push-hotfix" in status.out
        ran = killed.deploy("sync")
        assert ran.code == 1
        assert "push-hotfix was interrupted" in ran.err
        assert "git deploy push-hotfix" in ran.err

    def test_push_hotfix_again_brings_it_to_its_end(self, killed: Site) -> None:
        fix = killed.commit_of("HEAD^1")
        killed.ok("push-hotfix")
        assert killed.head() == fix
        assert killed.git("merge-base", "main", fix, at=killed.origin) == fix
        killed.ok("sync")
        assert "other.php" not in killed.files("web1")

    def test_abort_brings_it_to_its_end(self, killed: Site) -> None:
        live = killed.desired()
        killed.ok("abort")
        assert killed.head() == killed.commit_of(live)
        assert killed.status()["status"] == "none"
        assert killed.git("status", "--porcelain") == ""

    @pytest.fixture(params=["git goes on", "git dies, too"])
    def killed_in_conflict(self, deployed: Site, request: pytest.FixtureRequest) -> Site:
        """Killed while git merges what conflicts, so that the conflict is left in the work tree.

        How far git itself comes, whose output nobody reads any more, is chance; here it is chosen.
        """
        deployed.push_elsewhere({"index.php": "theirs\n"})
        deployed.ok("hotfix")
        deployed.commit({"index.php": "fixed\n"})
        driver = deployed.root / "driver"
        self.kill_in(deployed, driver, then="exit 1")
        deployed.config("merge.killer.driver", str(driver))
        attributes = deployed.repo / ".git" / "info" / "attributes"
        attributes.write_text("index.php merge=killer\n")
        self.push(deployed)
        attributes.unlink()
        deployed.git("reset", "--quiet", "--hard")
        merge = ["git", "merge", "--quiet", upstream(deployed)]
        subprocess.run(merge, cwd=deployed.repo, capture_output=True, check=False)
        if request.param == "git dies, too":
            (deployed.repo / ".git" / "MERGE_HEAD").unlink()
        assert deployed.git("status", "--porcelain") == "UU index.php"
        return deployed

    def test_abort_leaves_a_merge_that_was_cut_short(self, killed_in_conflict: Site) -> None:
        live = killed_in_conflict.desired()
        killed_in_conflict.ok("abort")
        assert killed_in_conflict.head() == killed_in_conflict.commit_of(live)
        assert killed_in_conflict.git("status", "--porcelain") == ""
        assert killed_in_conflict.status()["status"] == "none"

    def test_push_hotfix_leaves_a_merge_that_was_cut_short(self, killed_in_conflict: Site) -> None:
        fix = killed_in_conflict.head()
        ran = killed_in_conflict.deploy("push-hotfix")
        assert_nothing_changed(killed_in_conflict, ran, fix, upstream(killed_in_conflict))
        assert "the hotfix is not pushed" in ran.err

    def test_an_interrupt_leaves_no_merge(
        self, fixed: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        fix, before = fixed.head(), upstream(fixed)
        monkeypatch.setattr(Repository, "push_head", interrupt)
        assert fixed.deploy("push-hotfix").code == 130
        assert fixed.head() == fix
        assert upstream(fixed) == before
        assert fixed.git("status", "--porcelain") == ""
        fixed.deploy("sync")
        assert fixed.status()["explanation"] == "started, not synced yet"
