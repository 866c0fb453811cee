"""Minions fetch from the deployment server: from git's own daemon, and over HTTP."""

from __future__ import annotations

import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs import need
from tests.salt.cluster import Cluster, free_ports
from tests.salt.salted import SaltSite
from tests.salt.served import Served

pytestmark = pytest.mark.skipif(
    os.getuid() != 0 and os.environ.get("CI") != "true", reason="only root becomes another user"
)

WEB = ("web1", "web2", "web3", "web4")
PROTOCOLS = ("git", "http")


@pytest.fixture(scope="module")
def served(fleet: Cluster) -> Iterator[Served]:
    need("nginx")
    need("fcgiwrap")
    served = Served(fleet)
    with served.running():
        yield served


@pytest.fixture(params=PROTOCOLS)
def base(served: Served, request: pytest.FixtureRequest) -> str:
    return served.bases[request.param]


@pytest.fixture
def site(fleet: Cluster, served: Served, base: str, tmp_path: Path) -> SaltSite:
    """Its publish repository is served as its directory's name."""
    name = tmp_path.name
    site = SaltSite.on(fleet, tmp_path / f"site-{name}", WEB, "G@deployment_target:mediawiki")
    site.config("deploy.publish-dir", str(served.publish / f"{name}.git"))
    site.set("deploy.url", f"{base}/{name}.git")
    return site


def test_every_target_fetches_what_was_published(site: SaltSite) -> None:
    site.add_submodule("ext/a", {"a.php": "a submodule's\n"})
    site.ship("two")
    ran = site.deploy("sync")
    assert ran.code == 0, ran.err
    assert len(site.everywhere()) == 1
    for name in WEB:
        assert site.files(name)["index.php"] == "two\n"
        assert site.files(name)["ext/a/a.php"] == "a submodule's\n"


def test_the_next_release_costs_only_what_is_new(site: SaltSite) -> None:
    site.ship("two")
    site.ok("sync")
    site.ship("three")
    ran = site.deploy("sync")
    assert ran.code == 0, ran.err
    assert {site.files(name)["index.php"] for name in WEB} == {"three\n"}


def test_real_submodules_are_fetched_from_there_too(site: SaltSite) -> None:
    module = site.add_submodule("ext/a", {"a.php": "one\n"})
    site.config("deploy.submodules", "update")
    site.ship("two")
    site.ok("sync")
    assert site.deploy("start").code == 0
    (module / "a.php").write_text("two\n")
    site.git("commit", "--quiet", "--all", "-m", "two", at=module)
    site.git("pull", "--quiet", at=site.repo / "ext/a")
    site.commit({"index.php": "three\n"}, "three")
    site.push()
    site.ok("sync")
    for name in WEB:
        assert site.files(name)["ext/a/a.php"] == "two\n"
        assert site.git("submodule", "status", at=site.slot(name)).startswith(" ")


def test_a_release_that_was_changed_on_the_way_is_refused(
    site: SaltSite, served: Served, base: str, tmp_path: Path
) -> None:
    # The tag names another commit where the targets fetch. The id came over Salt.
    between = served.publish / f"{tmp_path.name}-between.git"
    site.git("clone", "--quiet", "--bare", str(site.origin), str(between))
    site.set("deploy.url", f"{base}/{between.name}")
    tag = f'env -u GIT_DIR git --git-dir="{between}" tag "$GIT_DEPLOY_ROLLOUT_TAG" main'
    site.hook("post-tag.10-change", tag)
    site.ship("two")
    events = site.deploy("sync", "--json").events
    answers = [one["outcome"] for one in events if one["event"] == "target-answered"]
    assert {(one["action"], one["error"]) for one in answers} == {("fetch", "wrong-commit")}
    assert len(answers) == len(WEB)
    assert site.everywhere() == {""}


_RELAY = """
    location ~ \\.pack$ {{
        proxy_pass {origin};
        proxy_cache packs;
        proxy_cache_lock on;
        proxy_cache_lock_timeout 60s;
        proxy_cache_valid 200 7d;
        proxy_force_ranges on;
    }}"""
_LIAR = "root {here}; location / {{ try_files /zeros =404; }}"


def published_over_http(fleet: Cluster, served: Served, tmp_path: Path) -> SaltSite:
    """A site whose releases all minions get from the web server, under the name of `tmp_path`."""
    name = tmp_path.name
    site = SaltSite.on(fleet, tmp_path / f"site-{name}", WEB, "G@deployment_target:mediawiki")
    site.config("deploy.publish-dir", str(served.publish / f"{name}.git"))
    site.set("deploy.url", f"{served.bases['http']}/{name}.git")
    return site


def test_packs_come_from_the_zone_s_relay_which_asks_the_origin_once(
    fleet: Cluster, served: Served, tmp_path: Path
) -> None:
    site, name = published_over_http(fleet, served, tmp_path), tmp_path.name
    relay, liar = free_ports(2)
    relayed = served.nginx("relay", relay, _RELAY.format(origin=served.bases["http"]))
    (served.here / "zeros").write_bytes(bytes(1 << 20))
    served.nginx("liar", liar, _LIAR.format(here=served.here))
    for key, value in (
        ("zone", "rack1=web1,web2"),
        ("zone", "rack2=web3"),
        ("relay", f"rack1=http://127.0.0.1:{relay}/{name}.packs"),
        ("relay", f"rack2=http://127.0.0.1:{liar}/{name}.packs"),
    ):
        site.git("config", "--add", f"deploy.{key}", value)
    site.ship("two")
    site.ok("sync")
    site.ship("three")
    before = len(relayed().splitlines())
    asked = len(served.requests.splitlines())
    events = site.deploy("sync", "--json").events
    outcomes = {
        one["outcome"]["target"]: one["outcome"]
        for one in events
        if one["event"] == "target-answered" and one["stage"] == "fetch"
    }
    came = {target: (one["came_by"], one["came_from"]) for target, one in outcomes.items()}
    assert {by for by, _ in came.values()} == {"pack"}
    ports = {target: source.split("/")[2].split(":")[1] for target, (_, source) in came.items()}
    assert ports == {
        **dict.fromkeys(("web1", "web2"), str(relay)),
        **dict.fromkeys(("web3", "web4"), str(served.web_port)),
    }
    assert len(relayed().splitlines()) == before + 2
    assert len(served.requests.splitlines()) == asked + 3  # the relay, web3, web4
    assert "git-upload-pack" not in "\n".join(served.requests.splitlines()[asked:])
    assert [target for target, one in outcomes.items() if one["came_refused"]] == ["web3"]
    assert {site.files(target)["index.php"] for target in WEB} == {"three\n"}
    ran = site.deploy("report")
    report = ran.out + ran.err
    assert "Objects of the last rollout: 4 targets by pack" in report
    assert f"web3 was given other bytes, and took none, by http://127.0.0.1:{liar}/" in report


def test_a_minion_that_converges_by_itself_gets_the_pack_that_the_sync_made(
    fleet: Cluster, served: Served, tmp_path: Path
) -> None:
    site = published_over_http(fleet, served, tmp_path)
    site.config("deploy.max-failed", "1")
    site.ship("two")
    site.ok("sync")
    fleet.minions["web4"].kill()
    site.ship("three")
    site.ok("sync")
    asked, since = len(served.requests.splitlines()), fleet.events.count
    fleet.minions["web4"].start()
    fleet.events.wait("salt/job/*/ret/web4", since=since, fun="git_deploy.converge")
    assert site.files("web4")["index.php"] == "three\n"
    requests = [line.split('"')[1] for line in served.requests.splitlines()[asked:]]
    assert [line.rpartition("/")[0].split(".")[-1] for line in requests] == ["pack HTTP"], requests


def test_http_is_the_smart_one_and_only_for_fetching(
    served: Served, fleet: Cluster, tmp_path: Path
) -> None:
    site = SaltSite.on(fleet, tmp_path / "smart", WEB, "G@deployment_target:mediawiki")
    site.config("deploy.publish-dir", str(served.publish / "smart.git"))
    url = f"{served.bases['http']}/smart.git"
    site.set("deploy.url", url)
    site.config("deploy.pack-url", "none")
    site.ship("two")
    assert site.deploy("sync").code == 0
    assert '"POST /smart.git/git-upload-pack HTTP/1.1" 200' in served.requests
    assert _status(f"{url}/objects/info/packs") == 404
    pushed = subprocess.run(
        ["git", "push", url, "HEAD:refs/heads/x"], cwd=site.repo, capture_output=True, check=False
    )
    assert pushed.returncode != 0
    assert 'git-receive-pack HTTP/1.1" 403' in served.requests


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
