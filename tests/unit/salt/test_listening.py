"""Where what the master publishes cannot be heard, nobody stands by. Heard: tests/salt."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from sartoris.salt.module import functions
from sartoris.salt.module.listening import switch_in
from tests.agent.conftest import Target


@pytest.fixture
def opts(target: Target, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What Salt puts into the module."""
    opts = {"id": "web1", "git_deploy.root": str(target.root)}
    monkeypatch.setattr(functions, "__opts__", opts, raising=False)
    return opts


def fetch_and_stand_by(target: Target, commit: str) -> dict[str, Any]:
    order = {**target.order("fetch", "t1", commit), "__pub_jid": "2026"}
    return functions.fetch(stand_by=60, **order)


@pytest.mark.parametrize("other", [{"transport": "tcp"}, {"zmq_filtering": True}])
def test_not_everybody_hears_everything_in_every_salt(
    target: Target, opts: dict[str, Any], other: dict[str, Any]
) -> None:
    opts.update(other)
    commit = target.publisher.release("t1", {"a": "1"})
    outcome = fetch_and_stand_by(target, commit)
    assert (outcome["action"], outcome["ok"], outcome["held"]) == ("fetch", True, ["t1"])


@pytest.mark.usefixtures("opts")
@pytest.mark.parametrize("version", [3006, 3007, 3009])
def test_another_salt_than_the_one_that_is_known_is_not_tried(
    target: Target, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    def never_comes_back(*_: object, **__: object) -> None:
        pytest.fail("it was tried")

    modules: dict[str, dict[str, object]] = {
        "salt": {},
        "salt.version": {"__version_info__": (version, 1)},
        "salt.crypt": {"AsyncAuth": never_comes_back},
        "salt.channel": {},
        "salt.channel.client": {"AsyncPubChannel": never_comes_back},
    }
    for name, content in modules.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
        package, _, own = name.rpartition(".")
        if package:
            monkeypatch.setattr(sys.modules[package], own, module, raising=False)
    commit = target.publisher.release("t1", {"a": "1"})
    outcome = fetch_and_stand_by(target, commit)
    assert (outcome["action"], outcome["ok"]) == ("fetch", True)


@pytest.mark.usefixtures("opts")
def test_without_a_job_nobody_can_be_named(target: Target) -> None:
    commit = target.publisher.release("t1", {"a": "1"})
    outcome = functions.fetch(stand_by=60, **target.order("fetch", "t1", commit))
    assert (outcome["action"], outcome["ok"]) == ("fetch", True)


PUBLISHED = {
    "fun": "git_deploy.switch",
    "jid": "2026",
    "tgt": ["web1", "web2"],
    "tgt_type": "list",
    "arg": [{"__kwarg__": True, "release": "t1"}],
}


def test_a_switch_to_this_minion_in_this_job_is_heard() -> None:
    order = switch_in(PUBLISHED, "2026", "web1")
    assert order is not None
    assert order["release"] == "t1"


@pytest.mark.parametrize(
    "other",
    [
        {"fun": "git_deploy.fetch"},
        {"fun": "cmd.run"},
        {"fun": ["git_deploy.switch", "cmd.run"]},
        {"jid": "2027"},
        {"tgt": ["web2"]},  # whoever may not send it to web1 must not move web1
        {"tgt": "web1", "tgt_type": "glob"},
        {"tgt": "web12", "tgt_type": "list"},
        {"arg": []},
        {"arg": ["release=t1"]},
    ],
    ids=str,
)
def test_what_is_not_for_this_job_of_this_minion_is_not_heard(other: dict[str, Any]) -> None:
    assert switch_in({**PUBLISHED, **other}, "2026", "web1") is None
