"""One Salt for the tests in this directory, and what they need to run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.salt.cluster import Cluster, program
from tests.salt.salted import FORMULA, install

WEB = ("web1", "web2", "web3", "web4")


def need_salt() -> None:
    """Skips the test without Salt, except on the machine that must have it."""
    if not program("salt-master").exists():
        reason = "Salt is not installed; scripts/setup dev installs it"
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)


def desired_of(cluster: Cluster) -> Path:
    """Where the master keeps what slots should have; for everybody here, who can deploy."""
    directory = cluster.directory / "desired"
    directory.mkdir(exist_ok=True)
    directory.chmod(0o777)
    return directory


def closed() -> dict[str, Any]:
    """The formula's configuration of a minion that does a job's function, and nothing beside."""
    beside = yaml.safe_load((FORMULA / "sartoris" / "beside.yaml").read_text())
    return {f"disable_{kind}": names for kind, names in beside.items()}


def forget_records(cluster: Cluster) -> None:
    """What slots should have is known of one test's site only: all of them have the same names."""
    for record in (cluster.directory / "desired").glob("*.json"):
        record.unlink()


@pytest.fixture(autouse=True)
def _no_records(request: pytest.FixtureRequest) -> None:
    if "fleet" in request.fixturenames:
        forget_records(request.getfixturevalue("fleet"))


@pytest.fixture(scope="session")
def fleet() -> Iterator[Cluster]:
    """A master, and web1 to web4 that run. A test that kills one starts it again."""
    need_salt()
    master = {
        "publisher_acl": {
            "nobody": ["test.*", "git_deploy.*"],
            "games": ["git_deploy.status"],  # who sees, and may do nothing
        },
        "peer_run": {
            "web1$": ["caller.*"],
            "web[0-9]+$": ["git_deploy\\.desired$"],
            "deploy1$": ["git_deploy\\."],
        },
        "reactor": [{"salt/minion/*/start": [str(FORMULA / "reactor" / "sartoris_converge.sls")]}],
    }
    with Cluster(master) as cluster:
        cluster.configure_master({**master, "git_deploy.desired": str(desired_of(cluster))})
        for name in WEB:
            cluster.minion(name, grains={"deployment_target": "mediawiki"}, config=closed())
        cluster.minion("deploy1")
        cluster.start()
        install(cluster)
        cluster.start_minions()
        cluster.sync_modules()
        yield cluster
