"""The fleet sends an order to its targets and waits for every one of them."""

from __future__ import annotations

import pytest

from sartoris.errors import WrongUsage
from sartoris.events import StageFinished, StageStarted, TargetAnswered
from sartoris.fleet.fleet import StageResult
from sartoris.fleet.release_spec import ReleaseSpec
from tests.unit.fleet.recorded import Recorded, outcome


def test_every_target_gets_the_order_with_what_the_slot_has_in_common() -> None:
    site = Recorded(["web1", "web2"])
    spec = ReleaseSpec(release="slot0-1", commit="a" * 40, deploy_text="text", size=7)
    site.fleet.fetch(spec, ["web1", "web2"])
    order, names = site.transport.orders[0]
    assert names == ("web1", "web2")
    assert (order.action, order.path, order.repository) == ("fetch", "/srv/wiki", "wiki")
    assert (order.release, order.commit, order.deploy_text, order.size) == (
        *("slot0-1", "a" * 40, "text"),
        7,
    )


def test_a_result_has_every_outcome_in_the_order_of_the_targets() -> None:
    site = Recorded(["web1", "web2", "web3"], fails={"switch": ["web2"]})
    result = site.fleet.switch(
        ReleaseSpec(release="slot0-1", commit="a" * 40), ["web3", "web2", "web1"]
    )
    assert list(result.outcomes) == ["web3", "web2", "web1"]
    assert result.succeeded == ("web3", "web1")
    assert result.failed == ("web2",)


def test_a_stage_is_announced_before_and_after_and_each_answer_in_between() -> None:
    site = Recorded(["web1", "web2"], fails={"status": ["web2"]})
    site.fleet.status(["web1", "web2"])
    kinds = [type(event) for event in site.events]
    assert kinds == [StageStarted, TargetAnswered, TargetAnswered, StageFinished]
    finished = site.events[-1]
    assert isinstance(finished, StageFinished)
    assert (finished.succeeded, finished.failed) == (1, ("web2",))


def test_nobody_is_asked_when_there_is_nobody_to_ask() -> None:
    site = Recorded(["web1"])
    assert site.fleet.verify([]).outcomes == {}
    assert site.sent == []


def test_no_names_choose_everyone_and_names_are_put_in_the_fleet_s_order() -> None:
    fleet = Recorded(["web1", "web2", "web3"]).fleet
    assert fleet.chosen([]) == ("web1", "web2", "web3")
    assert fleet.chosen(["web3", "web1", "web3"]) == ("web1", "web3")


def test_a_name_that_is_no_target_is_refused_with_the_names_that_are() -> None:
    with pytest.raises(WrongUsage, match=r"not a target of this repository: web9 .*web1, web2"):
        Recorded(["web1", "web2"]).fleet.chosen(["web2", "web9"])


def test_the_later_of_two_outcomes_counts() -> None:
    first = StageResult("fetch", {"web1": outcome("web1"), "web2": outcome("web2", "no-space")})
    later = StageResult("switch", {"web2": outcome("web2"), "web3": outcome("web3", "timeout")})
    both = first.and_then(later)
    assert both.failed == ("web3",)
    assert both.succeeded == ("web1", "web2")


def test_withdraw_names_the_release_that_is_to_go() -> None:
    site = Recorded(["web1"])
    site.fleet.withdraw("slot0-1", ["web1"])
    assert site.sent == [("withdraw", "slot0-1", ("web1",))]
