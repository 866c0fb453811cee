"""The way back goes through whatever stands in the work tree, and loses nothing of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.system.colleague import Colleague
from tests.system.site import Site


def touch(path: Path) -> None:
    """Another time of change, and nothing else, as a restore of a backup leaves it."""
    os.utime(path, (1, 1))


def kept(told: str) -> str:
    """The one ref that a command has told of."""
    (line,) = [line for line in told.splitlines() if "stash apply" in line]
    return line.rpartition(" ")[2]


class TestAFileThatWasOnlyTouched:
    def test_abort_goes_back(self, deployed: Site) -> None:
        deployed.ok("start")
        touch(deployed.repo / "index.php")
        ran = deployed.ok("abort")
        assert "kept" not in ran.err

    def test_revert_goes_back(self, deployed: Site) -> None:
        first = deployed.desired()
        deployed.rollout({"index.php": "version 2\n"})
        touch(deployed.repo / "lib/a.php")
        deployed.ok("revert", first)
        assert (deployed.repo / "index.php").read_text() == "version 1\n"

    def test_a_start_that_fails_undoes_itself(self, deployed: Site) -> None:
        head = deployed.head()
        deployed.push_elsewhere({"index.php": "version 2\n"})
        deployed.hook("post-pull.touch", "touch -d @1 lib/a.php; exit 3")
        ran = deployed.deploy("start")
        assert "post-pull.touch" in ran.err
        assert deployed.head() == head


def test_a_file_that_is_only_meant_to_be_added_is_kept(deployed: Site) -> None:
    deployed.ok("start")
    (deployed.repo / "new.php").write_text("mine\n")
    deployed.git("add", "--intent-to-add", "new.php")
    ran = deployed.ok("abort")
    deployed.git("stash", "apply", kept(ran.err))
    assert (deployed.repo / "new.php").read_text() == "mine\n"


class TestARepositoryInTheWay:
    @pytest.fixture
    def theirs(self, deployed: Site) -> Path:
        """A repository of its own where the start had a file, or files."""
        deployed.ok("start")
        deployed.git("rm", "--quiet", "-r", "index.php", "lib")
        deployed.git("commit", "--quiet", "-m", "remove")
        for name in ("index.php", "lib"):
            place = deployed.repo / name
            deployed.git("init", "--quiet", str(place))
            (place / "a.php").write_text("mine\n")
            deployed.git("add", "--all", at=place)
            deployed.git("commit", "--quiet", "-m", "mine", at=place)
        return deployed.state_directory / "aside"

    def test_it_is_set_aside_by_abort(self, deployed: Site, theirs: Path) -> None:
        ran = deployed.ok("abort")
        assert (deployed.repo / "index.php").read_text() == "version 1\n"
        assert (deployed.repo / "lib/a.php").read_text() == "a\n"
        assert len(list(theirs.iterdir())) == 2
        for place in theirs.iterdir():
            assert (place / ".git").is_dir()
            assert (place / "a.php").read_text() == "mine\n"
            assert f"a repository of its own, was in the way: it is {place} now" in ran.err


class TestWorkInASubmodule:
    @pytest.fixture
    def site(self, deployed: Site) -> Site:
        deployed.add_submodule("ext/Cite", {"Cite.php": "1\n"}, "Cite")
        deployed.rollout({"index.php": "version 2\n"})
        return deployed

    def test_it_stays_whatever_git_is_configured_to_recurse_into(self, site: Site) -> None:
        site.config("submodule.recurse", "true")
        site.ok("start")
        site.commit({"index.php": "version 3\n"})
        (site.repo / "ext/Cite/Cite.php").write_text("mine\n")
        site.ok("abort")
        assert (site.repo / "ext/Cite/Cite.php").read_text() == "mine\n"

    def test_a_repository_inside_one_that_is_gone_keeps_its_place(self, site: Site) -> None:
        """Its branches and stashes are nowhere else."""
        inner = site.repo / "ext/Cite/inner"
        site.git("clone", "--quiet", str(site.root / "origin/Cite"), str(inner))
        (site.repo / ".git/modules/Cite/info/exclude").write_text("inner\n")
        colleague = Colleague(site)
        site.git("submodule", "--quiet", "update", "--init", at=colleague.clone)
        colleague.removes_submodule("ext/Cite")
        ran = site.ok("start")
        assert "ext/Cite, no submodule any more, stays" in ran.err
        assert (inner / ".git").is_dir()

    def test_of_one_that_status_ignores_it_keeps_its_place(self, site: Site) -> None:
        source = site.root / "origin" / "Cite"
        site.git("submodule", "--quiet", "add", str(site.origin), "deep", at=source)
        site.git("config", "--file", ".gitmodules", "submodule.deep.ignore", "all", at=source)
        site.git("commit", "--quiet", "--all", "-m", "deep", at=source)
        inside = site.repo / "ext/Cite"
        site.ok("start")
        site.git("pull", "--quiet", "origin", "main", at=inside)
        site.git("submodule", "--quiet", "update", "--init", at=inside)
        site.git("commit", "--quiet", "--all", "-m", "with deep")
        site.push()
        site.ok("sync")
        (inside / "deep/index.php").write_text("mine\n")
        colleague = Colleague(site)
        site.git("submodule", "--quiet", "update", "--init", at=colleague.clone)
        colleague.removes_submodule("ext/Cite")
        ran = site.ok("start")
        assert "ext/Cite, no submodule any more, stays: something in it is not committed" in ran.err
        assert (inside / "deep/index.php").read_text() == "mine\n"


def test_abort_takes_the_fleet_back_first_and_then_asks_to_end_a_merge(deployed: Site) -> None:
    before = deployed.everywhere()
    deployed.hook("post-sync.no", "exit 1")
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    assert deployed.deploy("sync").code == 72
    assert deployed.everywhere() != before
    deployed.git("checkout", "--quiet", "-b", "other", "HEAD~1")
    deployed.commit({"index.php": "another\n"})
    deployed.git("checkout", "--quiet", "main")
    deployed.deploy("status")
    with pytest.raises(AssertionError):
        deployed.git("merge", "--quiet", "other")
    ran = deployed.deploy("abort")
    assert ran.code == 71
    assert "git merge --abort" in ran.err
    assert deployed.everywhere() == before
    deployed.git("merge", "--abort")
    deployed.ok("abort")


def test_abort_needs_nothing_that_git_can_read(deployed: Site) -> None:
    """The fleet goes back with a damaged index, and the file that a merge has left in pieces."""
    before, head = deployed.everywhere(), deployed.head()
    deployed.add_submodule("ext/Cite", {"Cite.php": "1\n"}, "Cite")
    deployed.hook("post-sync.no", "exit 1")
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    assert deployed.deploy("sync").code == 72
    assert deployed.everywhere() != before
    (deployed.repo / ".gitmodules").write_text("<<<<<<< mine\n")
    (deployed.repo / "index.php").write_text("mine\n")
    (deployed.repo / ".git/index").write_bytes(b"\0" * 300)
    ran = deployed.ok("abort")
    assert deployed.everywhere() == before
    assert deployed.deploy("status").code == 0
    assert deployed.git("show", f"{kept(ran.err)}:index.php") == "mine"
    assert deployed.git("merge-base", head, "HEAD") == head
    assert deployed.git("status", "--porcelain") == ""
    assert kept(ran.err) in deployed.deploy("doctor", "-v").out


def test_a_damaged_list_of_moves_is_not_in_the_way_of_an_abort(deployed: Site) -> None:
    deployed.ok("start")
    (deployed.state_directory / "moves").write_bytes(b"\xff\x00HEAD\n--all\n" + b"1" * 40)
    deployed.ok("abort")


def test_a_deploy_file_inside_a_submodule_never_makes_it_dirty(deployed: Site) -> None:
    deployed.add_submodule("ext/Cite", {"Cite.php": "1\n"}, "Cite")
    deployed.config("deploy.deploy-file", "ext/Cite/.deploy")
    deployed.rollout({"index.php": "version 2\n"})
    assert deployed.git("status", "--porcelain") == ""
    assert (deployed.slot("web1") / "ext/Cite/.deploy").exists()


class TestTwoWorkTreesOfOneRepository:
    @pytest.fixture
    def other(self, deployed: Site) -> Path:
        """Another work tree, in which nothing was started."""
        other = deployed.root / "other"
        deployed.git("worktree", "add", "--quiet", "-b", "feature", str(other))
        deployed.ok("start")
        return other

    @pytest.mark.parametrize("action", ["abort", "sync", "finish", "start"])
    def test_a_rollout_is_of_the_one_it_was_started_in(
        self, deployed: Site, other: Path, action: str
    ) -> None:
        ran = deployed.deploy(action, at=other)
        assert ran.code == 1
        assert f"cd {deployed.repo}" in ran.err
        assert deployed.git("branch", "--show-current", at=other) == "feature"
        assert deployed.holder is not None

    def test_it_can_be_ended_from_another_when_its_own_is_gone(self, deployed: Site) -> None:
        other = deployed.root / "other"
        deployed.git("worktree", "add", "--quiet", "-b", "feature", str(other))
        deployed.git("push", "--quiet", "origin", "feature", at=other)
        assert deployed.deploy("start", "--yes", at=other).code == 0
        deployed.git("worktree", "remove", str(other))
        assert deployed.deploy("abort").code == 0
