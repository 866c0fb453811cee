"""The way to a commit, in real repositories: nobody's work is lost, whatever git can read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sartoris.git.repository import Repository
from sartoris.workspace.checkout_log import CheckoutLog
from sartoris.workspace.worktree import HiddenChanges, Unmerged, UnreadableModules, Workspace
from tests.unit.git.sample import ENVIRONMENT, Sample


@dataclass
class Desk:
    """A work tree with the commits `one` and `two`, its remote, and what was told."""

    sample: Sample
    upstream: Sample
    workspace: Workspace
    one: str
    two: str
    told: list[str] = field(default_factory=list)

    def write(self, name: str, content: str) -> None:
        self.sample.write_file(name, content)

    def read(self, name: str) -> str:
        return (self.sample.path / name).read_text()

    def go_to(self, commit: str) -> None:
        self.workspace.go_to("main", commit)

    def kept(self) -> list[str]:
        return self.sample.git.lines("for-each-ref", "--format=%(refname)", "refs/sartoris")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    upstream = Sample.create(tmp_path / "upstream").write(a="1\n", b="1\n", gone="1\n")
    one = upstream.commit()
    (upstream.path / "gone").unlink()
    two = upstream.write(a="2\n", new="2\n").commit()
    sample = upstream.clone(tmp_path / "work")
    told: list[str] = []
    workspace = Workspace(
        Repository.at(sample.path),
        CheckoutLog(tmp_path / "moves"),
        aside=tmp_path / "aside",
        remote="origin",
        remote_branch=lambda branch: branch,
        tell=told.append,
    )
    return Desk(sample, upstream, workspace, one, two, told)


def damaged_index(desk: Desk) -> None:
    (desk.sample.path / ".git/index").write_bytes(b"\0" * 300)


def empty_index(desk: Desk) -> None:
    (desk.sample.path / ".git/index").write_bytes(b"")


def no_index(desk: Desk) -> None:
    (desk.sample.path / ".git/index").unlink()


def directory_for_index(desk: Desk) -> None:
    (desk.sample.path / ".git/index").unlink()
    (desk.sample.path / ".git/index").mkdir()


def cut_off_index(desk: Desk) -> None:
    index = desk.sample.path / ".git/index"
    index.write_bytes(index.read_bytes()[:-30])


def marks_of_a_merge(desk: Desk) -> None:
    desk.write(".gitmodules", "<<<<<<< mine\n")
    desk.sample.git.run("update-index", "--add", "--cacheinfo", f"160000,{desk.one},lib")


def another_index(desk: Desk) -> None:
    """One that names an object that nobody has."""
    desk.sample.git.run("update-index", "--cacheinfo", f"100644,{'1' * 40},b")


DAMAGES = [
    damaged_index,
    empty_index,
    no_index,
    directory_for_index,
    cut_off_index,
    marks_of_a_merge,
    another_index,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_it_goes_back_and_keeps_what_was_there(damage: Callable[[Desk], None], desk: Desk) -> None:
    desk.write("a", "mine\n")
    damage(desk)
    desk.go_to(desk.one)
    assert desk.sample.head == desk.one
    assert (desk.read("a"), desk.read("b"), desk.read("gone")) == ("1\n", "1\n", "1\n")
    assert not (desk.sample.path / "new").exists()
    (ref,) = desk.kept()
    assert desk.sample.git.text("show", f"{ref}:a") == "mine"
    assert any(ref in line for line in desk.told)
    if damage is not marks_of_a_merge:
        assert desk.sample.git.text("status", "--porcelain") == ""


@pytest.mark.parametrize("damage", DAMAGES[:5])
def test_what_was_not_changed_is_not_kept(damage: Callable[[Desk], None], desk: Desk) -> None:
    damage(desk)
    desk.go_to(desk.one)
    assert desk.kept() == []
    assert not any("are kept" in line for line in desk.told)


def test_what_is_kept_can_be_applied_again(desk: Desk) -> None:
    desk.write("a", "mine\n")
    desk.write("staged", "mine\n")
    desk.sample.git.run("add", "staged")
    desk.go_to(desk.two)
    assert desk.read("a") == "2\n"
    desk.sample.git.run("stash", "apply", *desk.kept())
    assert (desk.read("a"), desk.read("staged")) == ("mine\n", "mine\n")


class TestHiddenChanges:
    """git was told not to look at them, and `git status` says nothing of them."""

    @pytest.fixture(params=["assume-unchanged", "skip-worktree"])
    def flag(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    def test_they_stay_in_a_file_that_the_other_commit_has_too(self, flag: str, desk: Desk) -> None:
        desk.sample.git.run("update-index", f"--{flag}", "b")
        before = desk.sample.git.text("ls-files", "-v", "b")
        desk.write("b", "mine\n")
        desk.go_to(desk.one)
        assert (desk.read("a"), desk.read("b")) == ("1\n", "mine\n")
        assert desk.sample.git.text("ls-files", "-v", "b") == before
        assert desk.kept() == []

    def test_they_are_kept_and_told_where_the_other_commit_changes_the_file(
        self, flag: str, desk: Desk
    ) -> None:
        desk.sample.git.run("update-index", f"--{flag}", "a")
        desk.write("a", "mine\n")
        desk.go_to(desk.one)
        assert desk.read("a") == "1\n"
        (ref,) = desk.kept()
        assert desk.sample.git.text("show", f"{ref}:a") == "mine"
        assert any("told not to look at a (" in line for line in desk.told)

    def test_a_file_that_is_hidden_and_not_changed_stays_so(self, flag: str, desk: Desk) -> None:
        desk.sample.git.run("update-index", f"--{flag}", "a")
        before = desk.sample.git.text("ls-files", "-v", "a")
        desk.go_to(desk.one)
        assert desk.read("a") == "1\n"
        assert desk.kept() == []
        if flag == "skip-worktree":
            assert desk.sample.git.text("ls-files", "-v", "a") == before

    def test_a_pull_that_would_overwrite_them_is_refused_with_advice_that_works(
        self, flag: str, desk: Desk
    ) -> None:
        desk.go_to(desk.one)
        desk.sample.git.run("update-index", f"--{flag}", "a")
        desk.write("a", "mine\n")
        with pytest.raises(HiddenChanges) as refused:
            desk.workspace.pull("main")
        assert desk.sample.head == desk.one
        assert desk.read("a") == "mine\n"
        show, stash, _ = refused.value.next_steps
        for step in (show, stash):
            desk.sample.git.run(*step.split()[1:])
        assert desk.workspace.pull("main")[0] == desk.two

    def test_what_a_sparse_checkout_leaves_out_is_no_change(self, desk: Desk) -> None:
        desk.sample.git.run("sparse-checkout", "set", "--no-cone", "/b", "/new")
        assert not (desk.sample.path / "a").exists()
        desk.go_to(desk.one)
        assert not (desk.sample.path / "a").exists()
        assert desk.kept() == []


def test_commits_of_nobody_else_are_kept_and_told_before_the_reset(desk: Desk) -> None:
    mine = desk.sample.write(a="mine\n").commit()
    desk.go_to(desk.one)
    (ref,) = desk.kept()
    assert desk.sample.git.text("rev-parse", ref) == mine
    assert any(f"git merge {ref}" in line for line in desk.told)


def test_in_a_merge_it_changes_nothing_and_says_what_leaves_it(desk: Desk) -> None:
    desk.sample.git.run("checkout", "-q", "-b", "other", desk.one)
    desk.sample.write(a="another\n").commit()
    assert not desk.sample.git.succeeds("cherry-pick", desk.two)
    with pytest.raises(Unmerged) as refused:
        desk.go_to(desk.one)
    step = refused.value.next_steps[0].partition("   #")[0]
    assert step == "git cherry-pick --abort"
    desk.sample.git.run(*step.split()[1:])
    desk.go_to(desk.one)


@pytest.mark.parametrize(
    "content",
    [
        '<<<<<<< HEAD\n[submodule "lib"]\n\tpath = lib\n=======\n>>>>>>> x\n',
        '[submodule "lib"]\n\tpath = lib\n\tupdate = !true\n',
        '[submodule "lib"]\n\tpath\n',
    ],
)
def test_a_commit_whose_gitmodules_git_cannot_read_is_not_checked_out(
    content: str, desk: Desk
) -> None:
    bad = desk.upstream.write_file(".gitmodules", content).commit()
    with pytest.raises(UnreadableModules) as refused:
        desk.workspace.pull("main")
    assert f"git show {bad[:12]}:.gitmodules" in refused.value.next_steps
    assert desk.sample.head == desk.two
    desk.upstream.write_file(".gitmodules", '[submodule "lib"]\n\tpath = lib\n\turl = x\n')
    good = desk.upstream.commit()
    assert desk.workspace.pull("main")[0] == good
