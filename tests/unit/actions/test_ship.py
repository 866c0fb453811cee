"""`git deploy ship` in memory: one command from a commit to a fleet that has it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sartoris.actions.ship import ship
from sartoris.errors import SartorisError
from tests.unit.actions.world import World


@pytest.fixture
def news(world: World) -> World:
    """A world with a release that is live, and a newer commit at the remote."""
    assert ship(world.command, aborts=False) is not None
    world.repository.commit_upstream()
    return world


def test_it_starts_syncs_and_finishes(news: World) -> None:
    shipped = ship(news.command, aborts=False)
    assert shipped is not None
    assert set(news.live().values()) == {shipped.state.release}
    assert news.status().kind == "none"
    assert news.desired is not None
    assert news.desired.source == news.repository.upstream_tip


def test_nothing_new_is_no_error_and_leaves_no_lock(news: World) -> None:
    ship(news.command, aborts=False)
    tags, orders = dict(news.repository.names), list(news.sent)
    assert ship(news.command, aborts=False) is None
    assert news.status().kind == "none"
    assert (news.repository.names, news.sent) == (tags, orders)


def test_a_sync_that_fails_stays_open_for_a_resync(news: World) -> None:
    news.targets["web1"].wrong = {"fetch"}
    with pytest.raises(SartorisError, match="Nothing has switched"):
        ship(news.command, aborts=False)
    assert news.status().kind == "tagged"


@pytest.mark.parametrize("wrong", ["fetch", "switch"])
def test_with_abort_everything_is_put_back_and_the_error_is_the_sync_s(
    news: World, wrong: str
) -> None:
    live, head = news.live(), news.repository.head()
    news.targets["web1"].wrong = {wrong}
    with pytest.raises(SartorisError) as failed:
        ship(news.command, aborts=True)
    assert failed.value.exit_code == 71
    assert (news.live(), news.repository.head()) == (live, head)
    assert news.status().kind == "none"


def test_a_start_that_fails_is_its_own_error(news: World) -> None:
    news.broken = {"pre-start"}
    with pytest.raises(SartorisError, match="pre-start"):
        ship(news.command, aborts=True)
    assert news.status().kind == "none"


def test_a_release_that_is_live_and_not_finished_stays_without_abort(news: World) -> None:
    live = news.live()
    news.broken = {"post-sync"}
    with pytest.raises(SartorisError):
        ship(news.command, aborts=False)
    assert news.live() != live
    assert news.status().kind == "tagged"


def test_where_people_bring_releases_by_hand_nothing_is_started(world: World) -> None:
    world.config = replace(world.config, target=())
    with pytest.raises(SartorisError, match="by hand"):
        ship(world.command, aborts=False)
    assert world.status().kind == "none"
