"""Thirty minions at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.salt.cluster import Cluster
from tests.salt.conftest import desired_of, need_salt
from tests.salt.salted import SaltSite, install

NAMES = tuple(f"web{number}" for number in range(1, 31))


@pytest.fixture
def thirty() -> Iterator[Cluster]:
    need_salt()
    with Cluster() as cluster:
        # Thirty minions of one machine answer when their turn for its processors comes.
        slow = {"timeout": 60, "gather_job_timeout": 60}
        cluster.configure_master({"git_deploy.desired": str(desired_of(cluster)), **slow})
        for name in NAMES:
            cluster.minion(name)
        install(cluster)
        cluster.start()
        cluster.start_minions()
        cluster.sync_modules()
        yield cluster


@pytest.mark.slow
def test_a_sync_and_a_revert_reach_all_thirty(thirty: Cluster, tmp_path: Path) -> None:
    site = SaltSite.on(thirty, tmp_path / "site", NAMES, "*")
    live: list[str] = []
    for text in ("one", "two"):
        site.ship(text)
        ran = site.deploy("sync")
        assert ran.code == 0, ran.err
        live += site.everywhere()
    ran = site.deploy("revert", live[0])
    assert ran.code == 0, ran.err
    assert site.everywhere() == {live[0]} != {live[1]}
    assert site.files("web30")["index.php"] == "one\n"
