"""An agent of an older release than the deployment server's, or a newer, is a normal case."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sartoris.agent.actions import ACTIONS, LEVEL
from sartoris.agent.outcome import perform
from sartoris.events import EventStream
from sartoris.fleet.fleet import Fleet
from sartoris.fleet.release_spec import ReleaseSpec
from sartoris.orders import Order, Outcome
from sartoris.transports.local import LocalTransport
from tests.agent.conftest import Files, Target, entries, program, publisher, target, tree
from tests.releases import older_agent, older_orders

__all__ = ["publisher", "target"]

# What comes from another release is untyped here, as it is on the wire.
Server = Callable[[str, str, str, dict[str, Any]], Any]


def newer_server(target: Target) -> Server:
    """This release's orders, to an older agent."""

    def ask(action: str, tag: str, commit: str, more: dict[str, Any]) -> Any:
        local = LocalTransport({"web1": target.root}, forks=1, agent=older_agent)
        fields = {**fields_of(target), "release": tag, "commit": commit, **more}
        (outcome,) = local.run(Order(action=action, **fields), ["web1"])
        return outcome

    return ask


def older_server(target: Target) -> Server:
    """An older release's orders, to this agent, and its view of the outcomes."""
    orders = older_orders()

    def ask(action: str, tag: str, commit: str, more: dict[str, Any]) -> Any:
        fields = {**fields_of(target), "release": tag, "commit": commit, **more}
        order = orders.Order(action=action, **fields).to_json()
        return orders.Outcome.from_json(perform(order, str(target.root)), target="web1")

    return ask


def fields_of(target: Target) -> dict[str, Any]:
    return {
        "repository": "site",
        "slot": "slot0",
        "path": target.path,
        "url": str(target.publisher.path),
        "timeout": 60,
        "deploy_text": "commit: 1\n",
        "shared": ("uploads",),
    }


@pytest.fixture(params=[newer_server, older_server])
def ask(request: pytest.FixtureRequest, target: Target) -> Server:
    server: Server = request.param(target)
    return server


@pytest.mark.parametrize("mode", ["atomic", "in-place"])
def test_a_release_is_fetched_and_goes_live(ask: Server, target: Target, mode: str) -> None:
    files: Files = {"a": "1", "deploy/target/live.sh": program("exit 0")}
    commit = target.publisher.release("t1", files)
    assert ask("fetch", "t1", commit, {"switch": mode}).ok
    outcome = ask("switch", "t1", commit, {"switch": mode})
    assert outcome.ok, outcome
    assert (outcome.live, outcome.held, outcome.due) == ("t1", ("t1",), ())
    assert not outcome.silent
    assert entries(files).items() <= tree(target.live).items()
    assert ask("verify", "", "", {"switch": mode}).complete
    (target.live / "a").write_text("changed")
    assert ask("verify", "", "", {"switch": mode}).changed == ("a",)


def test_the_service_and_its_action_reach_the_target(ask: Server, target: Target) -> None:
    script = target.root / "etc" / "init.d" / "web"
    script.parent.mkdir(parents=True)
    script.write_text(f"#!/bin/sh\necho $1 >> {target.root}/said\n")
    script.chmod(0o755)
    commit = target.publisher.release("t1", {"a": "1"})
    serving = {"service": "web", "service_action": "reload"}
    for action in ("fetch", "switch", "service"):
        assert ask(action, "t1", commit, serving).ok
    assert (target.root / "said").read_text().split() == ["reload", "reload"]


def test_what_cannot_be_done_is_said_with_a_word_that_the_other_knows(
    ask: Server,
) -> None:
    lost = ask("switch", "t9", "a" * 40, {})
    assert (lost.error, lost.silent, lost.live) == ("not-held", False, "")
    unsafe = ask("fetch", "t1", "not a commit", {})
    assert (unsafe.error, unsafe.silent) == ("bad-order", True)


def test_what_one_release_has_put_on_a_target_the_other_goes_on_with(target: Target) -> None:
    newer, older = newer_server(target), older_server(target)
    first = target.publisher.release("t1", {"a": "1"})
    second = target.publisher.release("t2", {"a": "2"})
    for ask, tag, commit in ((newer, "t1", first), (older, "t2", second)):
        for action in ("fetch", "switch"):
            assert ask(action, tag, commit, {}).ok
    assert newer("status", "", "", {}).live == older("status", "", "", {}).live == "t2"
    assert newer("status", "", "", {}).previous == "t1"
    for ask in (newer, older):
        assert ask("switch", "t1", first, {}).live == "t1"
        assert ask("switch", "t2", second, {}).live == "t2"
        assert ask("verify", "", "", {}).complete
    assert older("withdraw", "t2", "", {}).live == ""
    assert newer("switch", "t1", first, {}).live == "t1"
    assert newer("withdraw", "t1", "", {}).live == ""
    assert newer("status", "", "", {}).held == ("t1", "t2")


def test_a_fleet_of_both_is_one_fleet(target: Target, tmp_path: Path) -> None:
    roots = {"older": tmp_path / "older", "newer": tmp_path / "newer"}
    for root in roots.values():
        root.mkdir()

    def agent(order: Any, root: str) -> Any:
        return (older_agent if root.endswith("older") else perform)(order, root)

    transport = LocalTransport(roots, forks=2, agent=agent)
    fleet = Fleet(transport, Order(action="status", **fields_of(target)), EventStream())
    commit = target.publisher.release("t1", {"a": "1"})
    release = ReleaseSpec(release="t1", commit=commit)
    assert fleet.fetch(release, roots).failed == ()
    assert fleet.switch(release, roots).not_current("t1") == ()


def test_an_order_that_the_older_agent_cannot_carry_out_is_refused_by_its_level(
    target: Target,
) -> None:
    newer = Order(action="status", **{**fields_of(target), "level": LEVEL + 1})
    (outcome,) = LocalTransport({"web1": target.root}, forks=1, agent=older_agent).run(
        newer, ["web1"]
    )
    assert (outcome.error, outcome.silent) == ("agent-too-old", True)


def test_a_word_that_this_release_does_not_know_tells_only_what_it_says() -> None:
    newer = {"action": "switch", "ok": False, "error": "of-a-later-release"}
    assert Outcome.from_json(newer, target="web1").silent
    assert not Outcome.from_json({**newer, "live": "t1"}, target="web1").silent


def test_every_action_of_the_older_release_is_still_one() -> None:
    older = ("fetch", "switch", "withdraw", "status", "verify", "service")
    assert set(older) <= set(ACTIONS)
