"""What the doctor says of minions that a job can make do more than its function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sartoris.diagnostics import Finding, Remedy
from sartoris.transports.salt_checks import _returners, checks


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


class Bare:
    """A Salt whose minions have no module yet. `refused` is what the user may not run."""

    def __init__(self, *refused: str) -> None:
        self._refused = refused

    def ask(self, what: str) -> Any:
        facts = {"salt": "3008.4", "python": "/opt/x", "mode": "master", "who": "alice"}
        return {**facts, "desired": "/var/lib/x"} if what == "facts" else self._refused

    def matching(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return ("web1",), ()

    def beside(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        yield from ({"target": name, "ok": False} for name in names)


def told(salt: Bare) -> tuple[dict[str, Finding], dict[str, Sequence[str]]]:
    """What is found, by name, and what is advised for each error of a minion."""
    advice: dict[str, Sequence[str]] = {}

    def answers(_: Sequence[str], remedy: Remedy) -> Iterator[Finding]:
        advice["agent-missing"] = remedy("agent-missing", ["web1"])
        yield from ()

    (check,) = checks(salt, answers, Path("/etc/salt"), "G@role:web")
    return {one.name: one for one in check.look()}, advice


def test_a_minion_gets_its_list_before_the_module_that_takes_orders() -> None:
    _, advice = told(Bare())
    first, then = advice["agent-missing"]
    assert first.startswith("salt -C G@role:web state.apply sartoris.target")
    assert then == "salt -C G@role:web saltutil.sync_modules", "not to minions of no fleet"


def test_who_has_no_rights_yet_is_told_to_get_them_and_nothing_of_what_follows_from_that() -> None:
    found, _ = told(Bare("git_deploy.fetch"))
    assert found["rights"].state == "wrong"
    assert {found[name].state for name in ("converging", "fleet")} == {"unknown"}
