"""Which of the variables and settings around us git hears of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sartoris.git.command import Git
from sartoris.git.environment import (
    PINNED,
    VARIABLES,
    AnotherRepository,
    Verdict,
    verdict_on,
    without_repository,
)
from sartoris.git.repository import NotARepository, Repository

PAGE = (Path(__file__).parents[3] / "docs" / "environment.md").read_text()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    Git(tmp_path).run("init", "--quiet", "here")
    Git(tmp_path).run("init", "--quiet", "other")
    return tmp_path / "here"


@pytest.fixture
def other(here: Path) -> Path:
    return here.parent / "other"


def test_everything_that_ties_git_to_a_repository_goes() -> None:
    local = Git(Path()).lines("rev-parse", "--local-env-vars")
    settings = {"GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"}
    assert set(without_repository(dict.fromkeys(local, "/somewhere"))) == settings


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [
        ("GIT_DIR", "/x", Verdict.REFUSED),
        ("GIT_LITERAL_PATHSPECS", "1", Verdict.CLEARED),
        ("GIT_COMMITTER_DATE", "yesterday", Verdict.CLEARED),
        ("GIT_COMMITTER_NAME", "Ann", Verdict.KEPT),
        ("GIT_CONFIG", "/x", Verdict.CLEARED),
        ("GIT_CONFIG_GLOBAL", "/x", Verdict.KEPT),
        ("GIT_TRACE", "1", Verdict.CLEARED),
        ("GIT_TRACE2_EVENT", "/tmp/trace", Verdict.KEPT),
        ("GIT_SSH_COMMAND", "ssh -p 22", Verdict.KEPT),
        ("GIT_BRANCH", "what a CI system calls it", Verdict.KEPT),
        ("PATH", "/bin", Verdict.KEPT),
    ],
)
def test_a_variable_has_one_verdict(name: str, value: str, verdict: Verdict) -> None:
    assert verdict_on(name, value) is verdict


def test_the_page_has_each_rule_with_its_reason() -> None:
    page = re.sub(r"\s+", " ", PAGE)
    for rule in VARIABLES:
        assert rule.reason in page
        assert all(f"`{name}`" in page for name in rule.names), rule.names
        assert str(rule.verdict) in page
    for key, (value, reason) in PINNED.items():
        assert f"`{key}` | `{value}` | {reason}" in page


def test_what_a_rollout_needs_is_stronger_than_what_was_typed(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'push.followTags'='true' 'deploy.forks'='3'")
    git = Git(here)
    assert git.text("config", "push.followTags") == "false"
    assert git.text("config", "deploy.forks") == "3"


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_COMMON_DIR"])
@pytest.mark.parametrize("relative", [False, True])
def test_another_repository_that_is_named_is_not_this_one(
    here: Path, other: Path, monkeypatch: pytest.MonkeyPatch, name: str, relative: bool
) -> None:
    monkeypatch.setenv(name, "../other/.git" if relative else str(other / ".git"))
    with pytest.raises(AnotherRepository, match=rf"{name} .* names the repository .*other/.git"):
        Repository.meant(here)


def test_another_work_tree_that_is_named_is_not_this_one(
    here: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    with pytest.raises(AnotherRepository, match="work tree"):
        Repository.meant(here)


def test_a_repository_that_is_not_there_is_another_one(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "nonsense")
    with pytest.raises(AnotherRepository):
        Repository.meant(here)


def test_this_repository_may_be_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "lib").mkdir()
    (here.parent / "link").symlink_to(here)
    monkeypatch.setenv("GIT_DIR", str(here.parent / "link" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", "..")
    assert Repository.meant(here / "lib").top == here


def test_a_linked_work_tree_may_be_named_by_the_file_that_git_has_there(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Git(here).run("commit", "--quiet", "--allow-empty", "-m", "first")
    Git(here).run("worktree", "add", "--quiet", "../linked")
    linked = here.parent / "linked"
    for named in (linked / ".git", here / ".git" / "worktrees" / "linked"):
        monkeypatch.setenv("GIT_DIR", str(named))
        assert Repository.meant(linked).top == linked
    monkeypatch.setenv("GIT_DIR", str(here / ".git"))  # git would take the other one's branch
    with pytest.raises(AnotherRepository):
        Repository.meant(linked)


def test_what_a_bare_repositorys_hook_has_around_it_names_nothing_elsewhere(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", ".")
    assert Repository.meant(here).top == here


def test_a_ceiling_counts_where_the_repository_is_looked_for_and_nowhere_else(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "lib").mkdir()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(here))
    with pytest.raises(NotARepository):
        Repository.meant(here / "lib")
    assert Repository.at(here / "lib").top == here


def test_a_tag_with_the_name_of_a_branch_does_not_rename_the_branch(here: Path) -> None:
    Git(here).run("commit", "--quiet", "--allow-empty", "-m", "first")
    Git(here).run("tag", "main")
    Git(here).run("tag", "heads/main")
    repository = Repository.at(here)
    assert repository.branch() == "main"
    assert repository.branches() == [("main", repository.head())]


NAMES = [".deploy", "x[1].txt", "a*b?", r"back\slash", "end  ", "!no", "#no", "-x", ":(top)x", "ü"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_ours_does_not_make_the_tree_dirty_whatever_it_is_called(
    here: Path, name: str
) -> None:
    repository = Repository.at(here)
    assert repository.write_untracked(name, "ours")
    (here / f"{name}.not").touch()  # and nothing else is hidden
    assert [one[3:] for one in repository.changes()] == [f"{name}.not"]
    assert not repository.is_tracked(name)
    repository.git.run("--literal-pathspecs", "add", "--force", "--", name)
    assert repository.is_tracked(name)
