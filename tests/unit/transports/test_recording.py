"""The transport that carries nothing anywhere."""

from __future__ import annotations

from sartoris.orders import Order, Outcome
from sartoris.transports.recording import RecordingTransport

FETCH = Order(action="fetch", repository="wiki", slot="slot0", path="/srv/wiki")


def test_it_remembers_what_would_have_been_sent_to_whom() -> None:
    transport = RecordingTransport(["web1", "web2"])
    list(transport.run(FETCH, ["web2"]))
    assert transport.orders == [(FETCH, ("web2",))]
    assert transport.fleet() == ("web1", "web2")


def test_it_invents_no_answer() -> None:
    (outcome,) = RecordingTransport(["web1"]).run(FETCH, ["web1"])
    assert (outcome.live, outcome.held, outcome.previous) == ("", (), "")
    assert outcome.complete is None
    assert "not known" in outcome.message


def test_a_test_may_answer_in_its_place() -> None:
    def refuse(order: Order, target: str) -> Outcome:
        return Outcome(action=order.action, target=target, ok=False, error="busy")

    transport = RecordingTransport(["web1", "web2"], refuse)
    assert [one.error for one in transport.run(FETCH, ["web1", "web2"])] == ["busy", "busy"]
