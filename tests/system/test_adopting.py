"""A site that was there before: what a release takes the place of is part of the rollout."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.site import Site


@pytest.fixture
def before(site: Site) -> Site:
    """web1 has a link of Capistrano's, web2 a document root; on web3 there is nothing."""
    current = site.slot("web1")
    (current.parent / "releases/20260101").mkdir(parents=True)
    (current.parent / "releases/20260101/index.php").write_text("old\n")
    current.symlink_to("releases/20260101")
    site.slot("web2").mkdir(parents=True)
    (site.slot("web2") / "index.php").write_text("old\n")
    (site.slot("web2") / "upload.png").write_text("precious\n")
    return site


def assert_as_before(site: Site) -> None:
    assert str(site.slot("web1").readlink()) == "releases/20260101"
    assert not site.slot("web2").is_symlink()
    assert site.files("web2") == {"index.php": "old\n", "upload.png": "precious\n"}
    assert not site.slot("web3").exists()


LIVE_BEFORE = [
    "Live is a link that is not Sartoris's on web1",
    "Live is a directory that is not Sartoris's on web2",
    "Live is nothing on web3",
]


@pytest.mark.parametrize("mode", ["atomic", "in-place"])
def test_a_first_release_that_fails_leaves_the_old_site_as_it_was(before: Site, mode: str) -> None:
    site = before
    site.config("deploy.switch", mode)
    site.live_hook("exit 4")
    site.ok("start")
    ran = site.deploy("sync", "--adopt")
    assert ran.code == 71
    for line in ("Every target that had switched was rolled back.", *LIVE_BEFORE):
        assert line in ran.err
    assert_as_before(site)
    assert "went back" in site.deploy("status").out
    assert "web1    a link that is not Sartoris's " in site.deploy("report").out
    ran = site.ok("abort")
    for line in LIVE_BEFORE:
        assert line in ran.err
    assert_as_before(site)


def test_it_is_announced_and_the_refusal_names_what_works(before: Site) -> None:
    site = before
    stands = [
        "a link that is not Sartoris's stands at /srv/site/php-slot0 (web1)",
        "a directory stands at /srv/site/php-slot0 (web2)",
    ]
    told = " ".join(site.deploy("doctor").out.split())
    site.ok("start")
    dry = " ".join(site.ok("sync", "--dry-run").err.split())
    for line in stands:
        assert line in told
        assert line in dry
    assert "git deploy sync --adopt" in told
    ran = site.deploy("sync")
    assert "Nothing has switched, anywhere." in ran.err
    for line in LIVE_BEFORE:
        assert line in ran.err
    assert "\n  git deploy resync --adopt " in ran.err
    done = site.ok("resync", "--adopt")
    assert "set aside, what stood at /srv/site/php-slot0 until now:" in done.err
    assert "  a link to releases/20260101 (web1)" in done.err
    (kept,) = (site.slot("web2").parent / ".sartoris/adopted").iterdir()
    assert f"/srv/site/.sartoris/adopted/{kept.name} (web2)" in done.err
    assert (kept / "upload.png").read_text() == "precious\n"


@pytest.mark.parametrize(("mode", "other"), [("atomic", "in-place"), ("in-place", "atomic")])
def test_the_mode_of_switching_can_change_and_change_back(
    site: Site, mode: str, other: str
) -> None:
    site.config("deploy.switch", mode)
    first = site.rollout({"index.php": "version 2\n"})
    (site.slot("web2") / "upload.png").write_text("precious\n")
    site.set("deploy.switch", other)
    hook = site.hook("post-sync.fails", "exit 1")
    site.ok("start")
    site.commit({"index.php": "version 3\n"})
    site.push()
    assert "git deploy resync --adopt" in site.deploy("sync").err
    assert site.deploy("resync", "--adopt").code == 72
    assert site.slot("web2").is_symlink() == (other == "atomic")
    assert site.files("web2")["index.php"] == "version 3\n"
    site.ok("abort")
    hook.unlink()
    assert site.desired() == first
    assert site.slot("web2").is_symlink() == (mode == "atomic")
    assert site.files("web2")["index.php"] == "version 2\n"
    assert site.files("web2")["upload.png"] == "precious\n"
    site.ok("start")
    site.ok("sync", "--adopt")
    assert site.files("web2")["index.php"] == "version 3\n"


@pytest.mark.parametrize("place", ["", "/public", "/..", "/.git/x"])
def test_the_repository_that_is_deployed_from_is_never_in_the_place_of_a_release(
    site: Site, place: str
) -> None:
    site.git("config", "--unset-all", "deploy.target")
    site.config("deploy.target", "me=/")
    site.set("deploy.path", str(Path(f"{site.repo}{place}").resolve()))
    refused = "and that cannot be: the repository that you deploy from is"
    ran = site.deploy("start")
    assert ran.code == 1
    assert refused in ran.err
    assert refused in " ".join(site.deploy("doctor").out.split())


def test_one_that_was_away_brings_its_old_site_with_it(before: Site) -> None:
    site = before
    site.config("deploy.shared", "uploads/")
    upload = site.slot("web1").resolve() / "uploads/cat"
    upload.parent.mkdir()
    upload.write_text("cat\n")
    site.ok("away", "web1")
    site.ok("start")
    site.ok("sync", "--adopt")
    assert "\n  git deploy back web1 --adopt " in site.deploy("back", "web1").err
    assert "\n  git deploy shared adopt --with web1 " in site.deploy("back", "web1", "--adopt").err
    site.ok("shared", "adopt", "--with", "web1")
    site.ok("back", "web1", "--adopt")
    assert site.everywhere() == {site.desired()}
    assert (site.slot("web1") / "uploads/cat").read_text() == "cat\n"
