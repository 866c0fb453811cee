"""Targets that a program names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sartoris.config import Config
from sartoris.config.targets import Host
from sartoris.config.zones import Zone
from sartoris.git import limited
from sartoris.git.repository import Repository
from sartoris.rollout import listed_targets
from sartoris.rollout.listed_targets import BadList, with_listed_targets
from sartoris.rollout.lock import Holder
from sartoris.rollout.options import Options
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site
from tests.system.site import Site as Typed


class Here:
    """A repository whose targets a program names, which prints the file `said`."""

    def __init__(self, root: Path) -> None:
        self.typed = Typed.build(root, targets=0)
        self.program = root / "our-servers"
        self.said = root / "said"
        self.program.write_text(f"#!/bin/sh\necho asked >> {root}/asked\ncat {self.said}\n")
        self.program.chmod(0o755)
        self.asked = root / "asked"
        self.typed.config("deploy.transport", "ssh")
        self.typed.config("deploy.targets-command", str(self.program))

    def say(self, *targets: Any) -> None:
        self.said.write_text("".join(f"{json.dumps(one)}\n" for one in targets))

    def site(self) -> Site:
        return Site.of(Repository.meant(self.typed.repo), Options())

    def config(self) -> Config:
        return with_listed_targets(self.site())

    def lock(self, session: str) -> None:
        records = Records(self.site())
        records.lock.path.unlink(missing_ok=True)
        holder = Holder(session, "alice", "Alice", "deploy1", 1, 1.0, "start")
        records.lock.path.parent.mkdir(parents=True, exist_ok=True)
        records.lock.path.write_text(json.dumps(holder.to_json()))

    def times(self) -> int:
        return len(self.asked.read_text().splitlines())


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def test_its_targets_are_the_fleet_with_their_addresses_and_zones(here: Here) -> None:
    here.say(
        {"name": "web1", "address": "deploy@10.0.0.1:2222", "zone": "rack1", "group": "web"},
        {"name": "web2", "zone": "rack1", "ready": True, "colour": "blue"},
        {"address": "db1.example.com"},
        {"name": "web9", "ready": False},
    )
    assert here.site().has_fleet
    config = here.config()
    assert config.target == (
        Host("web1", "deploy@10.0.0.1", 2222),
        Host("web2", "web2"),
        Host("db1.example.com", "db1.example.com"),
    )
    assert config.zone == (Zone("rack1", ("web1", "web2")),)


def test_it_is_asked_once_a_rollout_and_the_next_one_asks_anew(here: Here) -> None:
    here.say({"name": "web1"})
    here.lock("first")
    assert [one.name for one in here.config().target] == ["web1"]
    here.say({"name": "web1"}, {"name": "web2"})
    assert [one.name for one in here.config().target] == ["web1"]
    assert here.times() == 1
    here.lock("second")
    assert [one.name for one in here.config().target] == ["web1", "web2"]


def test_without_a_rollout_it_is_asked_each_time(here: Here) -> None:
    here.say({"name": "web1"})
    here.config()
    here.config()
    assert here.times() == 2


@pytest.mark.parametrize(
    "damaged",
    ["{", '{"session": "first", "targets": 5}', '{"session": "first", "targets": [1]}', "[]"],
)
def test_what_was_kept_and_is_damaged_is_asked_for_anew(here: Here, damaged: str) -> None:
    here.say({"name": "web1"})
    here.lock("first")
    here.config()
    (here.site().directory / "listed.json").write_text(damaged)
    assert [one.name for one in here.config().target] == ["web1"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "it names no target that is ready"),
        ('{"name": "web1", "ready": false}', "it names no target that is ready"),
        ("web1\n", 'line 1 is no JSON object: "web1"'),
        ("[1]\n", "line 1 is no JSON object"),
        ('{"name": "web1"}\n{"name": "web1"}', "it names web1 twice"),
        ('{"zone": "rack1"}', "a target has no name"),
        ('{"name": "-oProxyCommand=x"}', "is not a safe name"),
        ('{"name": "web1", "address": "-oProxyCommand=x"}', "is no target"),
        ('{"name": 7}', "a target has no name"),
    ],
)
def test_what_it_should_not_say_is_refused_with_the_reason(here: Here, said: str, why: str) -> None:
    here.said.write_text(said)
    with pytest.raises(BadList) as refused:
        here.config()
    assert why in refused.value.message
    assert refused.value.next_steps[0].startswith(str(here.program))


def test_one_that_fails_is_told_with_its_last_words(here: Here) -> None:
    here.program.write_text("#!/bin/sh\necho no credentials >&2\nexit 3\n")
    with pytest.raises(BadList, match="exit code 3: no credentials"):
        here.config()
    here.program.unlink()
    with pytest.raises(BadList, match="could not be started"):
        here.config()


def test_one_that_hangs_is_ended_with_what_it_has_started(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listed_targets, "LONGEST", 0.5)
    monkeypatch.setattr(limited, "GRACE", 0.1)
    here.program.write_text("#!/bin/sh\nsleep 600\n")
    with pytest.raises(BadList, match=r"longer than 0\.5 s"):
        here.config()


def test_a_target_that_both_name_is_refused(here: Here) -> None:
    here.typed.config("deploy.target", "web1")
    here.say({"name": "web1"})
    with pytest.raises(BadList, match=r"it names web1, as deploy\.target does"):
        here.config()
