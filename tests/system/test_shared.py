"""Uploads and files of secrets stay live, also when a path is shared later, or the slot moves."""

from __future__ import annotations

import pytest

from tests.system.site import Site


@pytest.fixture
def lively(deployed: Site) -> Site:
    """web1 has an upload that only its live tree has; a change is pushed."""
    upload = deployed.slot("web1") / "uploads/cat"
    upload.parent.mkdir()
    upload.write_text("cat\n")
    deployed.config("deploy.shared", "uploads/")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    return deployed


def test_a_path_that_is_shared_later_takes_no_file_from_the_site(lively: Site) -> None:
    site, before = lively, lively.desired()
    warned = "uploads is shared, and 1 file live there would leave the site of slot0"
    assert warned in " ".join(site.deploy("doctor").out.split())
    site.ok("start")
    assert warned in " ".join(site.ok("sync", "--dry-run").err.split())
    ran = site.deploy("sync")
    assert ran.code == 71
    assert f"Nothing has switched, anywhere. Live is still: {before}" in ran.err
    assert "| uploads: cat" in ran.err
    assert "\n  git deploy shared adopt " in ran.err
    assert "\n  git deploy resync --leave " in ran.err
    status = site.deploy("shared", "status")
    assert status.code == 1
    assert "/srv/site/.sartoris/shared/slot0" in status.out
    assert "1 file live, not copied" in status.out

    site.ok("shared", "adopt", "uploads/")
    site.ok("resync")

    assert site.files("web1")["index.php"] == "version 2\n"
    assert (site.slot("web1") / "uploads/cat").read_text() == "cat\n"
    assert site.deploy("shared", "status").code == 0
    assert site.deploy("doctor").code == 0


def test_a_copy_that_failed_on_a_target_is_repeated(lively: Site) -> None:
    lively.break_target("web1")
    ran = lively.deploy("shared", "adopt")
    assert ran.code == 71
    assert "shared adopt failed on 1 of 3 targets" in ran.err
    lively.mend_target("web1")
    assert "\n  git deploy shared adopt " in ran.err
    lively.ok("shared", "adopt")


def test_files_leave_the_site_only_when_that_is_said(lively: Site) -> None:
    lively.ok("start")
    assert lively.deploy("sync").code == 71
    lively.ok("resync", "--leave")
    assert list((lively.slot("web1") / "uploads").iterdir()) == []


def test_a_slot_that_moves_takes_its_shared_paths_along(lively: Site) -> None:
    site = lively
    site.ok("start")
    site.ok("shared", "adopt")
    site.ok("sync")
    site.set("deploy.path", "/opt/forum/current")
    site.ok("start")
    ran = site.deploy("sync", "--force")
    assert "| uploads: cat" in ran.err
    assert str(ran.code) == "71"
    assert "Nothing was done at /srv/site/php-slot0, where deploy.path was before." in ran.err
    assert "git deploy start" not in site.deploy("report").out  # its rollout is open
    site.ok("shared", "adopt")
    site.ok("resync")
    assert (site.target("web1") / "opt/forum/current/uploads/cat").read_text() == "cat\n"


def test_only_what_is_shared_can_be_adopted(lively: Site) -> None:
    ran = lively.deploy("shared", "adopt", "index.php")
    assert (ran.code, "index.php is not in deploy.shared" in ran.err) == (2, True)
    lively.git("config", "--unset-all", "deploy.shared")
    assert "deploy.shared is not set" in lively.deploy("shared", "status").err
