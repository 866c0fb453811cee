"""What the doctor says of minions that a job can make do more than its function."""

from __future__ import annotations

from sartoris.transports.salt_checks import _returners


def test_minions_with_returners_are_named_with_the_way_to_switch_them_off() -> None:
    open_one = {"target": "web2", "ok": True, "returners": ["rawfile_json"], "executors": []}
    closed = {"target": "web1", "ok": True, "returners": [], "executors": []}
    found = _returners([closed, open_one])
    assert found.state == "warning"
    assert "1 minion" in found.text
    assert "rawfile_json" in found.text
    assert "(web2)" in found.text
    assert "sartoris.target" in found.next_steps[0]
    assert _returners([closed]).state == "ok"


def test_of_minions_that_do_not_tell_nothing_is_said() -> None:
    older = {"target": "web1", "ok": False, "error": "agent-missing"}
    assert _returners([older]).state == "unknown"
