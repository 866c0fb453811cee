"""A remote that takes a connection and then says nothing does not hold the lock for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.errors import GitTimedOut
from sartoris.git.command import Git
from sartoris.git.submodules import Submodules
from tests.system.site import Site

NOWHERE = "ssh://deploy.example.org/srv/wiki.git"


@pytest.fixture
def silent(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """ssh connects to nothing that would ever answer."""
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\nexec sleep 600\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("GIT_SSH", str(ssh))
    return site


def lose_the_remote(site: Site) -> None:
    site.git("remote", "set-url", "origin", NOWHERE)
    site.set("deploy.git-timeout", "1")


def test_a_start_that_cannot_fetch_ends_and_is_undone(silent: Site) -> None:
    lose_the_remote(silent)
    ran = silent.deploy("start")
    assert ran.code == 1
    assert "`git fetch " in ran.err
    assert "did not end within 1 s (deploy.git-timeout) and was stopped" in ran.err
    assert f"is origin ({NOWHERE}) reachable?" in ran.err
    assert "  git ls-remote origin   # does it answer?" in ran.err
    assert "  git config deploy.git-timeout 2 " in ran.err
    assert "  git deploy --no-remote start" in ran.err
    assert silent.holder is None
    assert silent.tags() == []


def test_a_sync_that_cannot_push_ends_and_may_be_repeated(silent: Site) -> None:
    silent.ok("start")
    lose_the_remote(silent)
    ran = silent.deploy("sync")
    assert ran.code == 1
    assert "`git push " in ran.err
    assert "did not end within 1 s" in ran.err
    assert "  git deploy --no-remote sync" in ran.err
    assert silent.status()["status"] == "started"
    silent.git("remote", "set-url", "origin", str(silent.origin))
    silent.git("config", "--unset", "deploy.git-timeout")
    silent.ok("sync")


def test_a_submodule_that_cannot_be_cloned_ends_too(silent: Site) -> None:
    silent.add_submodule("ext", {"a": "1\n"})
    silent.git("submodule", "deinit", "--force", "ext")
    silent.git("config", "-f", ".gitmodules", "submodule.ext.url", NOWHERE)
    silent.commit({})
    silent.push()
    (silent.repo / ".git" / "modules" / "ext").rename(silent.root / "ext-away")
    with pytest.raises(GitTimedOut) as caught:
        Submodules(Git(silent.repo, limit=lambda: 1.0)).update(fetch=True)
    told = caught.value.message
    assert (
        "`git submodule update --init --recursive --checkout -- .` did not end within 1 s" in told
    )
    assert "is the remote of a submodule reachable?" in told


def test_the_narrow_fetch_of_a_repository_with_many_tags_is_limited_too(
    silent: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sartoris.git.fetch_few_refs.MANY_TAGS", 1)
    silent.git("tag", "one")
    lose_the_remote(silent)
    ran = silent.deploy("start")
    assert ran.code == 1
    assert "narrow.git fetch " in ran.err
    assert f"is origin ({NOWHERE}) reachable?" in ran.err
    assert silent.holder is None
