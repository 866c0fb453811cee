"""Slots with settings of their own: staging and production of one working repository."""

from __future__ import annotations

import pytest

from tests.system.conftest import without_targets
from tests.system.kept import Kept
from tests.system.site import Site


def two_stages(site: Site) -> None:
    """`staging` on s1, `production` (its prefix is `live`) on web1 and web2; no other fleet."""
    site.git("config", "--unset-all", "deploy.tag-prefix")
    for slot, names in {"staging": ["s1"], "production": ["web1", "web2"]}.items():
        for name in names:
            site.target(name).mkdir(parents=True)
            site.config(f"deploy.slot {slot}.target", f"{name}={site.target(name)}")
    site.config("deploy.slot production.tag-prefix", "live")


def both_live(site: Site) -> None:
    for slot in ("staging", "production"):
        site.ok("start", slot)
        site.ok("sync")


def ship_another_version(site: Site, slot: str) -> None:
    site.commit({"index.php": "version 2\n"})
    site.push()
    site.ok("start", slot)
    site.ok("sync")


@pytest.fixture
def stages(kept: Kept) -> Site:
    return kept.site(without_targets, two_stages)


@pytest.fixture
def deployed(kept: Kept) -> Site:
    return kept.site(without_targets, two_stages, both_live)


def shown(site: Site) -> dict[str, str]:
    return {one["name"]: one["release"] for one in site.ok("--json", "slot").document["slots"]}


def test_a_rollout_of_a_slot_goes_to_its_targets_and_to_nobody_else(stages: Site) -> None:
    stages.ok("start", "staging")
    ran = stages.ok("sync")
    assert "live on 1 of 1 target" in ran.err
    assert stages.live("s1", "staging").startswith("staging-")
    assert [stages.live(name, "live") for name in ("web1", "web2")] == ["", ""]
    assert shown(stages) == {"production": "", "staging": stages.live("s1", "staging")}
    stages.ok("start", "production")
    assert stages.deploy("status").code == 1
    assert "live on 2 of 2 targets" in stages.ok("sync").err
    assert shown(stages)["production"] == stages.live("web1", "live")


def test_the_name_of_a_slot_stands_for_its_prefix(deployed: Site) -> None:
    by_name = deployed.ok("--json", "report", "production").document["slots"]
    by_prefix = deployed.ok("--json", "report", "live").document["slots"]
    names = [[target["target"] for target in one[0]["targets"]] for one in (by_name, by_prefix)]
    assert names == [["web1", "web2"]] * 2


def test_which_slot_is_meant_is_asked_for_where_there_are_several(stages: Site) -> None:
    ran = stages.deploy("start")
    assert ran.code == 19
    assert "which of the slots is meant (staging, production)?" in ran.err
    assert "git deploy slot list" in ran.err


def test_a_converge_brings_the_targets_of_all_slots_and_one_by_its_name(deployed: Site) -> None:
    stages = deployed
    stages.slot("s1", "staging").unlink()
    stages.slot("web2", "live").unlink()
    assert "1 target, nothing was behind" in stages.ok("converge", "web1").err
    err = stages.ok("converge").err
    assert "brought web2" in err
    assert "brought s1" in err
    assert stages.live("web2", "live") == stages.live("web1", "live")
    refused = stages.deploy("converge", "nobody")
    assert refused.code == 2
    assert "not a target of this repository: nobody (it has web1, web2, s1)" in refused.err


def test_a_revert_to_a_tag_of_another_slot_goes_to_that_slot_s_targets(deployed: Site) -> None:
    first, staged = deployed.live("web1", "live"), deployed.live("s1", "staging")
    ship_another_version(deployed, "production")
    assert deployed.live("web1", "live") != first
    deployed.ok("revert", first)
    assert {deployed.live(name, "live") for name in ("web1", "web2")} == {first}
    assert deployed.live("s1", "staging") == staged


def test_limits_of_a_slot_count_for_its_rollouts_only(stages: Site) -> None:
    stages.config("deploy.slot production.max-failed", "1")
    stages.break_target("web2")
    stages.ok("start", "production")
    assert "left behind: web2" in stages.deploy("sync").err
    stages.break_target("s1")
    stages.ok("start", "staging")
    assert "0 may fail" in stages.deploy("sync").err


def test_a_target_of_any_slot_may_be_away(deployed: Site) -> None:
    deployed.ok("away", "s1")
    assert deployed.ok("--json", "report").document["away"].keys() == {"s1"}
    deployed.ok("back", "s1")


def test_a_slot_is_shown_by_name_and_an_unknown_one_is_refused(deployed: Site) -> None:
    out = deployed.ok("slot", "show", "production").out
    assert "prefix   live" in out
    assert "web1, web2" in out
    assert "production" in deployed.ok("slot", "list").out
    refused = deployed.deploy("slot", "show", "nothing")
    assert refused.code == 2
    assert "there is no slot nothing (there are: production, staging)" in refused.err
    assert deployed.deploy("slot", "show").code == 2


def test_the_configuration_is_listed_with_what_slots_have_of_their_own(stages: Site) -> None:
    lines = stages.ok("config", "target").out.splitlines()
    keys = [line.partition("  ")[0] for line in lines[1:]]
    assert keys == [
        "deploy.target",
        "deploy.slot staging.target",
        "deploy.slot production.target",
        "deploy.slot production.target",
    ]
    listed = stages.ok("--json", "config", "tag-prefix").document
    assert listed[-1]["key"] == "deploy.slot production.tag-prefix"
    assert listed[-1]["values"] == ["live"]


def test_doctor_looks_at_one_slot_and_names_the_others(deployed: Site) -> None:
    found = deployed.deploy("doctor", "-v", "production")
    assert "git deploy doctor staging" in found.out + found.err
    assert "2 targets" in deployed.deploy("doctor", "-v", "production").out + found.err


def test_a_lost_state_and_desired_state_are_found_again_for_each_slot(deployed: Site) -> None:
    before = shown(deployed)
    (deployed.state_directory / "desired.json").unlink()
    assert shown(deployed) == before
    assert set(deployed.conditions(prefix="live").values()) == {"current"}
    deployed.ok("start", "production")
    (deployed.state_directory / "rollout.json").unlink()
    assert "A rollout of live is in progress" in deployed.deploy("status").out
    deployed.ok("abort")
    assert deployed.holder is None


def test_a_rollback_is_of_the_slot_that_is_named(deployed: Site) -> None:
    first, staged = deployed.live("web1", "live"), deployed.live("s1", "staging")
    ship_another_version(deployed, "production")
    deployed.ok("rollback", "production", "--yes")
    assert {deployed.live(name, "live") for name in ("web1", "web2")} == {first}
    assert deployed.live("s1", "staging") == staged
