"""A push to several URLs that stops half way is told for what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.errors import GitFailed
from sartoris.git.pushing import HalfPushed
from sartoris.git.repository import Repository
from sartoris.git.urls import without_secret
from tests.unit.git.sample import ENVIRONMENT, Sample


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sample:
    """A repository with the tag `one`, and a remote with two push URLs."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    sample = Sample.create(tmp_path / "work").write(a="1\n")
    sample.commit()
    sample.git.run("tag", "-m", "one", "one")
    for name in ("first.git", "second.git"):
        sample.git.run("init", "-q", "--bare", str(tmp_path / name))
    sample.git.run("remote", "add", "origin", str(tmp_path / "first.git"))
    for name in ("first.git", "second.git"):
        sample.git.run("remote", "set-url", "--add", "--push", "origin", str(tmp_path / name))
    return sample


def push(sample: Sample) -> HalfPushed:
    with pytest.raises(HalfPushed) as failed:
        Repository.at(sample.path).push_tags("origin", ["one"])
    return failed.value


def test_it_says_which_url_has_the_tag_and_what_makes_it_right(sample: Sample) -> None:
    first, second = sample.path.parent / "first.git", sample.path.parent / "second.git"
    second.rename(second.with_name("away"))
    error = push(sample)
    assert f"one is at {first} now, and not at {second}" in error.message
    second.with_name("away").rename(second)
    (step,) = error.complete()
    sample.git.run(*step.partition("#")[0].split()[1:])
    assert sample.git.text("ls-remote", str(second), "refs/tags/one")
    (step,) = error.take_away(["refs/tags/one"])
    sample.git.run(*step.partition("#")[0].split()[1:])
    assert sample.git.text("ls-remote", str(first), "refs/tags/one") == ""


def test_where_no_url_has_it_git_has_said_all(sample: Sample) -> None:
    first = sample.path.parent / "first.git"
    first.rename(first.with_name("away"))
    with pytest.raises(GitFailed) as failed:
        Repository.at(sample.path).push_tags("origin", ["one"])
    assert not isinstance(failed.value, HalfPushed)


def test_a_branch_is_told_of_too(sample: Sample) -> None:
    second = sample.path.parent / "second.git"
    second.rename(second.with_name("away"))
    with pytest.raises(HalfPushed) as failed:
        Repository.at(sample.path).push_head("origin", "main")
    assert "main is at " in failed.value.message


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:secret@host/x.git", "https://host/x.git"),
        ("https://token@host/x.git", "https://host/x.git"),
        ("ssh://git@host/x.git", "ssh://git@host/x.git"),
        ("ssh://git:secret@host/x.git", "ssh://git@host/x.git"),
        ("git@host:x.git", "git@host:x.git"),
        ("/srv/x.git", "/srv/x.git"),
    ],
)
def test_no_password_is_shown(url: str, shown: str) -> None:
    assert without_secret(url) == shown
