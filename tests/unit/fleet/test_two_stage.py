"""The steps of the two stages, on targets that only write down what they are told."""

from __future__ import annotations

from sartoris.events import GateDecided
from sartoris.fleet.desired import Desired
from sartoris.fleet.two_stage import LiveRelease
from sartoris.orders import Outcome
from tests.unit.fleet.recorded import Recorded

NEW = LiveRelease(release="slot0-2", commit="b" * 40, deploy_text="new")
OLD = Desired(
    slot="slot0",
    prefix="slot0",
    path="/srv/wiki",
    release="slot0-1",
    commit="a" * 40,
    source="c" * 40,
    rollout="slot0-1",
    since=0.0,
    deploy_text="old",
)


def test_fetch_reaches_everyone_and_switches_nobody() -> None:
    site = Recorded(["web1", "web2"])
    site.two_stage().fetch(NEW, ["web1", "web2"])
    assert site.sent == [("fetch", "slot0-2", ("web1", "web2"))]


def test_those_left_behind_count_at_the_gate_once() -> None:
    site = Recorded(["web1", "web2", "web3"], fails={"fetch": ["web1"]})
    two_stage = site.two_stage(allowed=1)
    fetched = two_stage.fetch(NEW, site.names)
    assert two_stage.gate_opens(fetched, behind=["web1"])
    assert not two_stage.gate_opens(fetched, behind=["web2"])


def test_the_switch_goes_canary_first_then_batch_by_batch() -> None:
    site = Recorded(["web1", "web2", "web3", "web4"])
    site.two_stage(canary=["web3"], batch="2").switch(NEW, site.names)
    assert [names for _, _, names in site.sent] == [("web3",), ("web1", "web2"), ("web4",)]


def test_the_switch_stops_after_the_group_in_which_too_many_fail() -> None:
    site = Recorded(["web1", "web2", "web3"], fails={"switch": ["web2"]})
    result = site.two_stage(batch="1").switch(NEW, site.names)
    assert list(result.outcomes) == ["web1", "web2"]
    assert result.failed == ("web2",)


def test_the_switch_goes_on_while_few_enough_fail() -> None:
    site = Recorded(["web1", "web2", "web3"], fails={"switch": ["web1"]})
    result = site.two_stage(allowed=1, batch="1").switch(NEW, site.names)
    assert list(result.outcomes) == ["web1", "web2", "web3"]
    decisions = [event for event in site.events if isinstance(event, GateDecided)]
    assert decisions
    assert all(decision.passed for decision in decisions)


def test_who_fetched_nothing_is_not_told_to_switch() -> None:
    site = Recorded(["web1", "web2"], fails={"fetch": ["web2"]})
    result = site.two_stage().bring(NEW, site.names)
    assert site.sent[-1] == ("switch", "slot0-2", ("web1",))
    assert result.failed == ("web2",)
    everyone = Recorded(["web1"], fails={"fetch": ["web1"]})
    assert everyone.two_stage().bring(NEW, ["web1"]).failed == ("web1",)
    assert len(everyone.sent) == 1


def test_the_way_back_needs_no_fetch_where_the_release_is_held() -> None:
    site = Recorded(["web1", "web2"])
    site.two_stage().take_back("slot0-2", OLD, site.names)
    assert site.sent == [("switch", "slot0-1", ("web1", "web2"))]
    order, _ = site.transport.orders[0]
    assert (order.commit, order.deploy_text) == ("a" * 40, "old")


def test_the_way_back_fetches_where_the_release_is_not_held() -> None:
    site = Recorded(["web1", "web2"], fails={"switch": ["web2"]})
    result = site.two_stage().take_back("slot0-2", OLD, site.names)
    assert [(action, names) for action, _, names in site.sent] == [
        ("switch", ("web1", "web2")),
        ("fetch", ("web2",)),
        ("switch", ("web2",)),
    ]
    assert result.failed == ("web2",)


def test_the_way_back_from_the_first_rollout_is_to_nothing() -> None:
    site = Recorded(["web1"])
    site.two_stage().take_back("slot0-2", None, ["web1"])
    assert site.sent == [("status", "", ("web1",)), ("withdraw", "slot0-2", ("web1",))]


def test_a_target_that_had_something_else_keeps_what_it_has_rather_than_nothing() -> None:
    had = Outcome(action="status", target="web2", ok=True, live="slot0-2", previous="slot0-0")
    site = Recorded(["web1", "web2"], answers={("status", "web2"): had})
    result = site.two_stage().take_back("slot0-2", None, site.names)
    assert site.sent[-1] == ("withdraw", "slot0-2", ("web1",))
    assert result.outcomes["web2"].error == "unknown-before"
    assert "git deploy revert slot0-0" in result.outcomes["web2"].message
