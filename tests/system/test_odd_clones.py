"""Working repositories that do not have all that a commit names."""

from __future__ import annotations

import shutil

from tests.system.site import Site


def test_a_partial_and_sparse_clone_ships_the_whole_tree(site: Site) -> None:
    site.commit({"big/b": "b\n", "big/er/c": "c\n"})
    site.push()
    for name in ("allowFilter", "allowAnySHA1InWant"):
        site.git("config", f"uploadpack.{name}", "true", at=site.origin)
    site.clone_again("--filter=blob:none", "--sparse")
    site.ok("start")
    site.ok("sync")
    assert not (site.repo / "big").exists()
    assert site.files("web1")["big/er/c"] == "c\n"


def orphan(site: Site, path: str) -> None:
    """A gitlink that .gitmodules does not know, as `git add` of a clone makes one."""
    at = site.head()
    site.git("update-index", "--add", "--cacheinfo", f"160000,{at},{path}")
    site.git("commit", "--quiet", "-m", "a clone in the repository")
    (site.repo / path).mkdir()
    site.push()


def test_a_submodule_that_nobody_knows_is_refused_at_the_start(site: Site) -> None:
    orphan(site, "vendor")
    ran = site.deploy("start")
    assert ran.code == 1
    assert "its .gitmodules does not know" in ran.err
    assert ": vendor\n" in ran.err
    assert site.tags() == []


def test_so_is_one_inside_a_submodule(site: Site) -> None:
    source = site.add_submodule("ext", {"e.php": "e\n"})
    site.git("update-index", "--add", "--cacheinfo", f"160000,{site.head()},vendor", at=source)
    site.git("commit", "--quiet", "-m", "a clone in the submodule", at=source)
    site.git(
        "update-index", "--cacheinfo", f"160000,{site.git('rev-parse', 'HEAD', at=source)},ext"
    )
    site.git("commit", "--quiet", "-m", "ext moves")
    site.push()
    site.git("reset", "--quiet", "--hard", "HEAD~1")
    ran = site.deploy("start")
    assert ran.code == 1
    assert "its .gitmodules does not know" in ran.err
    assert ": ext/vendor\n" in ran.err
    assert "git -C ext rm --cached -- vendor " in ran.err
    assert site.tags() == []


def test_where_targets_do_without_submodules_nobody_asks_for_it(site: Site) -> None:
    site.add_submodule("ext", {"e.php": "e\n"})
    orphan(site, "vendor")
    shutil.rmtree(site.repo / "ext")
    (site.repo / "ext").mkdir()
    site.config("deploy.submodules", "none")
    ran = site.ok("start")
    assert "submodules could not" not in ran.err
    assert (site.repo / "ext" / "e.php").is_file()  # the others are brought all the same
    site.ok("sync")
    assert list((site.slot("web1") / "vendor").iterdir()) == []
