"""What is sent to the fleet of a slot, on targets that only write down what they are told."""

from __future__ import annotations

from sartoris.config.values import CountOrPercent
from sartoris.events import GateDecided, Planned, Warned
from sartoris.fleet.desired import Desired
from sartoris.fleet.release_spec import ReleaseSpec
from sartoris.orders import Outcome
from tests.unit.fleet.recorded import Recorded

NEW = ReleaseSpec(release="slot0-2", commit="b" * 40, deploy_text="new")
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
    assert site.slot_fleet().fetch(NEW, ["web1", "web2"]).passed
    assert site.sent == [("fetch", "slot0-2", ("web1", "web2"))]


def test_those_left_behind_count_once() -> None:
    site = Recorded(["web1", "web2", "web3"], fails={"switch": ["web1"]})
    fleet = site.slot_fleet(allowed=1)
    assert fleet.switch(NEW, ["web1", "web3"], behind=["web1"]).passed
    assert not fleet.switch(NEW, ["web1", "web3"], behind=["web2"]).passed


def test_the_switch_goes_canary_first_then_batch_by_batch() -> None:
    site = Recorded(["web1", "web2", "web3", "web4"])
    site.slot_fleet(canary=["web3"], batch="2").switch(NEW, tuple(site.names))
    assert [names for _, _, names in site.sent] == [("web3",), ("web1", "web2"), ("web4",)]


def test_the_switch_stops_after_the_wave_in_which_too_many_fail() -> None:
    site = Recorded(["web1", "web2", "web3"], fails={"switch": ["web2"]})
    ran = site.slot_fleet(batch="1").switch(NEW, tuple(site.names))
    assert list(ran.result.outcomes) == ["web1", "web2"]
    assert (ran.failed, ran.untouched, ran.passed) == (("web2",), ("web3",), False)


def test_the_switch_goes_on_while_few_enough_fail() -> None:
    site = Recorded(["web1", "web2", "web3"], fails={"switch": ["web1"]})
    ran = site.slot_fleet(allowed=1, batch="1").switch(NEW, tuple(site.names))
    assert list(ran.result.outcomes) == ["web1", "web2", "web3"]
    decisions = [event for event in site.events if isinstance(event, GateDecided)]
    assert [decision.wave for decision in decisions] == [
        "batch 1 of 3",
        "batch 2 of 3",
        "batch 3 of 3",
    ]
    assert all(decision.passed for decision in decisions)


def test_the_plan_is_said_before_anybody_is_told_anything() -> None:
    site = Recorded(["web1", "web2"])
    site.slot_fleet(canary=["web2"]).switch(NEW, tuple(site.names))
    planned = site.events[0]
    assert isinstance(planned, Planned)
    assert planned.waves == (("canary", ("web2",)), ("batch 1 of 1", ("web1",)))


def test_who_fetched_nothing_is_not_told_to_switch() -> None:
    site = Recorded(["web1", "web2"], fails={"fetch": ["web2"]})
    result = site.slot_fleet().catch_up(NEW, tuple(site.names))
    assert site.sent[-1] == ("switch", "slot0-2", ("web1",))
    assert result.failed == ("web2",)
    everyone = Recorded(["web1"], fails={"fetch": ["web1"]})
    assert everyone.slot_fleet().catch_up(NEW, ["web1"]).failed == ("web1",)
    assert len(everyone.sent) == 1


def test_the_way_back_needs_no_fetch_where_the_release_is_held() -> None:
    site = Recorded(["web1", "web2"])
    site.slot_fleet().roll_back("slot0-2", OLD, tuple(site.names))
    assert site.sent == [("switch", "slot0-1", ("web1", "web2"))]
    order, _ = site.transport.orders[0]
    assert (order.commit, order.deploy_text) == ("a" * 40, "old")


def test_the_way_back_fetches_where_the_release_is_not_held() -> None:
    site = Recorded(["web1", "web2"], fails={"switch": ["web2"]})
    result = site.slot_fleet().roll_back("slot0-2", OLD, tuple(site.names))
    assert [(action, names) for action, _, names in site.sent] == [
        ("switch", ("web1", "web2")),
        ("fetch", ("web2",)),
        ("switch", ("web2",)),
    ]
    assert result.failed == ("web2",)


def test_the_way_back_does_not_stop_whoever_fails() -> None:
    site = Recorded(["web1", "web2"], fails={"switch": ["web1", "web2"], "fetch": ["web1"]})
    ran = site.slot_fleet().roll_back("slot0-2", OLD, tuple(site.names))
    assert (ran.passed, ran.failed) == (True, ("web1", "web2"))
    assert not [event for event in site.events if isinstance(event, GateDecided)]


def test_the_way_back_from_the_first_rollout_is_to_nothing() -> None:
    site = Recorded(["web1"])
    site.slot_fleet().roll_back("slot0-2", None, ["web1"])
    assert site.sent == [("status", "", ("web1",)), ("withdraw", "slot0-2", ("web1",))]


def test_a_target_that_had_something_unknown_before_keeps_what_it_has() -> None:
    had = Outcome(action="status", target="web1", ok=True, live="slot0-2", previous="old-1")
    site = Recorded(["web1", "web2"], answers={("status", "web1"): had})
    ran = site.slot_fleet().roll_back("slot0-2", None, ["web1", "web2"])
    assert ran.result.outcomes["web1"].error == "unknown-before"
    assert site.sent[-1] == ("withdraw", "slot0-2", ("web2",))


def test_what_a_target_has_set_aside_it_can_put_back_whoever_put_it_there() -> None:
    there = "/srv/.sartoris/adopted/wiki-1"
    had = Outcome(
        action="status", target="web1", ok=True, live="slot0-2", previous="old-1", adopted=there
    )
    site = Recorded(["web1"], answers={("status", "web1"): had})
    site.slot_fleet().roll_back("slot0-2", None, ["web1"])
    assert site.sent[-1] == ("withdraw", "slot0-2", ("web1",))


def test_the_way_back_names_the_release_that_is_left() -> None:
    site = Recorded(["web1"])
    site.slot_fleet().roll_back("slot0-2", OLD, ["web1"])
    assert [order.left for order, _ in site.transport.orders] == ["slot0-2"]
    site.slot_fleet().switch(NEW, ["web1"])
    assert site.transport.orders[-1][0].left == ""


def test_what_a_switch_has_set_aside_is_said() -> None:
    answers = {
        ("switch", name): Outcome(action="switch", target=name, ok=True, adopted=adopted)
        for name, adopted in (("web1", "-> releases/1"), ("web2", "/srv/.sartoris/adopted/wiki-1"))
    }
    site = Recorded(["web1", "web2"], answers=answers)
    site.slot_fleet().switch(NEW, ["web1", "web2"])
    (said,) = [event.message for event in site.events if isinstance(event, Warned)]
    assert said.split("\n") == [
        "set aside, what stood at /srv/wiki until now:",
        "  a link to releases/1 (web1)",
        "  /srv/.sartoris/adopted/wiki-1 (web2)",
        "It stays there. Once nothing in it is needed, remove it on the target.",
    ]


def test_a_service_is_acted_on_in_batches_of_its_own_size() -> None:
    site = Recorded(["web1", "web2"])
    site.slot_fleet().service("php-fpm", "reload", ["web1", "web2"], CountOrPercent(1))
    assert [names for _, _, names in site.sent] == [("web1",), ("web2",)]


def test_what_a_target_could_not_remove_is_said_once_after_the_last_wave() -> None:
    left = ("/srv/.sartoris/trash/slot0/t1/cache/x (www-data)",)
    answers = {
        (action, "web2"): Outcome(action=action, target="web2", ok=True, remains=left)
        for action in ("fetch", "switch")
    }
    site = Recorded(["web1", "web2"], answers=answers)
    fleet = site.slot_fleet(batch="1")
    fleet.fetch(NEW, tuple(site.names))
    fleet.switch(NEW, tuple(site.names))
    (said,) = [event.message for event in site.events if isinstance(event, Warned)]
    assert said.splitlines() == [
        f"1 target (web2) cannot remove of old releases: {left[0]}",
        "rm -rf /srv/.sartoris/trash/slot0   # there, as a user who may",
    ]
