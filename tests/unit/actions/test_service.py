"""`git deploy service` on targets in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.actions.service import act_on_service, service_states
from sartoris.config.values import CountOrPercent
from sartoris.errors import Refused, ServiceIncomplete
from tests.unit.actions.world import World


@pytest.fixture
def served(tmp_path: Path) -> World:
    return World(tmp_path, settings={"service": "php-fpm", "batch": CountOrPercent(2)})


def test_a_restart_goes_batch_by_batch(served: World) -> None:
    with served.command("service") as command:
        result = act_on_service(command, "restart", ())
    assert [targets for _, _, targets in served.orders()] == [("web1", "web2"), ("web3",)]
    assert {one.order.service_action for one in served.sent} == {"restart"}
    assert result.failed == ()


def test_it_stops_after_the_batch_in_which_too_many_fail(served: World) -> None:
    served.targets["web1"].wrong = {"service"}
    with served.command("service") as command, pytest.raises(ServiceIncomplete) as failed:
        act_on_service(command, "reload", ())
    assert "Not touched: web3" in failed.value.message
    assert failed.value.next_steps[-1] == "git deploy service reload web1 web3"


def test_a_batch_of_another_size_may_be_named(served: World) -> None:
    with served.command("service") as command:
        act_on_service(command, "restart", (), batch=CountOrPercent(1))
    assert len(served.orders()) == 3


def test_a_question_changes_nothing_and_asks_everyone_at_once(served: World) -> None:
    with served.command("service") as command:
        assert len(service_states(command, ()).outcomes) == 3
    assert [one.order.service_action for one in served.sent] == ["status"]


def test_without_a_service_it_is_refused(world: World) -> None:
    with world.command("service") as command, pytest.raises(Refused) as refused:
        act_on_service(command, "restart", ())
    assert refused.value.next_steps
    assert world.orders() == []
