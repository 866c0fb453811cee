"""The table of actions, from which all else about them comes."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from sartoris.agent import order as agent_order
from sartoris.agent.actions import ACTIONS, LEVEL, NEWER, Action
from sartoris.agent.slot import Slot
from sartoris.config import Config
from sartoris.orders import Order, ServiceAction
from sartoris.salt.help import help_of

from .conftest import Target

FIELDS = set(Order._fields)


def test_a_new_action_is_an_entry_and_a_method(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = Action("Greet the slot.", needs=("release",), level=LEVEL, locks=True)
    monkeypatch.setitem(ACTIONS, "greet", entry)
    monkeypatch.setattr(Slot, "greet", lambda slot: {"output": slot.order.release}, raising=False)
    assert target.ask("greet")["error"] == "bad-order"
    assert target.ask("greet", "t1")["error"] == "not-held"
    target.release("t0", {"a": "1"})
    outcome = target.ask("greet", "t1")
    assert (outcome["ok"], outcome["output"], outcome["live"]) == (True, "t1", "t0")
    assert target.order("greet", "t1")["level"] == LEVEL
    assert "Greet the slot." in help_of("greet", "salt 'web*' git_deploy.greet")
    assert "release=" in help_of("greet", "salt 'web*' git_deploy.greet")


def test_each_action_but_that_on_the_service_is_a_method_of_a_slot() -> None:
    assert {name for name in ACTIONS if not callable(getattr(Slot, name, None))} == {"service"}


def test_an_order_has_the_fields_that_the_agent_declares() -> None:
    assert Order._fields == agent_order.Order._fields
    assert get_args(get_type_hints(Config)["switch"]) == agent_order.SWITCH_MODES
    assert get_args(ServiceAction) == ("", *agent_order.SERVICE_ACTIONS)


def test_the_table_names_fields_that_orders_have() -> None:
    for action in ACTIONS.values():
        assert {*action.needs, *action.example, *action.goes_by} <= FIELDS
        assert 1 <= action.level <= LEVEL
        assert set(action.goes_by) <= {newer.field for newer in NEWER}
    assert all(newer.field in FIELDS and newer.level <= LEVEL for newer in NEWER)


def test_an_order_may_ask_for_a_higher_level_than_it_needs(target: Target) -> None:
    status = Order(action="status", repository="site", slot="slot0", path=target.path)
    assert status.needed_level == 1
    assert status._replace(level=LEVEL).to_json()["level"] == LEVEL
