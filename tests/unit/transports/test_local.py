"""Directories on this machine as targets."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sartoris.agent import outcome
from sartoris.agent.child import Source
from sartoris.agent.packs import Bring
from sartoris.diagnostics import Finding, Remedy
from sartoris.orders import Order
from sartoris.transports.local import Agent, LocalTransport, this_agent

STATUS = Order(action="status", repository="wiki", slot="slot0", path="/srv/wiki")


def transport(
    tmp_path: Path, names: list[str], forks: int = 50, agent: Agent = this_agent
) -> LocalTransport:
    for name in names:
        (tmp_path / name).mkdir()
    return LocalTransport({name: tmp_path / name for name in names}, forks=forks, agent=agent)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_every_target_answers_once(tmp_path: Path, count: int) -> None:
    names = [f"web{number}" for number in range(count)]
    outcomes = list(transport(tmp_path, names, forks=3).run(STATUS, names))
    assert sorted(outcome.target for outcome in outcomes) == names
    assert all(outcome.ok for outcome in outcomes)


def test_the_fleet_is_in_the_order_of_the_configuration(tmp_path: Path) -> None:
    assert transport(tmp_path, ["web2", "web10", "web1"]).fleet() == ("web2", "web10", "web1")


@pytest.mark.parametrize("names", [["web1"], ["web1", "web2"]])
def test_a_target_whose_directory_is_gone_is_unreachable(tmp_path: Path, names: list[str]) -> None:
    local = transport(tmp_path, names)
    (tmp_path / "web1").rmdir()
    by_name = {outcome.target: outcome for outcome in local.run(STATUS, names)}
    assert (by_name["web1"].ok, by_name["web1"].error) == (False, "unreachable")
    assert by_name["web1"].action == "status"
    assert not (tmp_path / "web1").exists()
    assert all(by_name[name].ok for name in names[1:])


def test_a_file_in_the_place_of_the_directory_is_unreachable(tmp_path: Path) -> None:
    local = transport(tmp_path, ["web1"])
    (tmp_path / "web1").rmdir()
    (tmp_path / "web1").write_text("")
    (outcome,) = local.run(STATUS, ["web1"])
    assert outcome.error == "unreachable"


def test_nobody_is_asked_when_there_is_nobody_to_ask(tmp_path: Path) -> None:
    assert list(transport(tmp_path, ["web1"]).run(STATUS, [])) == []


def test_one_target_s_bug_is_its_outcome_and_nobody_else_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = transport(tmp_path, ["web1", "web2"])
    attempt = outcome._attempt

    def breaks(raw: object, root: str, source: Source, bring: Bring | None) -> dict[str, object]:
        if root.endswith("web1"):
            raise RuntimeError("a bug")
        return attempt(raw, root, source, bring)

    monkeypatch.setattr(outcome, "_attempt", breaks)
    by_name = {outcome.target: outcome for outcome in local.run(STATUS, ["web1", "web2"])}
    assert (by_name["web1"].error, by_name["web1"].message) == ("crashed", "RuntimeError: a bug")
    assert by_name["web2"].ok


def test_closing_early_sends_no_more_orders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"web{number}" for number in range(8)]
    asked: list[str] = []
    closing = threading.Event()

    def perform(order: Mapping[str, object], root: str) -> dict[str, object]:
        asked.append(root)
        if len(asked) > 1:
            closing.wait(30)  # the second is in progress until the iterator is being closed
        return {"action": order["action"], "ok": True}

    answers = transport(tmp_path, names, forks=1, agent=perform).run(STATUS, names)
    next(answers)
    real = ThreadPoolExecutor.shutdown

    def shutdown(self: ThreadPoolExecutor, wait: bool = True, **more: bool) -> None:
        real(self, wait=False, **more)
        closing.set()
        real(self, wait=wait)

    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", shutdown)
    assert isinstance(answers, Generator)
    answers.close()
    assert len(asked) <= 2


def test_a_root_that_cannot_be_looked_at_is_that_target_s_own_trouble(tmp_path: Path) -> None:
    (tmp_path / "web1").mkdir()
    (tmp_path / "file").touch()
    roots = {
        "file": tmp_path / "file",
        "below": tmp_path / "file/web",
        "loop": tmp_path / "loop",
        "long": tmp_path / ("x" * 300),
        "web1": tmp_path / "web1",
    }
    roots["loop"].symlink_to("loop")
    local = LocalTransport(roots, forks=2)

    by_name = {outcome.target: outcome for outcome in local.run(STATUS, list(roots))}

    errors = {name: outcome.error for name, outcome in by_name.items()}
    assert errors == {**dict.fromkeys(roots, "unreachable"), "web1": ""}
    assert by_name["file"].message == "the root directory of the target is not a directory"
    assert "Not a directory" in by_name["below"].message


def test_what_stands_in_the_place_of_a_new_target_is_not_said_to_be_made(tmp_path: Path) -> None:
    (tmp_path / "web1").write_text("a file\n")
    local = LocalTransport({"web1": tmp_path / "web1"}, forks=1, new={"web1"})
    looked: list[str] = []

    def answers(targets: Sequence[str], _: Remedy) -> Iterator[Finding]:
        looked.extend(targets)
        return iter(())

    (check,) = local.checks(answers)
    assert list(check.look()) == []
    assert looked == ["web1"]
