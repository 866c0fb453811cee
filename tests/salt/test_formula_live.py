"""A master and a fleet that were set up by the formula, and nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sartoris.salt.formula import export
from tests.programs import need
from tests.salt.cluster import Cluster
from tests.salt.conftest import forget_records, need_salt
from tests.salt.salted import SaltSite
from tests.salt.scratch import Applied, applied

pytestmark = pytest.mark.skipif(
    os.getuid() != 0 and os.environ.get("CI") != "true", reason="only root becomes another user"
)

WEB = ("web1", "web2")


def pillar(cluster: Cluster) -> dict[str, Any]:
    """Everything of the master lies in the cluster's directory."""
    here = cluster.directory
    places = {
        "config_dir": cluster.master_directory,
        "sock_dir": cluster.master_directory / "s",
        "tmpfiles": here / "tmpfiles.conf",
        "desired": here / "desired",
        "runners": here / "own-runners",
    }
    master = {name: str(path) for name, path in places.items()}
    return {
        "packages": [],
        "services": False,
        "group": "nogroup",
        "deployers": ["nobody"],
        "master": {
            **master,
            "user": "root",
            "packages": [],
            "servers": ["deploy1"],
            "publisher_acl": True,
        },
    }


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    need_salt()
    need("setfacl")
    with Cluster() as cluster:
        export(cluster.files)
        (cluster.pillar / "top.sls").write_text("base: {'*': [sartoris]}")
        (cluster.pillar / "sartoris.sls").write_text(json.dumps({"sartoris": pillar(cluster)}))
        cluster.minion("deploy1", config={"git_deploy.root": "/"})
        for name in WEB:
            cluster.minion(name)
        cluster.start()
        cluster.start_minions(*WEB)
        did = apply(cluster, "deploy1", "sartoris.master")
        assert did.failed == []
        cluster.restart_master()
        cluster.ping(*WEB)
        assert cluster.salt("--timeout=120", "web*", "saltutil.sync_all", limit=180).code == 0
        yield cluster


def apply(cluster: Cluster, name: str, state: str, test: bool = False) -> Applied:
    answer = cluster.call(cluster.minions[name], "state.apply", state, f"test={test}")
    return applied(answer.document, answer.code)


@pytest.fixture
def site(cluster: Cluster, tmp_path: Path) -> SaltSite:
    forget_records(cluster)
    site = SaltSite.on(cluster, tmp_path / "formula-site", WEB, "web*")
    site.config("deploy.max-failed", "1")
    return site


def test_a_second_application_changes_nothing(cluster: Cluster) -> None:
    again = apply(cluster, "deploy1", "sartoris.master")
    assert (again.failed, again.changed) == ([], [])


def test_a_deployer_sends_orders_and_sees_the_answers(cluster: Cluster) -> None:
    answer = cluster.salt("web*", "git_deploy.status", user="nobody")
    assert answer.document == {"web1": {}, "web2": {}}


def test_a_deployer_sends_nothing_else(cluster: Cluster) -> None:
    assert "web1" not in cluster.salt("web1", "cmd.run", "true", user="nobody").out
    assert "web1" not in cluster.salt("web1", "git_deployment.x", user="nobody").out


def test_a_user_who_is_no_deployer_sends_nothing(cluster: Cluster) -> None:
    assert "web1" not in cluster.salt("web1", "git_deploy.status", user="daemon").out


def runs(cluster: Cluster, name: str, function: str, *arguments: str) -> Any:
    words = ["publish.runner", f"git_deploy.{function}", *arguments]
    return cluster.call(cluster.minions[name], *words).document["local"]


def test_a_deployment_server_that_is_a_minion_asks_the_runner(cluster: Cluster) -> None:
    assert runs(cluster, "deploy1", "minions", "web*") == ["web1", "web2"]


def test_a_target_learns_what_it_should_have_and_asks_nothing_else(cluster: Cluster) -> None:
    assert isinstance(runs(cluster, "web1", "desired"), list)
    assert runs(cluster, "web1", "minions", "web*") == {}


def test_a_minion_that_was_down_converges_when_it_starts(cluster: Cluster, site: SaltSite) -> None:
    web2 = cluster.minions["web2"]
    web2.kill()
    site.ship("two")
    ran = site.deploy("sync")
    assert site.live("web1"), ran.err
    assert not site.live("web2")
    since = cluster.events.count
    web2.start()
    cluster.events.wait("salt/job/*/ret/web2", since=since, fun="git_deploy.converge")
    assert site.live("web2") == site.live("web1")


def test_converging_is_a_state_that_changes_only_what_is_behind(
    cluster: Cluster, site: SaltSite
) -> None:
    web2 = cluster.minions["web2"]
    web2.kill()
    site.ship("two")
    site.deploy("sync")
    would = apply(cluster, "web2", "sartoris.converge", test=True)
    assert would.failed == []
    assert len(would.changed) == 1
    assert not site.live("web2")
    did = apply(cluster, "web2", "sartoris.converge")
    assert did.failed == []
    (state,) = did.states.values()
    path = str(site.slot("web2")).removeprefix(str(web2.root))
    assert state["changes"] == {path: {"old": "", "new": site.live("web1")}}
    assert site.live("web2") == site.live("web1")
    again = apply(cluster, "web2", "sartoris.converge")
    assert (again.failed, again.changed) == ([], [])
    web2.start()
