"""What a caller who may send one function sends along with it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.salt.cluster import Cluster

pytestmark = pytest.mark.skipif(
    os.getuid() != 0 and os.environ.get("CI") != "true", reason="only root becomes another user"
)


def files_written(fleet: Cluster, name: str, function: str) -> list[Path]:
    """What a minion writes for a deployer who names returners beside a function."""
    place = fleet.directory / "beside"
    place.mkdir(exist_ok=True)
    wanted = place / f"{name}-{function}"
    since = fleet.events.count
    options = ["--return=rawfile_json,local_cache", "--return_kwargs"]
    words = json.dumps({"filename": str(wanted)})
    fleet.salt(name, function, *options, words, user="nobody")
    fleet.events.wait(f"salt/job/*/ret/{name}", since=since, fun=function)
    # Returners follow the return, in the same process: another job of the minion is behind it.
    fleet.salt(name, "saltutil.is_running", function)
    fleet.salt(name, "test.sleep", "1")
    return [path for path in place.iterdir() if path.name.startswith(name)]


def test_a_minion_as_the_formula_leaves_it_writes_nothing_beside_an_order(fleet: Cluster) -> None:
    assert files_written(fleet, "deploy1", "git_deploy.status"), "what is prevented"
    assert not files_written(fleet, "web1", "git_deploy.status")
    assert not files_written(fleet, "web1", "git_deploy.no_such_function")
    assert not files_written(fleet, "web1", "saltutil.find_job")


def test_a_minion_tells_what_a_job_may_name_beside_its_function(fleet: Cluster) -> None:
    told = fleet.salt("L@deploy1,web1", "-C", "git_deploy.beside").document
    assert "rawfile_json" in told["deploy1"]["returners"]
    assert (told["web1"]["returners"], told["web1"]["executors"]) == ([], [])


def test_a_returner_of_the_site_s_own_is_seen(fleet: Cluster) -> None:
    (synced,) = fleet.minions["web1"].directory.rglob("extmods")
    own = synced / "returners"
    own.mkdir(exist_ok=True)
    (own / "of_the_site.py").write_text("def returner(ret): ...\n")
    try:
        told = fleet.salt("web1", "git_deploy.beside").document
    finally:
        (own / "of_the_site.py").unlink()
    assert told["web1"]["returners"] == ["of_the_site"]
