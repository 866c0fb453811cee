"""Minions that have the agent of another release than the deployment server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.releases import OLDER_AGENT, older_orders
from tests.salt.cluster import Cluster
from tests.salt.salted import SaltSite, give_module

NAMES = ("web1", "older2")


@pytest.fixture
def site(fleet: Cluster, tmp_path: Path) -> Iterator[SaltSite]:
    """Its targets are a minion with this release's module, and one with an older release's."""
    older = fleet.minion("older2", grains={"deployment_target": "both"})
    older.start()
    try:
        give_module(older, lambda _: OLDER_AGENT.read_text())
        yield SaltSite.on(fleet, tmp_path / "both-site", NAMES, "L@web1,older2")
    finally:
        older.kill()
        older.remove()


def test_a_fleet_of_both_is_deployed_to_reverted_and_converged(site: SaltSite) -> None:
    site.ship("one")
    site.ok("sync")
    (first,) = site.everywhere()
    site.ship("two")
    site.ok("sync")
    (second,) = site.everywhere()
    assert second != first
    site.ok("revert", first)
    assert site.everywhere() == {first}
    assert {one["condition"] for one in site.report_of("slot0")} == {"current"}


def test_the_orders_of_an_older_server_are_carried_out_by_both(
    fleet: Cluster, site: SaltSite
) -> None:
    site.ship("one")
    site.ok("sync")
    (release,) = site.everywhere()
    commit = site.git("rev-parse", f"{release}^{{commit}}", at=site.state_directory / "publish.git")
    repository = site.repo.name
    orders = older_orders()
    path = f"/{site.slot('web1').relative_to(site.target('web1'))}"
    for action in ("status", "verify", "switch"):
        order = orders.Order(
            action=action,
            repository=repository,
            slot="slot0",
            path=path,
            release=release,
            commit=commit,
        )
        words = [f"{name}={json.dumps(value)}" for name, value in order.to_json().items()]
        answer = fleet.salt("-L", ",".join(NAMES), f"git_deploy.{action}", *words).document
        for name in NAMES:
            outcome = orders.Outcome.from_json(answer[name], target=name)
            assert outcome.live == release
