"""git leaves the files of a submodule that is none any more; no rollout stumbles over them."""

from __future__ import annotations

import pytest

from tests.system.colleague import Colleague
from tests.system.site import Site

CITE = {"Cite.php": "1\n", ".gitignore": "*.cache\n"}


@pytest.fixture
def colleague(deployed: Site) -> Colleague:
    """Whoever has just added the submodule ext/Cite."""
    colleague = Colleague(deployed)
    colleague.adds_submodule("ext/Cite", CITE)
    return colleague


@pytest.mark.usefixtures("colleague")
def test_one_that_came_with_a_start_goes_with_its_abort(deployed: Site) -> None:
    deployed.ok("start")
    assert (deployed.repo / "ext/Cite/Cite.php").exists()
    deployed.ok("abort")
    assert not (deployed.repo / "ext").exists()
    deployed.ok("start")
    assert (deployed.repo / "ext/Cite/Cite.php").exists()
    deployed.ok("sync")


def test_one_that_was_removed_upstream_is_removed_by_start(
    deployed: Site, colleague: Colleague
) -> None:
    deployed.ok("start")
    deployed.ok("sync")
    (deployed.repo / "ext/Cite/warm.cache").touch()
    colleague.removes_submodule("ext/Cite")
    ran = deployed.ok("start")
    assert "note:" not in ran.err
    assert not (deployed.repo / "ext").exists()
    deployed.ok("sync")
    assert not (deployed.slot("web1") / "ext").exists()


def test_what_is_not_committed_in_it_is_never_removed(deployed: Site, colleague: Colleague) -> None:
    deployed.ok("start")
    deployed.ok("sync")
    (deployed.repo / "ext/Cite/notes").write_text("mine")
    colleague.removes_submodule("ext/Cite")
    ran = deployed.deploy("--no-check-clean", "start")
    assert ran.code == 0, ran.err
    assert "ext/Cite, no submodule any more, stays: something in it is not committed" in ran.err
    assert (deployed.repo / "ext/Cite/notes").read_text() == "mine"


def test_one_with_its_repository_in_it_is_never_removed(
    deployed: Site, colleague: Colleague
) -> None:
    """As old versions of git made them, and as a person who clones by hand does."""
    deployed.ok("start")
    deployed.ok("sync")
    inside = deployed.repo / "ext" / "Cite"
    (inside / ".git").unlink()
    (deployed.repo / ".git/modules/ext/Cite").rename(inside / ".git")
    deployed.git("config", "--file", str(inside / ".git/config"), "--unset", "core.worktree")
    colleague.removes_submodule("ext/Cite")
    ran = deployed.ok("start")
    assert "ext/Cite, no submodule any more, stays: its repository is not git's own" in ran.err
    assert (inside / "Cite.php").exists()


def test_one_inside_another_goes_with_its_record(deployed: Site, colleague: Colleague) -> None:
    """The outer submodule moves to a commit that has no inner one any more."""
    outer = colleague.clone / "ext" / "Cite"
    inner = deployed.root / "origin" / "inner"
    deployed.git("clone", "--quiet", str(deployed.root / "origin" / "Cite"), str(inner))
    before = deployed.git("rev-parse", "HEAD", at=outer)
    deployed.git("submodule", "--quiet", "add", str(inner), "inner", at=outer)
    deployed.git("commit", "--quiet", "-m", "add inner", at=outer)
    deployed.git("push", "--quiet", "origin", "HEAD:refs/heads/inner", at=outer)
    deployed.git("commit", "--quiet", "--all", "-m", "with inner", at=colleague.clone)
    deployed.git("push", "--quiet", "origin", "main", at=colleague.clone)
    deployed.ok("start")
    deployed.ok("sync")
    assert (deployed.repo / "ext/Cite/inner/Cite.php").exists()
    deployed.git("checkout", "--quiet", before, at=outer)
    deployed.git("commit", "--quiet", "--all", "-m", "without inner", at=colleague.clone)
    deployed.git("push", "--quiet", "origin", "main", at=colleague.clone)
    deployed.ok("start")
    assert not (deployed.repo / "ext/Cite/inner").exists()
    assert deployed.git("status", "--porcelain") == ""


class TestWhoseFilesAreTheRepositorysOwnNow:
    """git would refuse to go there with what is checked out in the way, or go, and overwrite it."""

    @pytest.fixture(autouse=True)
    def _inlined(self, deployed: Site, colleague: Colleague) -> None:
        deployed.ok("start")
        deployed.ok("sync")
        self.submodule, self.release = deployed.head(), deployed.desired()
        clone = colleague.clone
        deployed.git("rm", "--quiet", "ext/Cite", at=clone)
        (clone / "ext/Cite").mkdir(parents=True)
        (clone / "ext/Cite/Cite.php").write_text("inlined\n")
        deployed.git("add", "--all", at=clone)
        deployed.git("commit", "--quiet", "-m", "inline Cite", at=clone)
        deployed.git("push", "--quiet", "origin", "main", at=clone)

    def test_start_goes_there_and_abort_back(self, deployed: Site) -> None:
        deployed.ok("start")
        inside = deployed.repo / "ext/Cite"
        assert sorted(path.name for path in inside.iterdir()) == ["Cite.php"]
        deployed.ok("abort")
        assert deployed.head() == self.submodule
        assert deployed.git("status", "--porcelain") == ""
        assert (inside / "Cite.php").read_text() == "1\n"

    def test_a_revert_keeps_what_was_changed_in_it(self, deployed: Site) -> None:
        deployed.ok("start")
        deployed.ok("sync")
        inlined = deployed.desired()
        deployed.ok("revert", self.release)
        assert deployed.head() == self.submodule
        (deployed.repo / "ext/Cite/Cite.php").write_text("mine\n")
        ran = deployed.ok("revert", inlined)
        assert (deployed.repo / "ext/Cite/Cite.php").read_text() == "inlined\n"
        (line,) = [line for line in ran.err.splitlines() if "is kept: git " in line]
        assert "+mine" in deployed.git(*line.partition("is kept: git ")[2].split())
