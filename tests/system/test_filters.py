"""A rollout of files that a filter of git makes."""

from __future__ import annotations

from tests.system.site import Site


def test_files_of_a_filter_are_refused_before_the_tag_and_shipped_raw_when_that_is_wanted(
    site: Site,
) -> None:
    site.commit({".gitattributes": "*.png filter=lfs\n", "logo.png": "pointer\n"})
    site.push()
    site.ok("start")
    tags = site.tags()
    ran = site.deploy("sync")
    assert ran.code == 1
    assert "logo.png (filter=lfs)" in ran.err
    assert site.tags() == tags
    assert site.everywhere() == {""}
    site.config("deploy.filters", "raw")  # as it says
    site.ok("sync")
    assert site.files("web1")["logo.png"] == "pointer\n"


def test_files_in_submodules_too(site: Site) -> None:
    site.git("config", "filter.mine.smudge", "cat")
    site.add_submodule("ext", {"lib/.gitattributes": "big filter=mine\n", "lib/big": "raw\n"})
    site.git("config", "filter.mine.smudge", "cat", at=site.repo / "ext")
    site.ok("start")
    ran = site.deploy("sync")
    assert ran.code == 1
    assert "ext/lib/big (filter=mine)" in ran.err


def test_doctor_and_check_know(site: Site) -> None:
    site.commit({".gitattributes": "*.png filter=lfs\n", "logo.png": "pointer\n"})
    assert "logo.png (filter=lfs)" in site.deploy("check").err
    assert "filter=lfs" in site.deploy("doctor").out
