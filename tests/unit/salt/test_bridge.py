"""What the bridge does for whoever may run it, which is root's work by a rule for sudo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from sartoris.salt import bridge
from sartoris.salt.runner.answers import Return
from sartoris.salt.runner.dispatch import FIND_JOB, Job
from sartoris.salt.runner.master import NotPermitted


class Master:
    """Notes what is published, and answers for every minion."""

    tells_progress = False
    gather_job_timeout = 1.0

    def __init__(self) -> None:
        self.published: list[tuple[str, list[Any], list[str]]] = []

    def publish(
        self, function: str, arguments: Sequence[Any], minions: Sequence[str], jid: str = ""
    ) -> Job:
        self.published.append((function, list(arguments), list(minions)))
        return Job(jid or "1", frozenset(minions))

    def returns(self, jids: Sequence[str], seconds: float) -> list[Return]:
        del jids, seconds
        value = {"ok": True, "action": "status"}
        return [Return("1", name, value, vouched=True) for name in self.published[-1][2]]

    def unsigned(self, jid: str, minion: str) -> Return | None:
        raise AssertionError((jid, minion))

    def minions(self, expression: str) -> list[str]:
        return [expression]

    def desire(self, record: Any) -> None:
        raise AssertionError(record)

    def facts(self) -> dict[str, Any]:
        return {}

    def refused(self) -> list[str]:
        return []


@pytest.mark.parametrize(
    "action", ["cmd.run", "status,cmd.run", "status\n", "../cmd.run", "", "converge", FIND_JOB]
)
def test_an_order_is_one_of_the_agent_s_actions_and_nothing_else(action: str) -> None:
    master = Master()
    request = {"ask": "order", "order": {"action": action}, "minions": ["web1"]}
    with pytest.raises(NotPermitted):
        list(bridge.answers(master, None, request))
    assert not master.published


def test_an_order_goes_to_minions_by_name_with_its_own_fields() -> None:
    master = Master()
    order = {"action": "status", "slot": "slot0"}
    told = list(bridge.answers(master, None, {"ask": "order", "order": order, "minions": ["*"]}))
    assert told[-1] == {"done": True}
    (published,) = master.published
    assert published == ("git_deploy.status", [{"__kwarg__": True, **order}], ["*"])


def test_what_a_job_may_name_beside_its_function_is_asked_of_each() -> None:
    master = Master()
    list(bridge.answers(master, None, {"ask": "beside", "minions": ["web1", "web2"]}))
    assert [one[0] for one in master.published] == ["git_deploy.beside"]
