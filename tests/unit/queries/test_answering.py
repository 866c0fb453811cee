"""What doctor makes of the targets' answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sartoris.diagnostics import by_word
from sartoris.orders import NEWEST_LEVEL, Order, Outcome
from sartoris.queries.doctor.answering import answers
from sartoris.transports.base import Transport

ORDER = Order(action="status", repository="site", slot="slot0", path="/srv/app/php")


class Answering(Transport):
    """A transport whose targets have something left of old releases, or not."""

    def __init__(self, remains: dict[str, tuple[str, ...]]) -> None:
        self._remains = remains

    def fleet(self) -> tuple[str, ...]:
        return tuple(self._remains)

    def run(self, order: Order, targets: Sequence[str]) -> Iterator[Outcome]:
        for name in targets:
            remains = self._remains[name]
            yield Outcome(action=order.action, target=name, ok=True, remains=remains, git="2.39.5")

    def close(self) -> None:
        pass


def test_files_that_clean_up_cannot_remove_are_named_with_what_removes_them() -> None:
    left = ("/srv/app/.sartoris/trash/slot0/t1/cache/x (www-data)",)
    transport = Answering({"web1": (), "web2": left})

    _, found, _ = answers(transport, ORDER, transport.fleet(), by_word({}))

    assert found.state == "warning"
    assert found.text == f"1 target (web2) cannot remove of old releases: {left[0]}"
    assert found.next_steps == (
        "rm -rf /srv/app/.sartoris/trash/slot0   # there, as a user who may",
    )


def test_nothing_is_said_where_nothing_is_left() -> None:
    transport = Answering({"web1": (), "web2": ()})

    assert len(list(answers(transport, ORDER, transport.fleet(), by_word({})))) == 2


class Aging(Answering):
    """A transport whose targets have agents of a level each."""

    def __init__(self, levels: dict[str, int]) -> None:
        super().__init__(dict.fromkeys(levels, ()))
        self._levels = levels

    def run(self, order: Order, targets: Sequence[str]) -> Iterator[Outcome]:
        for outcome in super().run(order, targets):
            is_old = self._levels[outcome.target] < order.needed_level
            error = "agent-too-old" if is_old else ""
            yield replace(outcome, ok=not is_old, error=error)


def test_an_old_agent_is_wrong_only_where_what_is_configured_needs_a_newer_one() -> None:
    transport = Aging({"web1": NEWEST_LEVEL, "web2": 2, "web3": 1})
    update = ORDER._replace(submodules="update")

    said = [
        {one.state: one.text for one in answers(transport, order, transport.fleet(), by_word({}))}
        for order in (ORDER, update)
    ]

    assert set(said[0]) == {"ok", "warning"}
    assert "(web2, web3)" in said[0]["warning"]
    assert "(web3)" in said[1]["wrong"]
    assert "(web2)" in said[1]["warning"]
