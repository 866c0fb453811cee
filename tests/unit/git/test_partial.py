"""What a partial clone lacks of a commit is brought before it is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.git.command import Git
from sartoris.git.partial import ObjectsMissing, bring_missing, is_partial


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    origin = tmp_path / "origin"
    Git(tmp_path).run("init", "--quiet", "origin")
    for name in ("a", "deep/er/b", "deep/er/est/c"):
        (origin / name).parent.mkdir(parents=True, exist_ok=True)
        (origin / name).write_text(name)
    git = Git(origin)
    git.run("add", "--all")
    git.run("commit", "--quiet", "-m", "first")
    git.run("config", "uploadpack.allowFilter", "true")
    git.run("config", "uploadpack.allowAnySHA1InWant", "true")
    return origin


def cloned(origin: Path, *options: str) -> Git:
    where = origin.with_name("clone")
    Git(origin).run("clone", "--quiet", *options, f"file://{origin}", str(where))
    return Git(where)


def whole(git: Git) -> bool:
    listed = git.lines("rev-list", "--objects", "--missing=print", "HEAD^{tree}")
    return not any(line.startswith("?") for line in listed)


@pytest.mark.parametrize("kind", ["blob:none", "tree:0"])
def test_all_that_is_missing_is_brought(origin: Path, kind: str) -> None:
    git = cloned(origin, f"--filter={kind}", "--sparse")
    assert is_partial(git.directory / ".git")
    assert not whole(git)
    bring_missing(git, "HEAD")
    assert whole(git)
    assert git.text("cat-file", "blob", "HEAD:deep/er/est/c") == "deep/er/est/c"


def test_a_remote_that_is_away_is_the_reason(origin: Path) -> None:
    git = cloned(origin, "--filter=blob:none", "--sparse")
    origin.rename(origin.with_name("away"))
    with pytest.raises(
        ObjectsMissing, match=r"a partial clone, and 2 objects .* fetched"
    ) as caught:
        bring_missing(git, "HEAD")
    origin.with_name("away").rename(origin)
    step = next(step for step in caught.value.next_steps if "--refetch" in step)
    git.run(*step.partition("#")[0].split()[1:])
    assert whole(git)


def test_a_whole_clone_is_none(origin: Path) -> None:
    assert not is_partial(cloned(origin).directory / ".git")
