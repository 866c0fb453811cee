"""A git that is killed while it writes files leaves nothing that the next command stumbles over.

The moment is chosen by a filter that git runs for one of the files, in the middle of a checkout.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.colleague import Colleague
from tests.system.kept import Kept
from tests.system.site import Ran, Site

ATTRIBUTES = "*.deadly filter=deadly\n"
CITE = {".gitattributes": ATTRIBUTES, "a.php": "1\n", "z.deadly": "1\n"}


@pytest.fixture
def site(kept: Kept) -> Site:
    """A site whose attributes name a filter for `*.deadly`; it does nothing yet."""
    return kept.site(with_deadly_attributes)


def with_deadly_attributes(site: Site) -> None:
    Site.build(site.root, files={".gitattributes": ATTRIBUTES})
    site.rollout({"index.php": "version 2\n"})


def killed(site: Site, *arguments: str) -> None:
    """Type a command that dies, with all that it has started, when git writes a deadly file."""
    ran = site.run(
        *arguments,
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0="filter.deadly.smudge",
        GIT_CONFIG_VALUE_0="kill -KILL 0",
    )
    assert ran.code == -9, ran


def assert_as_before(site: Site, head: str, ran: Ran) -> None:
    assert ran.code == 0, ran.err
    assert site.head() == head
    assert site.git("status", "--porcelain") == ""
    assert site.deploy("status").code == 0


class TestInAPull:
    """The new file is there, the index and HEAD do not know it."""

    @pytest.fixture
    def newest(self, site: Site) -> str:
        newest = site.push_elsewhere({"added.php": "1\n", "z.deadly": "1\n"})
        killed(site, "start")
        assert "?? added.php" in site.git("status", "--porcelain")
        return newest

    def test_the_next_start_goes_on(self, site: Site, newest: str) -> None:
        ran = site.deploy("start")
        assert ran.code == 0, ran.err
        assert "an interrupted start of yours is cleared away" in ran.err
        assert site.head() == newest
        assert site.git("status", "--porcelain") == ""

    @pytest.mark.usefixtures("newest")
    def test_abort_goes_back(self, site: Site) -> None:
        head = site.head()
        assert_as_before(site, head, site.deploy("abort"))
        assert not (site.repo / "added.php").exists()

    @pytest.mark.usefixtures("newest")
    def test_a_persons_own_files_stay(self, site: Site) -> None:
        (site.repo / "notes").write_text("mine")
        assert site.deploy("abort").code == 0
        assert site.git("status", "--porcelain") == "?? notes"

    @pytest.mark.usefixtures("newest")
    def test_what_a_person_made_in_the_place_of_a_new_file_is_kept(self, site: Site) -> None:
        (site.repo / "added.php").write_text("mine")
        ran = site.ok("abort")
        (line,) = [line for line in ran.err.splitlines() if "stash apply" in line]
        site.git(*line.partition("git ")[2].split())
        assert (site.repo / "added.php").read_text() == "mine"


def test_an_abort_killed_while_it_resets_can_be_followed_by_another_command(site: Site) -> None:
    older = site.desired()
    site.rollout({"here.php": "1\n", "z.deadly": "1\n"})
    head = site.head()
    site.ok("start")
    site.git("rm", "--quiet", "here.php", "z.deadly")
    site.git("commit", "--quiet", "-m", "remove")
    killed(site, "abort")
    assert "?? here.php" in site.git("status", "--porcelain")
    ran = site.deploy("revert", older)
    assert ran.code == 0, ran.err
    assert site.git("status", "--porcelain") == ""
    assert site.head() != head


def test_commits_that_a_killed_abort_leaves_behind_are_kept_and_told_by_the_next(
    site: Site,
) -> None:
    site.rollout({"here.php": "1\n", "z.deadly": "1\n"})
    site.ok("start")
    site.git("rm", "--quiet", "here.php", "z.deadly")
    site.git("commit", "--quiet", "-m", "never pushed")
    mine = site.head()
    for _ in range(2):
        killed(site, "abort")
    ran = site.ok("abort")
    ref = f"refs/sartoris/commits/{mine[:12]}"
    assert f"git merge {ref}" in ran.err
    assert site.git("rev-parse", ref) == mine
    assert site.head() != mine


def test_a_push_hotfix_killed_in_its_merge_can_be_aborted(site: Site) -> None:
    site.ok("hotfix")
    head = site.head()
    site.commit({"fix.php": "1\n"})
    site.push_elsewhere({"added.php": "1\n", "z.deadly": "1\n"})
    killed(site, "push-hotfix")
    assert "?? added.php" in site.git("status", "--porcelain")
    assert_as_before(site, head, site.deploy("abort"))


class TestInASubmodule:
    def test_of_a_new_one_nothing_is_left_by_abort(self, site: Site) -> None:
        head = site.head()
        Colleague(site).adds_submodule("ext/Cite", CITE)
        killed(site, "start")
        assert (site.repo / "ext" / "Cite" / "a.php").exists()
        assert_as_before(site, head, site.deploy("abort"))
        assert not (site.repo / "ext").exists()

    def test_a_new_one_is_whole_after_the_next_start(self, site: Site) -> None:
        Colleague(site).adds_submodule("ext/Cite", CITE)
        killed(site, "start")
        site.ok("start")
        assert site.git("status", "--porcelain") == ""
        assert (site.repo / "ext" / "Cite" / "z.deadly").read_text() == "1\n"

    @pytest.fixture
    def moved(self, site: Site) -> str:
        colleague = Colleague(site)
        colleague.adds_submodule("ext/Cite", CITE)
        site.ok("start")
        site.ok("sync")
        head = site.head()
        colleague.moves_submodule("ext/Cite", {"b.php": "2\n", "z.deadly": "2\n"})
        killed(site, "start")
        assert (site.repo / "ext" / "Cite" / "b.php").exists()
        return head

    def test_a_moved_one_is_as_before_after_abort(self, site: Site, moved: str) -> None:
        assert_as_before(site, moved, site.deploy("abort"))

    @pytest.mark.usefixtures("moved")
    def test_a_moved_one_is_whole_after_the_next_start(self, site: Site) -> None:
        site.ok("start")
        assert site.git("status", "--porcelain") == ""
        assert (site.repo / "ext" / "Cite" / "b.php").read_text() == "2\n"


class TestInTheCloneOfASubmodule:
    """Its directory is there and empty; what has come of its repository is of no use."""

    @pytest.fixture(autouse=True)
    def _killed(self, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        ssh = tmp_path / "ssh"
        ssh.write_text('#!/bin/sh\nshift\n[ -e "$0.dies" ] && kill -KILL 0\neval "$*"\n')
        ssh.chmod(0o755)
        monkeypatch.setenv("GIT_SSH", str(ssh))
        monkeypatch.setenv("GIT_SSH_VARIANT", "simple")
        (dies := ssh.with_name("ssh.dies")).touch()
        Colleague(site).adds_submodule("ext/Cite", CITE, url="ssh://there")
        self.head = site.head()
        killed(site, "start")
        dies.unlink()

    def test_the_next_start_clones_it(self, site: Site) -> None:
        site.ok("start")
        assert (site.repo / "ext" / "Cite" / "a.php").exists()
        assert site.git("status", "--porcelain") == ""

    def test_abort_goes_back(self, site: Site) -> None:
        assert_as_before(site, self.head, site.deploy("abort"))
