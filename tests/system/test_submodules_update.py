"""`deploy.submodules = update`, from the command line to targets on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.kept import Kept
from tests.system.site import Site

UPSTREAM = "https://upstream.invalid"


@pytest.fixture(params=["atomic", "in-place"])
def site(request: pytest.FixtureRequest, kept: Kept) -> Site:
    site = kept.site(with_submodules)
    site.config("deploy.switch", request.param)
    return site


def with_submodules(site: Site) -> None:
    Site.build(site.root)
    site.config("deploy.submodules", "update")
    site.config("deploy.keep-releases", "1")
    site.add_submodule("ext/one", {"one.php": "1\n"}, name="one")
    site.add_submodule("ext/two", {"two.php": "2\n"}, name="two")
    _nest(site)
    _hide_upstream(site)


def _nest(site: Site) -> None:
    """A submodule inside ext/two."""
    deep = site.add_submodule("deep", {"deep.php": "d\n"}, name="deep")
    site.git("rm", "-q", "-r", "--cached", "deep", ".gitmodules")
    shutil.rmtree(site.repo / "deep")
    site.git("checkout", "-q", "HEAD^", "--", ".gitmodules")
    site.git("submodule", "--quiet", "add", "--", str(deep), "deep", at=site.repo / "ext/two")
    site.git("commit", "-q", "-m", "add deep", at=site.repo / "ext/two")
    site.git("push", "-q", "origin", "HEAD:refs/heads/next", at=site.repo / "ext/two")
    site.commit({}, "nest")
    site.push()


def _hide_upstream(site: Site) -> None:
    """Nobody but the working repository can reach the submodules' origins any more."""
    for top in (site.repo, site.repo / "ext/two"):
        text = (top / ".gitmodules").read_text()
        (top / ".gitmodules").write_text(text.replace(str(site.root / "origin"), UPSTREAM))
        site.git("commit", "-q", "-a", "-m", "upstream moves", at=top)
    site.commit({}, "upstream moves")
    site.push()


def move(site: Site, path: str, text: str) -> None:
    """Change a file of a submodule, and record the new commit in the repositories around it."""
    file = site.repo / path
    file.write_text(text)
    where = file.parent
    while where != site.repo:
        if (where / ".git").exists():
            site.git("commit", "-q", "-a", "-m", f"{path} is {text!r}", at=where)
        where = where.parent
    site.git("commit", "-q", "-a", "-m", f"{path} moves")


def sync(site: Site) -> str:
    """Push what is committed and sync it; what was told."""
    site.push()
    return site.ok("sync").err


def git(at: Path, *arguments: str) -> str:
    environment = {**os.environ, "GIT_ALLOW_PROTOCOL": "none", "GIT_OPTIONAL_LOCKS": "0"}
    command = ["git", "-C", str(at), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def submodules(at: Path) -> list[str]:
    """What `git submodule status` says of each, without the name of its commit."""
    lines = git(at, "-c", "submodule.active=.", "submodule", "status", "--recursive").splitlines()
    return [line.partition(" (")[0] for line in lines]


def check(site: Site, *names: str) -> None:
    """The targets have what the working repository has, and git finds nothing to complain of."""
    for name in names:
        live = site.slot(name)
        assert submodules(live) == submodules(site.repo), name
        assert git(live, "status", "--porcelain").splitlines() == ["?? .deploy"], name
        every = ("submodule", "foreach", "--quiet", "--recursive", "git status --porcelain")
        assert git(live, *every) == "", name
    assert set(site.conditions("--verify").values()) == {"current"}


def test_targets_get_real_submodules_that_move_come_and_go(site: Site) -> None:
    site.ok("start")
    sync(site)
    check(site, "web1", "web2", "web3")

    site.ok("start")
    move(site, "ext/two/deep/deep.php", "deeper\n")
    move(site, "ext/one/one.php", "one\n")
    told = sync(site)
    assert "submodule ext/one" in told
    check(site, "web1", "web2", "web3")

    site.ok("start")
    site.git("rm", "-q", "-f", "ext/one")
    site.commit({"ext/one/plain.php": "a plain directory\n"}, "no submodule any more")
    sync(site)
    check(site, "web1", "web2", "web3")
    assert (site.slot("web1") / "ext/one/plain.php").read_text() == "a plain directory\n"

    site.ok("start")
    three = site.root / "origin/three"
    site.git("clone", "-q", str(site.root / "origin/one"), str(three), at=site.root)
    site.git("submodule", "--quiet", "add", "--", str(three), "ext/three")
    site.commit({}, "one more")
    sync(site)
    check(site, "web1", "web2", "web3")
    assert (site.slot("web3") / "ext/three/one.php").read_text() == "1\n"


def test_a_revert_brings_the_submodules_back(site: Site) -> None:
    site.ok("start")
    sync(site)
    before, first = submodules(site.repo), site.desired()
    site.ok("start")
    move(site, "ext/two/deep/deep.php", "deeper\n")
    sync(site)
    site.ok("revert", first)
    assert submodules(site.slot("web2")) == before
    check(site, "web1", "web2", "web3")


def test_a_submodule_that_is_not_checked_out_stops_the_sync_before_the_tag(site: Site) -> None:
    site.ok("start")
    tags = site.tags()
    shutil.rmtree(site.repo / "ext/two/deep")
    (site.repo / "ext/two/deep").mkdir()
    site.commit({"index.php": "2\n"})
    site.push()
    ran = site.deploy("sync")
    assert ran.code != 0
    assert "the submodule ext/two/deep is not checked out" in ran.err
    assert site.tags() == tags
    assert not site.slot("web1").exists()


def test_a_dry_run_leaves_no_release_behind(site: Site) -> None:
    site.ok("start")
    site.commit({"index.php": "2\n"})
    site.push()
    site.ok("sync", "--dry-run")
    assert not (site.state_directory / "publish.git").exists()


@pytest.fixture
def read_only(site: Site) -> Iterator[Path]:
    """A submodule of web2 on a file system that cannot be written to."""
    site.ok("start")
    sync(site)
    place = site.slot("web2").resolve() / "ext/one"
    for options in (["--bind", str(place), str(place)], ["-o", "remount,ro,bind", str(place)]):
        done = subprocess.run(["mount", *options], capture_output=True, check=False)
        if done.returncode != 0:
            assert os.environ.get("CI") != "true", done.stderr
            pytest.skip("file systems cannot be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("site", ["in-place"], indirect=True)
def test_a_target_that_fails_in_place_is_left_behind_and_named(site: Site, read_only: Path) -> None:
    site.config("deploy.max-failed", "1")
    site.ok("start")
    move(site, "ext/one/one.php", "one\n")
    site.push()
    ran = site.deploy("sync")
    assert "submodule-failed" in ran.err
    assert "ext/one" in ran.err
    assert "web2" in ran.err
    assert (read_only / "one.php").read_text() == "1\n"
    conditions = site.conditions()
    assert (conditions["web1"], conditions["web3"]) == ("current", "current")
    assert conditions["web2"] != "current"
