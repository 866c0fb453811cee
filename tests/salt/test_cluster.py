"""The Salt that tests use does what theirs rely on."""

from __future__ import annotations

import os
import time

import pytest

from tests.salt.cluster import Cluster, Key

needs_root = pytest.mark.skipif(
    os.getuid() != 0 and os.environ.get("CI") != "true", reason="only root becomes another user"
)

MODULE = """\
def root():
    return __opts__["git_deploy.root"]
"""

RUNNER = """\
def who(*arguments, **keywords):
    keywords = {name: value for name, value in keywords.items() if not name.startswith("__")}
    return {"id": __opts__["id"], "arguments": list(arguments), "keywords": keywords}
"""


@pytest.fixture(scope="module", autouse=True)
def extensions(fleet: Cluster) -> None:
    (fleet.files / "_modules").mkdir(exist_ok=True)
    (fleet.files / "_modules" / "whereabouts.py").write_text(MODULE)
    (fleet.runners / "caller.py").write_text(RUNNER)


def test_every_minion_answers(fleet: Cluster) -> None:
    answer = fleet.salt("-C", "G@deployment_target:mediawiki", "test.ping")
    assert answer.document == {"web1": True, "web2": True, "web3": True, "web4": True}


def test_a_killed_minion_does_not_answer_and_a_started_one_does(fleet: Cluster) -> None:
    web4 = fleet.minions["web4"]
    web4.kill()
    answer = fleet.salt("--timeout=1", "web[34]", "test.ping")
    assert answer.document["web3"] is True
    assert answer.document.get("web4") is not True
    web4.start()
    assert fleet.salt("web4", "test.ping").document == {"web4": True}


def test_a_killed_minion_takes_what_it_started_with_it(fleet: Cluster) -> None:
    web3 = fleet.minions["web3"]
    mark = web3.root / "alive"
    script = "while :; do : >> alive; sleep 0.01; done"
    fleet.salt("--async", "web3", "cmd.run", f"setsid sh -c '{script}'", f"cwd={web3.root}")
    until = time.monotonic() + 20
    while not mark.exists():
        assert time.monotonic() < until
    web3.kill()
    mark.unlink()
    web3.start()
    assert not mark.exists()


def test_a_module_arrives_from_the_file_roots(fleet: Cluster) -> None:
    web1 = fleet.minions["web1"]
    synced = fleet.salt("web1", "saltutil.sync_modules").document
    assert "modules.whereabouts" in synced["web1"]
    assert fleet.salt("web1", "whereabouts.root").document == {"web1": str(web1.root)}


def test_a_runner_in_the_runner_directory_runs(fleet: Cluster) -> None:
    answer = fleet.run("caller.who", "1", "name=it")
    assert answer.document["arguments"] == [1]
    assert answer.document["keywords"] == {"name": "it"}
    assert answer.document["id"] not in fleet.minions


def test_an_event_is_seen_by_its_tag(fleet: Cluster) -> None:
    since = fleet.events.count
    fleet.salt("web2", "test.echo", "here")
    [answered] = fleet.events.wait("salt/job/*/ret/web2", since=since, fun="test.echo")
    assert answered.data["return"] == "here"


@needs_root
def test_an_ordinary_user_in_the_list_gives_the_orders_of_the_list(fleet: Cluster) -> None:
    since = fleet.events.count
    refused = fleet.salt("web1", "cmd.run", "true", user="nobody")
    assert "web1" not in refused.out
    assert fleet.salt("web1", "test.ping", user="nobody").document == {"web1": True}
    fleet.events.wait("salt/job/*/ret/web1", since=since, fun="test.ping", user="nobody")
    assert not fleet.events.matching("salt/job/*/new", since, fun="cmd.run")


@needs_root
def test_a_user_who_is_not_in_the_list_is_refused(fleet: Cluster) -> None:
    since = fleet.events.count
    refused = fleet.salt("web1", "test.ping", user="daemon")
    assert "web1" not in refused.out
    fleet.salt("web1", "test.echo", "after")
    fleet.events.wait("salt/job/*/ret/web1", since=since, fun="test.echo")
    assert not fleet.events.matching("salt/job/*/new", since, user="daemon")


def test_a_minion_in_the_policy_runs_a_runner_that_knows_who_called(fleet: Cluster) -> None:
    arguments = ["publish.runner", "caller.who", '["a b", "x=1"]']
    answer = fleet.call(fleet.minions["web1"], *arguments)
    assert answer.document["local"]["id"] == "web1"
    assert answer.document["local"]["arguments"] == ["a b"]
    assert answer.document["local"]["keywords"] == {"x": 1}


def test_a_minion_outside_the_policy_is_refused(fleet: Cluster) -> None:
    answer = fleet.call(fleet.minions["web2"], "publish.runner", "caller.who")
    assert answer.document == {"local": {}}


@pytest.mark.parametrize("key", ["unknown", "rejected"])
def test_a_minion_whose_key_is_not_accepted_is_not_asked(fleet: Cluster, key: Key) -> None:
    since = fleet.events.count
    stranger = fleet.minion(key, key=key)
    stranger.start(wait=False)
    try:
        fleet.events.wait("salt/auth", since=since, id=key)
        answer = fleet.salt("-L", f"web1,{key}", "--timeout=1", "test.ping")
        assert answer.document.get("web1") is True
        assert answer.document.get(key) is not True
    finally:
        stranger.remove()


def test_the_minions_answer_a_master_that_was_restarted(fleet: Cluster) -> None:
    fleet.restart_master()
    fleet.ping()
    assert len(fleet.salt("web*", "test.ping").document) == 4
