"""A minion that is dead for a while is taken out of rollouts, and brought back."""

from __future__ import annotations

from pathlib import Path

from tests.salt.cluster import Cluster
from tests.salt.conftest import forget_records
from tests.salt.salted import deployed

WEB = ("web1", "web2", "web3", "web4")


def test_a_dead_minion_is_left_out_until_it_is_back_and_brought_up_to_date(
    fleet: Cluster, tmp_path: Path
) -> None:
    site = deployed(fleet, tmp_path / "site", WEB)
    site.set("deploy.max-failed", "0")
    fleet.minions["web4"].kill()
    site.ship("after")
    refused = site.deploy("sync")
    assert refused.code == 71
    for step in ("git deploy resync --without web4", "git deploy away web4 && git deploy resync"):
        assert step in refused.err

    site.ok("away", "web4", "disk", "died")
    done = site.deploy("resync")
    assert done.code == 0, done.err
    assert "is live on 3 of 3 targets, 1 left out" in done.err
    assert "web4 is away since" in site.deploy("report").out

    still = site.deploy("back", "web4")
    assert still.code == 71
    assert "Still away: web4" in still.err

    forget_records(fleet)  # so that it does not catch up by itself when it starts
    fleet.minions["web4"].start()
    assert site.files("web4")["index.php"] == "before\n"
    site.ok("back", "web4")
    assert site.files("web4")["index.php"] == "after\n"
    assert "4 of 4 targets current" in site.deploy("report").out
