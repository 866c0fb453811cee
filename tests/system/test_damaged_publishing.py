"""A publish repository that is damaged stops nobody: it is looked at, told, and made anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.site import Site


def flip_bits_of(site: Site, name: str) -> None:
    """Damage one file of the live release where it is published; its commit can still be read."""
    publish = site.state_directory / "publish.git"
    blob = site.git("rev-parse", f"HEAD:{name}")
    for index in (publish / "objects/pack").glob("*.idx"):
        for line in site.git("verify-pack", "-v", str(index)).splitlines():
            if line.startswith(blob):
                spoil(index.with_suffix(".pack"), int(line.split()[4]))


def spoil(pack: Path, offset: int) -> None:
    pack.chmod(0o644)
    whole = pack.read_bytes()
    pack.write_bytes(whole[: offset + 3] + b"\xff\xff\xff" + whole[offset + 6 :])


@pytest.fixture
def damaged(deployed: Site) -> Site:
    """A site with a target that has nothing yet, and a file that nobody can fetch."""
    deployed.rollout({"index.php": "version 2, which is long enough to be damaged\n"})
    flip_bits_of(deployed, "index.php")
    deployed.add_target("web9")
    return deployed


def test_the_doctor_says_so(damaged: Site) -> None:
    ran = damaged.deploy("doctor")
    assert ran.code != 0
    assert "publish.git is damaged" in ran.out


def test_a_converge_makes_it_anew_with_what_should_be_live(damaged: Site) -> None:
    ran = damaged.ok("converge")
    assert "is damaged" in ran.err
    assert "it is made again" in ran.err
    assert damaged.everywhere() == {damaged.desired()}
    (aside,) = damaged.state_directory.glob("publish.git.damaged-*")
    assert str(aside) in ran.err
    assert "is damaged" not in damaged.deploy("doctor").out


def test_a_sync_that_targets_cannot_fetch_is_fetched_again(damaged: Site) -> None:
    damaged.git("config", "--unset-all", "deploy.target")
    damaged.config("deploy.target", f"web9={damaged.target('web9')}")
    damaged.ok("start")
    damaged.commit({"other.php": "new\n"})
    damaged.push()
    ran = damaged.ok("sync")
    assert "it is made again" in ran.err
    assert damaged.live("web9") == damaged.desired()
    assert damaged.files("web9")["index.php"].startswith("version 2")
