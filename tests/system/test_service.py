"""The service of what is deployed, by hand and after a switch; and a target that refuses."""

from __future__ import annotations

import json

import pytest

from tests.system.site import Site
from tests.system.test_races import a_command_that_runs

# A real init script: it starts a daemon that keeps the script's output open, and outlives it.
SCRIPT = """#!/bin/sh
echo "$1 $(basename $(readlink {slot}))" >> {root}/acted
test ! -e {root}/broken || {{ echo "configuration test failed"; exit 1; }}
case "$1" in
    restart) sleep 15 & echo $! > {root}/pid ;;
    status) kill -0 $(cat {root}/pid) || exit 3 ;;
esac
"""


def give_service(site: Site, name: str) -> None:
    script = site.target(name) / "etc" / "init.d" / "web"
    script.parent.mkdir(parents=True)
    script.write_text(SCRIPT.format(root=site.target(name), slot=site.slot(name)))
    script.chmod(0o755)


def acted(site: Site, name: str) -> list[str]:
    log = site.target(name) / "acted"
    return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def serving(deployed: Site) -> Site:
    """A deployed site with the service `web` on its three targets."""
    for name in ("web1", "web2", "web3"):
        give_service(deployed, name)
    deployed.config("deploy.service", "web")
    return deployed


def test_the_service_is_restarted_everywhere_batch_after_batch(serving: Site) -> None:
    ran = serving.ok("service", "restart", "--batch", "1", "--json")
    stages = [json.loads(line) for line in ran.out.splitlines()]
    asked = [event["targets"] for event in stages if event["event"] == "stage-started"]
    assert asked == [["web1"], ["web2"], ["web3"]]
    assert [acted(serving, name) for name in ("web1", "web2", "web3")] == [["restart"]] * 3


def test_the_canaries_are_first_and_deploy_batch_is_the_size(serving: Site) -> None:
    serving.config("deploy.canary", "web3")
    ran = serving.ok("service", "reload", "--json")
    events = [json.loads(line) for line in ran.out.splitlines()]
    asked = [event["targets"] for event in events if event["event"] == "stage-started"]
    assert asked == [["web3"], ["web1", "web2"]]


def test_only_the_named_targets_are_acted_on(serving: Site) -> None:
    assert "reload: done on 1 target." in serving.ok("service", "reload", "web2").err
    assert (acted(serving, "web1"), acted(serving, "web2")) == ([], ["reload"])
    assert serving.deploy("service", "reload", "web9").code == 2


def test_it_stops_after_the_batch_in_which_too_many_failed(serving: Site) -> None:
    (serving.target("web2") / "broken").touch()
    ran = serving.deploy("service", "restart", "--batch", "1")
    assert ran.code == 69
    assert "restart failed on 1 of 3 targets" in ran.err
    assert "service-failed: service web: restart failed, exit code 1 (web2)" in ran.err
    assert "| configuration test failed" in ran.err
    assert "restart done on: web1" in ran.err
    assert "Not touched: web3" in ran.err
    assert "git deploy service restart web2 web3" in ran.err
    assert acted(serving, "web3") == []
    (serving.target("web2") / "broken").unlink()
    serving.ok("service", "restart", "web2", "web3")


def test_within_the_limit_it_goes_on_and_is_incomplete_all_the_same(serving: Site) -> None:
    serving.set("deploy.max-failed", "1")
    (serving.target("web1") / "broken").touch()
    ran = serving.deploy("service", "restart", "--batch", "1")
    assert ran.code == 69
    assert "restart done on: web2, web3" in ran.err
    assert "Not touched" not in ran.err


def test_the_state_is_told_for_each_target(serving: Site) -> None:
    serving.ok("service", "restart", "web1", "web2")
    ran = serving.deploy("service", "status")
    assert ran.code == 1
    states = [line.split() for line in ran.out.splitlines()]
    assert states[1:] == [["web1", "active"], ["web2", "active"], ["web3", "inactive"]]
    assert "Not active on web3. Next:\n  git deploy service restart web3\n" in ran.err
    told = serving.ok("service", "status", "web1", "--json").document
    assert [(one["target"], one["message"]) for one in told["targets"]] == [("web1", "active")]


def test_a_service_that_is_not_there_is_told(serving: Site) -> None:
    serving.set("deploy.service", "other")
    ran = serving.deploy("service", "restart")
    assert ran.code == 69
    assert "service other: there is no such service on the target" in ran.err


def test_without_a_service_it_is_told_which_key_is_missing(deployed: Site) -> None:
    for action in ("restart", "status"):
        ran = deployed.deploy("service", action)
        assert ran.code == 1
        assert "deploy.service is not set" in ran.err
        assert "git config deploy.service NAME" in ran.err


@pytest.mark.parametrize("arguments", [(), ("stop",), ("restart", "--batch", "0")])
def test_what_makes_no_sense_is_wrong_usage(serving: Site, arguments: tuple[str, ...]) -> None:
    assert serving.deploy("service", *arguments).code == 2
    assert acted(serving, "web1") == []


@pytest.mark.parametrize("name", ["../web", "--force", "reboot.target", "a b"])
def test_what_is_not_the_name_of_a_service_is_refused(deployed: Site, name: str) -> None:
    deployed.config("deploy.service", name)
    ran = deployed.deploy("service", "restart")
    assert ran.code == 1
    assert "deploy.service" in ran.err


def test_an_action_without_a_service_is_refused(deployed: Site) -> None:
    deployed.config("deploy.service-action", "reload")
    ran = deployed.deploy("status")
    assert "there is no deploy.service" in ran.err


def test_while_a_command_runs_only_the_state_is_told(serving: Site) -> None:
    serving.ok("service", "restart")
    with a_command_that_runs(serving):
        for action in ("restart", "reload"):
            ran = serving.deploy("service", action)
            assert ran.code == 1
            assert "is running in this repository" in ran.err
        serving.ok("service", "status")
    assert acted(serving, "web1") == ["restart", "status"]


def test_without_an_action_a_switch_leaves_the_service_alone(serving: Site) -> None:
    serving.rollout({"index.php": "version 2\n"})
    assert acted(serving, "web1") == []


def test_after_its_switch_each_target_acts_on_its_service(serving: Site) -> None:
    serving.config("deploy.service-action", "reload")
    tag = serving.rollout({"index.php": "version 2\n"})
    for name in ("web1", "web2", "web3"):
        assert (serving.target(name) / "acted").read_text() == f"reload {tag}\n"


def test_a_service_that_fails_after_the_switch_takes_everyone_back(serving: Site) -> None:
    serving.config("deploy.service-action", "reload")
    before = serving.desired()
    serving.ok("start")
    serving.commit({"index.php": "version 2\n"})
    serving.push()
    (serving.target("web2") / "broken").touch()
    ran = serving.deploy("sync")
    assert ran.code == 71
    assert "service-failed: service web: reload failed, exit code 1 (web2)" in ran.err
    assert serving.everywhere() == {before}
    # Those that had taken the release acted again when it was taken back.
    assert acted(serving, "web1") == ["reload", "reload"]


def test_a_target_whose_service_fails_is_left_behind_within_the_limit(serving: Site) -> None:
    serving.config("deploy.service-action", "reload")
    serving.set("deploy.max-failed", "1")
    (serving.target("web2") / "broken").touch()
    tag = serving.rollout({"index.php": "version 2\n"})
    assert serving.everywhere() == {tag}
    report = serving.ok("report", "--json").document
    assert {one["live"] for one in report["slots"][0]["targets"]} == {tag}


def test_a_service_that_failed_within_the_limit_is_acted_on_by_converging(serving: Site) -> None:
    serving.config("deploy.service-action", "reload")
    serving.set("deploy.max-failed", "1")
    (serving.target("web2") / "broken").touch()
    tag = serving.rollout({"index.php": "version 2\n"})
    assert "unfinished: service still due" in serving.ok("report").out
    assert "service-failed" in serving.deploy("converge").err
    (serving.target("web2") / "broken").unlink()
    (serving.target("web2") / "acted").unlink()
    assert f"slot0 at {tag}: 3 targets, brought web2." in serving.ok("converge").err
    assert [acted(serving, name) for name in ("web1", "web2", "web3")] == [["reload"]] * 3
    assert set(serving.conditions("--verify").values()) == {"current"}


def test_without_the_action_that_failed_converging_needs_no_service(serving: Site) -> None:
    serving.config("deploy.service-action", "reload")
    serving.set("deploy.max-failed", "1")
    (serving.target("web2") / "broken").touch()
    serving.rollout({"index.php": "version 2\n"})
    serving.git("config", "--unset", "deploy.service-action")
    assert "brought web2." in serving.ok("converge").err
    assert set(serving.conditions().values()) == {"current"}


def test_acting_on_the_service_says_nothing_of_what_is_live(serving: Site) -> None:
    tag = serving.desired()
    serving.ok("service", "reload")
    serving.target("web1").rename(serving.target("web1").with_name("away"))
    known = serving.ok("report", "--json").document["slots"][0]["targets"][0]
    assert (known["condition"], known["live"]) == ("silent", tag)


def test_a_target_whose_list_is_damaged_stops_the_sync_before_the_switch(deployed: Site) -> None:
    before = deployed.desired()
    policy = deployed.target("web2") / "etc" / "sartoris" / "target.json"
    policy.parent.mkdir(parents=True)
    policy.write_text("{}")
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    ran = deployed.deploy("sync")
    assert ran.code == 71
    assert "1 target: bad-policy: /etc/sartoris/target.json: " in ran.err
    assert deployed.everywhere() == {before}
    # It refused before it looked, which is not the same as having nothing live.
    row = next(line.split() for line in ran.err.splitlines() if line.split()[:1] == ["web2"])
    assert row[1:] == ["bad-policy", "-", "not", "known"]
    policy.unlink()
    deployed.ok("resync")
