"""The formula's states, applied to a directory: as a test, for real, and once more."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
import yaml

from sartoris.agent import policy
from sartoris.agent.errors import Failure
from tests.programs import need
from tests.salt.cluster import program
from tests.salt.conftest import need_salt
from tests.salt.salted import FORMULA
from tests.salt.scratch import Scratch

pytestmark = pytest.mark.skipif(
    os.getuid() != 0 and os.environ.get("CI") != "true", reason="only root gives files to others"
)

WIKI = {
    "repository": "wiki",
    "path": "/srv/wiki/php-*",
    "user": "nobody",
    "group": "nogroup",
    "url": "http://deploy1/wiki.git",
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need_salt()
    return tmp_path_factory.mktemp("machines")


@pytest.fixture
def machine(directory: Path, tmp_path: Path) -> Scratch:
    return Scratch(directory / tmp_path.name)


@pytest.fixture(scope="module")
def server(directory: Path) -> Scratch:
    need("visudo")
    machine = Scratch(directory / "server")
    machine.settle("sartoris.server", SERVER)
    return machine


@pytest.fixture(scope="module")
def master(directory: Path) -> Scratch:
    need("setfacl")
    machine = Scratch(directory / "master")
    machine.settle("sartoris.master", MASTER)
    return machine


# A target


def test_a_target_has_the_directory_and_the_list_of_what_may_be_deployed(machine: Scratch) -> None:
    machine.settle("sartoris.target", {"deployments": [{**WIKI, "service": "php-fpm"}]})
    assert machine.mode("srv") == "755 root root"
    assert machine.mode("srv/wiki") == "755 nobody nogroup"
    assert machine.mode("etc/sartoris/target.json") == "644 root root"
    listed = json.loads((machine.root / "etc/sartoris/target.json").read_text())
    entry = {name: value for name, value in WIKI.items() if name != "group"}
    assert listed == {"version": 1, "deployments": [{**entry, "service": "php-fpm"}]}


def test_a_target_without_deployments_in_the_pillar_has_no_list(machine: Scratch) -> None:
    machine.settle("sartoris.target", {})
    assert not (machine.root / "etc/sartoris").exists()


def test_a_target_s_minion_does_nothing_beside_the_function_of_a_job(machine: Scratch) -> None:
    own = machine.directory / "var/cache/salt/minion/extmods/returners"
    own.mkdir(parents=True)
    (own / "of_the_site.py").touch()
    machine.settle("sartoris.target", {"target": {"returners": ["mysql"]}})
    trust = machine.root / "etc/salt/minion.d/sartoris-trust.conf"
    config = yaml.safe_load(trust.read_text())
    off = config["disable_returners"]
    assert {"rawfile_json", "local_cache", "of_the_site"} <= set(off)
    assert "mysql" not in off, "the site keeps it"
    assert config["disable_executors"] == ["docker", "splay"]


def test_every_returner_of_this_salt_is_switched_off() -> None:
    beside = yaml.safe_load((FORMULA / "sartoris/beside.yaml").read_text())
    library = program("python3").parents[1] / "lib"
    there = library.glob("python*/site-packages/salt/returners/*.py")
    assert {path.stem for path in there} - {"__init__"} <= set(beside["returners"])


def test_an_empty_list_is_a_list(machine: Scratch) -> None:
    machine.settle("sartoris.target", {"deployments": []})
    listed = json.loads((machine.root / "etc/sartoris/target.json").read_text())
    assert listed == {"version": 1, "deployments": []}


def test_a_target_converges_at_start_where_the_pillar_says_so(machine: Scratch) -> None:
    machine.settle("sartoris.target", {"target": {"at_start": True}})
    config = yaml.safe_load((machine.root / "etc/salt/minion.d/sartoris.conf").read_text())
    assert config == {"startup_states": "sls", "sls_list": ["sartoris.converge"]}


def test_a_target_that_is_no_longer_to_converge_at_start_does_not(machine: Scratch) -> None:
    machine.apply("sartoris.target", {"target": {"at_start": True}})
    machine.settle("sartoris.target", {})
    assert not (machine.root / "etc/salt/minion.d/sartoris.conf").exists()


def test_a_list_stays_when_the_pillar_has_none_any_more(machine: Scratch) -> None:
    machine.apply("sartoris.target", {"deployments": [WIKI]})
    listed = (machine.root / "etc/sartoris/target.json").read_text()
    machine.settle("sartoris.target", {})
    assert (machine.root / "etc/sartoris/target.json").read_text() == listed


NOT_ON_A_LIST: list[dict[str, Any]] = [
    *({"path": path} for path in ("/", "relative", "srv/wiki/php", "/srv/wiki/", "/srv//php")),
    *({"path": path} for path in ("/srv/../php", "/srv/./php", "/srv/wiki/..", "/srv/*/php")),
    *({"path": path} for path in ("/srv/wiki/p\nhp", "/srv/wiki/\x7f", "/srv/.sartoris/x", "", 7)),
    *({"path": path} for path in ("/srv/wiki/.sartoris", None)),
    {"path": "/srv/wiki/number", "repository": 7},
    {"path": "/srv/wiki/nameless", "repository": ""},
    {"path": "/srv/wiki/numbered-url", "url": 7},
    {"path": "/srv/wiki/halt", "service": "halt.target"},
    {"path": "/srv/wiki/dash", "service": "-dash"},
]
OF_THE_SYSTEM = ["/site", "/etc/site", "/etc/sartoris/site", "/usr/local/bin/site", "/home/*"]
ON_A_LIST = [
    {"path": "/srv/site"},
    {"path": "/srv/.wiki/*php*", "service": "php8.2-fpm"},
    {"path": "/srv/a: b # 'c\"/...", "repository": "wi:ki", "url": "-"},
]


def refused_by_the_agent(entry: dict[str, Any]) -> bool:
    try:
        policy._deployments({"version": 1, "deployments": [entry]})
    except Failure:
        return True
    return False


def entry(fields: dict[str, Any]) -> dict[str, Any]:
    return {**{name: WIKI[name] for name in ("repository", "user", "url")}, **fields}


def test_entries_with_which_the_agent_would_refuse_all_orders_are_no_list(machine: Scratch) -> None:
    entries = [entry(fields) for fields in NOT_ON_A_LIST]
    assert [one for one in entries if not refused_by_the_agent(one)] == []
    told = machine.refusal("sartoris.target", {"deployments": entries})
    assert [one for one in entries if f"\n  {json.dumps(one['path'])}: " not in told] == []


def test_a_path_that_would_give_the_users_a_directory_of_the_system_is_refused(
    machine: Scratch,
) -> None:
    entries = [entry({"path": path}) for path in OF_THE_SYSTEM]
    told = machine.refusal("sartoris.target", {"deployments": entries})
    assert '\n  "/site": nobody would own /, which is the system\'s' in told
    assert [path for path in OF_THE_SYSTEM if f'\n  "{path}": nobody would own' not in told] == []


def test_entries_that_the_agent_accepts_are_a_list(machine: Scratch) -> None:
    entries = [entry(fields) for fields in ON_A_LIST]
    assert [one for one in entries if refused_by_the_agent(one)] == []
    machine.settle("sartoris.target", {"deployments": entries})
    listed = json.loads((machine.root / "etc/sartoris/target.json").read_text())
    assert listed == {"version": 1, "deployments": entries}


def test_a_deployment_of_root_is_refused(machine: Scratch) -> None:
    told = machine.refusal("sartoris.target", {"deployments": [entry({**WIKI, "user": "root"})]})
    assert "nothing of a release runs as root" in told


def test_a_target_converges_after_all_else_is_there(machine: Scratch) -> None:
    did = machine.apply("sartoris.target", CONVERGING)
    assert machine.mode("srv/wiki") == "755 nobody nogroup"
    ran = [key for key in did.in_order if "minion.d" not in key]
    assert (ran[-1], len(ran)) == (CONVERGE, 7)
    assert "the master does not answer" in did.states[CONVERGE]["comment"]


@pytest.mark.parametrize("way", ["srv", "etc/sartoris"])
def test_a_target_that_is_not_complete_does_not_converge(machine: Scratch, way: str) -> None:
    in_the_way = machine.root / way
    in_the_way.parent.mkdir(parents=True, exist_ok=True)
    in_the_way.touch()
    did = machine.apply("sartoris.target", CONVERGING)
    assert "requisite" in did.states[CONVERGE]["comment"]


CONVERGING = {"deployments": [WIKI], "target": {"converge": True}}
CONVERGE = "git_deploy_|-sartoris-converge_|-sartoris-converge_|-converged"


# A deployment server


SERVER = {
    "group": "nogroup",
    "server": {
        "config": {"transport": "salt", "send-mail-on-sync": True, "canary": ["web1", "web2"]},
        "repositories": {
            "wiki": {"targets": 'G@a:"b" and not web9', "url": "http://deploy1/wiki.git"}
        },
        "serve": ["git-daemon"],
        "sudo": True,
        "python": "/opt/sartoris/bin/python",
    },
}


def test_a_server_has_its_directories_with_the_group_of_the_deployers(server: Scratch) -> None:
    assert server.mode("srv/publish") == "2775 root nogroup"
    assert server.mode("var/log/git-deploy") == "2775 root nogroup"
    assert server.mode("etc/git-deploy/hooks/apps/common") == "755 root root"
    assert server.mode("etc/git-deploy/hooks/sync") == "755 root root"


def test_git_finds_the_configuration_of_the_server(server: Scratch) -> None:
    config = config_file(server)
    assert value(config, "deploy.hook-dir") == [str(server.root / "etc/git-deploy/hooks")]
    assert value(config, "deploy.transport") == ["salt"]
    assert value(config, "deploy.canary") == ["web1", "web2"]
    assert value(config, "deploy.repository wiki.targets") == ['G@a:"b" and not web9']
    published = str(server.root / "srv/publish/wiki.git")
    assert value(config, "deploy.repository wiki.publish-dir") == [published]


def config_file(machine: Scratch) -> Path:
    (found,) = value(machine.root / "etc/gitconfig", "deploy.config-file")
    return Path(found)


def value(file: Path, key: str) -> list[str]:
    command = ["git", "config", "--file", str(file), "--get-all", key]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_sudoers_rule_is_for_the_bridge_alone(server: Scratch) -> None:
    visudo = need("visudo")
    rule = server.root / "etc/sudoers.d/sartoris"
    subprocess.run([visudo, "-c", "-f", str(rule)], check=True, capture_output=True)
    assert server.mode("etc/sudoers.d/sartoris") == "440 root root"
    command = "/opt/sartoris/bin/python -I -m sartoris.salt.bridge /etc/salt"
    assert rule.read_text().splitlines()[1:] == [f"%nogroup ALL=(root) NOPASSWD: {command}"]


def test_a_server_that_asks_for_none_has_no_sudoers_rule(machine: Scratch) -> None:
    machine.settle("sartoris.server", {"group": "nogroup", "server": {"sudo": False}})
    assert not (machine.root / "etc/sudoers.d").exists()
    assert not (machine.root / "etc/systemd").exists()


SWITCHED_OFF = [
    "etc/sudoers.d/sartoris",
    "etc/systemd/system/sartoris-git-daemon.service",
    "etc/nginx/conf.d/sartoris.conf",
]


def test_what_a_server_no_longer_asks_for_is_taken_away(machine: Scratch) -> None:
    need("visudo")
    both = {"sudo": True, "serve": ["git-daemon", "nginx"], "nginx": {"packages": []}}
    machine.apply("sartoris.server", {"group": "nogroup", "server": both})
    assert [path for path in SWITCHED_OFF if not (machine.root / path).exists()] == []
    machine.settle("sartoris.server", {"group": "nogroup", "server": {"sudo": False}})
    assert [path for path in SWITCHED_OFF if (machine.root / path).exists()] == []


def test_git_daemon_is_stopped_before_its_unit_goes(machine: Scratch) -> None:
    unit = machine.root / SWITCHED_OFF[1]
    unit.parent.mkdir(parents=True)
    unit.touch()
    states = machine.states("sartoris.server", {"group": "nogroup", "services": True})
    assert states["sartoris-git-daemon"]["service"] == [{"enable": False}, "dead", ANY]
    assert {"require": [{"service": "sartoris-git-daemon"}]} in states[str(unit)]["file"]


# A master


MASTER = {
    "group": "nogroup",
    "deployers": ["nobody"],
    "master": {
        "servers": ["deploy1.example.org"],
        "user": "root",
        "packages": [],
        "publisher_acl": True,
    },
}


def test_a_master_lets_nobody_publish_unless_it_is_asked_to(machine: Scratch) -> None:
    need("setfacl")
    acl_file = machine.root / "etc/salt/master.d/sartoris-acl.conf"
    machine.apply("sartoris.master", MASTER)
    assert acl_file.exists()
    closed = {"servers": ["deploy1.example.org"], "user": "root", "packages": []}
    machine.settle("sartoris.master", {**MASTER, "master": closed})
    assert not acl_file.exists()
    assert not (machine.root / "etc/tmpfiles.d/sartoris.conf").exists()
    assert "default:group:nogroup" not in "\n".join(acl(machine.root / "run/salt/master"))
    assert machine.mode("var/lib/sartoris/desired") == "755 root nogroup"


def test_a_master_lets_deployers_and_servers_send_orders_and_nothing_else(master: Scratch) -> None:
    directory = master.root / "etc/salt/master.d"
    config: dict[str, Any] = {}
    for file in directory.iterdir():
        config.update(yaml.safe_load(file.read_text()))
    assert config["publisher_acl"] == {"nobody": [r"git_deploy\..*"]}
    assert config["peer_run"] == {
        r"^deploy1\.example\.org$": [r"git_deploy\.(minions|publish|returns|desire)$"],
        "^.*$": [r"git_deploy\.desired$"],
    }
    assert config["git_deploy.all_sign"] is True
    assert config["reactor"] == [{"salt/minion/*/start": ["salt://reactor/sartoris_converge.sls"]}]
    assert (Path(config["runner_dirs"][0]) / "git_deploy.py").exists()
    assert Path(config["git_deploy.desired"]) == master.root / "var/lib/sartoris/desired"
    assert master.mode("var/lib/sartoris/desired") == "2775 root nogroup"


def test_the_event_bus_stays_open_to_the_deployers_after_a_boot(master: Scratch) -> None:
    sockets = master.root / "run/salt/master"
    assert "default:group:nogroup:rw-" in acl(sockets)
    sockets.rmdir()
    rules = master.root / "etc/tmpfiles.d/sartoris.conf"
    subprocess.run([need("systemd-tmpfiles"), "--create", str(rules)], check=True)
    assert "default:group:nogroup:rw-" in acl(sockets)
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o755


def acl(path: Path) -> list[str]:
    done = subprocess.run(["getfacl", "-cp", path], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_master_has_setfacl_before_it_needs_it(machine: Scratch) -> None:
    published = {"master": {"publisher_acl": True}}
    installed = machine.states("sartoris.master", published)["sartoris-master-packages"]["pkg"]
    assert {"pkgs": ["acl"]} in installed
    assert {"require_in": [{"cmd": "sartoris-event-bus"}]} in installed


def test_a_master_that_no_longer_wants_the_reactor_loses_it(machine: Scratch) -> None:
    need("setfacl")
    machine.apply("sartoris.master", MASTER)
    reactor = machine.root / "etc/salt/master.d/sartoris-reactor.conf"
    assert reactor.exists()
    quiet = {**MASTER, "master": {"user": "root", "packages": [], "reactor": False}}
    machine.settle("sartoris.master", quiet)
    assert not reactor.exists()
    restarted = machine.states("sartoris.master", {**quiet, "services": True})["salt-master"]
    assert {"file": str(reactor)} in restarted["service"][0]["watch"]


def test_a_master_without_the_reactor_and_with_an_installed_runner(machine: Scratch) -> None:
    need("setfacl")
    quiet = {**MASTER, "master": {"user": "root", "packages": [], "reactor": False, "runners": ""}}
    machine.settle("sartoris.master", quiet)
    names = {path.name for path in (machine.root / "etc/salt/master.d").iterdir()}
    assert names == {"sartoris.conf", "sartoris-peers.conf"}
    assert not (machine.root / "var/lib/sartoris/runners").exists()
