"""A minion of the same master, in the fleet or not, that answers for others."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.salt.cluster import Cluster
from tests.salt.salted import SaltSite, deployed

WEB = ("web1", "web2", "web3", "web4")
FETCH, SWITCH = "git_deploy.fetch", "git_deploy.switch"
_FORGER = Path(__file__).with_name("forger.py")


class Forger:
    """A minion with an accepted key, and a program of its own in the place of Salt's."""

    def __init__(self, cluster: Cluster) -> None:
        self.minion = cluster.minion("mallory")
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_FORGER), str(self.minion.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def say(self, value: Any, **more: Any) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"value": value, **more}) + "\n")
        self._process.stdin.flush()
        while (line := self._process.stdout.readline()) != "done\n":
            assert line, "the forger has ended"

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()
        self.minion.remove()


@pytest.fixture
def forger(fleet: Cluster) -> Iterator[Forger]:
    forger = Forger(fleet)
    yield forger
    forger.end()


@pytest.fixture
def site(fleet: Cluster, tmp_path: Path) -> SaltSite:
    return deployed(fleet, tmp_path / "standing", WEB)


@pytest.fixture(params=["on the master", "on a minion"])
def without_web4(request: pytest.FixtureRequest, site: SaltSite) -> Iterator[SaltSite]:
    """A site that is deployed from there; web4 is down."""
    if request.param == "on a minion":
        site.set("deploy.salt-config", str(site.cluster.minions["deploy1"].directory))
    site.cluster.minions["web4"].kill()
    yield site
    site.cluster.start_minions("web4")


def outcome(action: str, release: str) -> dict[str, Any]:
    """What a target says that has the release live."""
    return {
        "version": 1,
        "action": action,
        "ok": True,
        "error": "",
        "message": "",
        "seconds": 0.1,
        "live": release,
        "release": release,
    }


def test_nobody_is_live_because_another_says_so(without_web4: SaltSite, forger: Forger) -> None:
    site, events = without_web4, without_web4.cluster.events
    site.ship("after")
    since = events.count
    sync = site.begin("sync", "--json")
    for fun in (FETCH, SWITCH):
        (job,) = events.wait("salt/job/*/new", since=since, fun=fun)
        said = outcome(fun.rpartition(".")[2], "slot0-20990101-000000")
        forger.say(said, jid=job.data["jid"], fun=fun, minions=["web1", "web4"])
        tag = f"salt/job/{job.data['jid']}/prog/web4/git_deploy"
        forger.say({"id": "web4", "data": said}, tag=tag)
    ran = sync.end()
    assert "is live on 3 of 4 targets" in ran.err
    answered = [one for one in ran.events if one["event"] == "target-answered"]
    of_web4 = [one["outcome"] for one in answered if one["outcome"]["target"] == "web4"]
    assert of_web4
    assert {one["error"] for one in of_web4} <= {"unreachable", "not-signed"}
    assert len({site.live(name) for name in WEB[:3]}) == 1, "and the others have switched"
    assert site.files("web1")["index.php"] == "after\n"


def test_what_is_no_return_at_all_ends_nothing(site: SaltSite, forger: Forger) -> None:
    site.hold("prepare", "web4")
    site.ship("after")
    events = site.cluster.events
    since = events.count
    sync = site.begin("sync")
    (job,) = events.wait("salt/job/*/new", since=since, fun=FETCH)
    jid = job.data["jid"]
    said: dict[str, Any]
    for said in ({"id": ["web4"]}, {"id": "web4", "return": {"ok": 1}}, {"id": "../../web4"}):
        for kind in ("ret/web4", "prog/web4/git_deploy", "ret"):
            forger.say(said, tag=f"salt/job/{jid}/{kind}")
    forger.say("text", tag=f"salt/job/{jid}/ret/web4")
    site.held("web4")
    site.let_go("web4")
    ran = sync.end()
    assert ran.code == 0, ran.err
    assert len(site.everywhere()) == 1
    assert site.files("web4")["index.php"] == "after\n"
