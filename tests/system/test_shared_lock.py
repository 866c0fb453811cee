"""Several repositories with one lock: `deploy.lock-dir-root`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.site import Site


@pytest.fixture
def two(tmp_path: Path) -> tuple[Site, Site]:
    """Two sites whose rollouts exclude each other."""
    sites = (Site.build(tmp_path / "one", targets=1), Site.build(tmp_path / "two", targets=1))
    for site in sites:
        site.config("deploy.lock-dir-root", str(tmp_path / "locks"))
    return sites


def test_a_rollout_of_one_repository_keeps_the_others_out(two: tuple[Site, Site]) -> None:
    one, other = two
    one.ok("start")
    refused = other.deploy("start")
    assert refused.code == 1
    assert f"git -C {one.repo} deploy status" in refused.err
    one.ok("abort")
    other.ok("start")


@pytest.mark.parametrize("action", ["sync", "abort", "finish", "resync"])
def test_no_command_touches_the_rollout_of_another_repository(
    two: tuple[Site, Site], action: str
) -> None:
    one, other = two
    one.ok("start")
    assert other.deploy("--force", action).code == 1
    assert one.deploy("status").code == 1


def test_status_says_which_repository_blocks(two: tuple[Site, Site]) -> None:
    one, other = two
    one.ok("start")
    status = other.deploy("status")
    assert status.code == 3
    assert str(one.repo / ".git") in status.out
