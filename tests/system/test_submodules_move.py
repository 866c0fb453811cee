"""A submodule that is found elsewhere, or that git was told to pass over: a start brings it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.colleague import Colleague
from tests.system.site import Site


@pytest.fixture
def colleague(site: Site) -> Colleague:
    """Whoever has added the submodule ext/Cite, which is live."""
    colleague = Colleague(site)
    colleague.adds_submodule("ext/Cite", {"Cite.php": "1\n"})
    site.ok("start")
    site.ok("sync")
    return colleague


def fork(site: Site, name: str) -> Path:
    """Another repository with the history of Cite, and a commit more."""
    new = site.root / "origin" / name
    site.git("clone", "--quiet", str(site.root / "origin" / "Cite"), str(new), at=site.root)
    (new / "Cite.php").write_text("2\n")
    site.git("commit", "--quiet", "--all", "-m", "forked", at=new)
    return new


def commit(site: Site, colleague: Colleague) -> None:
    site.git("add", "--all", at=colleague.clone)
    site.git("commit", "--quiet", "-m", "moves", at=colleague.clone)
    site.git("push", "--quiet", "origin", "main", at=colleague.clone)


def move(site: Site, colleague: Colleague, url: str, new: Path) -> None:
    site.git("submodule", "--quiet", "set-url", "ext/Cite", url, at=colleague.clone)
    at = colleague.clone / "ext" / "Cite"
    site.git("fetch", "--quiet", str(new), "main", at=at)
    site.git("checkout", "--quiet", "--detach", "FETCH_HEAD", at=at)
    commit(site, colleague)


@pytest.mark.parametrize("url", ["{new}", "../Fork"])
def test_one_that_has_another_url_is_fetched_from_there(
    site: Site, colleague: Colleague, url: str
) -> None:
    new = fork(site, "Fork")
    move(site, colleague, url.format(new=new), new)
    site.ok("start")
    site.ok("sync")
    assert site.files("web1")["ext/Cite/Cite.php"] == "2\n"


def test_a_url_that_somebody_has_set_here_stays(site: Site, colleague: Colleague) -> None:
    new = fork(site, "Mirror")
    site.set("submodule.ext/Cite.url", str(new))
    site.git("remote", "set-url", "origin", str(new), at=site.repo / "ext" / "Cite")
    move(site, colleague, "https://elsewhere.invalid/Cite", new)
    site.ok("start")
    assert site.git("config", "submodule.ext/Cite.url") == str(new)


def test_another_one_in_its_place_is_cloned_and_an_abort_brings_the_first_one_back(
    site: Site, colleague: Colleague
) -> None:
    new = fork(site, "Other")
    site.git("rm", "--quiet", "ext/Cite", at=colleague.clone)
    add = ("submodule", "--quiet", "add", "--name", "other", str(new), "ext/Cite")
    site.git(*add, at=colleague.clone)
    commit(site, colleague)
    site.ok("start")
    assert (site.repo / "ext/Cite/Cite.php").read_text() == "2\n"
    site.ok("abort")
    assert (site.repo / "ext/Cite/Cite.php").read_text() == "1\n"
    assert not site.git("status", "--porcelain")


@pytest.mark.parametrize("setting", ["update=none", "active=false"])
def test_one_that_git_is_to_pass_over_is_in_the_release_all_the_same(
    site: Site, colleague: Colleague, setting: str
) -> None:
    key, _, value = setting.partition("=")
    site.set(f"submodule.ext/Cite.{key}", value)
    colleague.moves_submodule("ext/Cite", {"Cite.php": "3\n"})
    site.ok("start")
    site.ok("sync")
    assert site.files("web1")["ext/Cite/Cite.php"] == "3\n"
