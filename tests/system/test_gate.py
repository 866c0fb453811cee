"""The gate between the stages: how many targets may fail, and what happens to them."""

from __future__ import annotations

import pytest

from tests.system.conftest import rolled_out
from tests.system.kept import Kept
from tests.system.site import Ran, Site


@pytest.fixture
def site(kept: Kept) -> Site:
    """Ten targets with one release live."""
    return kept.site(with_ten_targets, rolled_out)


def with_ten_targets(site: Site) -> None:
    Site.build(site.root, targets=10)


def breaks(site: Site, *names: str) -> None:
    for name in names:
        site.break_target(name)


def fails_to_switch(site: Site, *names: str) -> None:
    """While these targets fetch, by the release's own program, something gets in the link's way."""
    places = " ".join(f"'{site.slot(name)}'" for name in names)
    name = "deploy/target/prepare.in-the-way"
    script = f"""#!/bin/sh
for place in {places}; do
  if [ "$GIT_DEPLOY_PATH" = "$place" ]; then rm "$place"; mkdir "$place"; fi
done
"""
    site.commit({name: script})
    (site.repo / name).chmod(0o755)
    site.commit({})
    site.push()


def sync(site: Site, *arguments: str) -> Ran:
    site.ok("start")
    site.commit({"index.php": "version 2\n"})
    site.push()
    return site.deploy("sync", *arguments)


def test_one_failure_closes_the_gate_by_default(site: Site) -> None:
    before = site.desired()
    breaks(site, "web4")
    ran = sync(site)
    assert ran.code == 71
    assert site.everywhere() - {""} == {before}
    assert site.files("web1")["index.php"] == "version 1\n"
    assert site.desired() == before
    assert "Nothing has switched, anywhere.\n" in ran.err
    assert f"Live is {before} on web1, web2, web3, " in ran.err
    assert "Live is nothing on web4\n" in ran.err
    assert "git deploy resync" in ran.err
    assert "git deploy abort" in ran.err


def test_a_rollout_that_the_gate_stopped_stays_open(site: Site) -> None:
    breaks(site, "web4")
    sync(site)
    ran = site.deploy("status")
    assert ran.code == 2
    assert "not passed the gate: no target was told to switch" in ran.out


def test_after_the_repair_resync_ends_the_rollout(site: Site) -> None:
    breaks(site, "web4")
    sync(site)
    site.mend_target("web4")
    ran = site.ok("resync")
    assert site.everywhere() == {site.desired()}
    assert "is live on 10 of 10 targets" in ran.err
    assert site.deploy("status").code == 0


@pytest.mark.parametrize("allowed", ["2", "20%", "29%"])
def test_as_many_as_max_failed_may_fail(site: Site, allowed: str) -> None:
    site.config("deploy.max-failed", allowed)
    breaks(site, "web4", "web7")
    ran = sync(site)
    assert ran.code == 0
    live = {name: site.live(name) for name in ("web1", "web2", "web3", "web5", "web6", "web10")}
    assert set(live.values()) == {site.desired()}
    assert "is live on 8 of 10 targets" in ran.err
    assert "Left behind: web4 web7" in ran.err


@pytest.mark.parametrize("allowed", ["1", "19%", "0%", "0"])
def test_one_more_closes_the_gate(site: Site, allowed: str) -> None:
    before = site.desired()
    site.config("deploy.max-failed", allowed)
    breaks(site, "web4", "web7")
    ran = sync(site)
    assert ran.code == 71
    assert site.live("web1") == before == site.desired()


def test_who_is_left_behind_is_in_the_report_until_it_converges(site: Site) -> None:
    site.config("deploy.max-failed", "1")
    breaks(site, "web4")
    sync(site)
    site.mend_target("web4")
    assert site.deploy("status").code == 0
    conditions = site.conditions()
    assert conditions.pop("web4") == "behind"
    assert set(conditions.values()) == {"current"}
    site.ok("converge", "web4")
    assert set(site.conditions().values()) == {"current"}
    assert site.everywhere() == {site.desired()}


def test_when_all_fail_the_gate_is_closed_whatever_is_allowed(site: Site) -> None:
    before = site.desired()
    site.config("deploy.max-failed", "100%")
    breaks(site, *(f"web{number}" for number in range(1, 11)))
    assert sync(site).code == 71
    assert site.desired() == before


def test_failures_with_one_cause_are_one_line_with_a_count_and_the_hosts(site: Site) -> None:
    breaks(site, "web3", "web5", "web8")
    site.target("web9").rename(site.root / "away")
    ran = sync(site)
    lines = [line for line in ran.err.splitlines() if line.startswith("  ") and ": " in line]
    one, other = [line for line in lines if "target" in line and "(" in line and "|" not in line][
        -2:
    ]
    assert one.startswith("  3 targets: ")
    assert one.endswith("(web3, web5, web8)")
    assert other.startswith("  1 target: unreachable: ")
    assert other.endswith("(web9)")
    assert "fetch failed on 4 of 10 targets (deploy.max-failed allows 0)" in ran.err


def test_too_many_failures_of_the_switch_take_everyone_back(site: Site) -> None:
    before = site.desired()
    site.config("deploy.max-failed", "1")
    fails_to_switch(site, "web2", "web3")
    ran = sync(site)
    assert ran.code == 71
    assert site.desired() == before
    rest = {site.live(f"web{number}") for number in (1, 4, 5, 6, 7, 8, 9, 10)}
    assert rest == {before}
    assert "switch failed on 2 of 10 targets" in ran.err
    assert "2 targets: path-is-directory" in ran.err
    assert site.deploy("status").code == 2


def test_within_the_threshold_a_failed_switch_is_left_behind(site: Site) -> None:
    site.config("deploy.max-failed", "2")
    fails_to_switch(site, "web2", "web3")
    ran = sync(site)
    assert ran.code == 0, ran.err
    assert "Left behind: web2 web3" in ran.err
    for name in ("web2", "web3"):
        site.slot(name).rmdir()
    site.ok("converge")
    assert site.everywhere() == {site.desired()}


def test_failures_of_both_stages_count_together(site: Site) -> None:
    before = site.desired()
    site.config("deploy.max-failed", "2")
    fails_to_switch(site, "web2", "web3")
    breaks(site, "web9")
    assert sync(site).code == 71
    assert site.desired() == before
    assert site.live("web1") == before


def switches(ran: Ran) -> list[set[str]]:
    started = [one for one in ran.events if one["event"] == "stage-started"]
    return [set(one["targets"]) for one in started if one["stage"] == "switch"]


def test_the_canary_switches_first(site: Site) -> None:
    site.config("deploy.canary", "web7")
    site.config("deploy.canary", "web2")
    groups = switches(sync(site, "--json"))
    assert groups[0] == {"web2", "web7"}
    assert len(groups) == 2
    assert len(groups[1]) == 8


def test_a_failing_canary_stops_the_rest(site: Site) -> None:
    before = site.desired()
    site.config("deploy.canary", "web7")
    fails_to_switch(site, "web7")
    ran = sync(site, "--json")
    assert ran.code == 71
    answers = [one for one in ran.events if one["event"] == "target-answered"]
    asked = {one["outcome"]["target"] for one in answers if one["stage"] == "switch"}
    assert asked == {"web7"}
    assert site.live("web1") == before == site.desired()


@pytest.mark.parametrize(("batch", "sizes"), [("4", [4, 4, 2]), ("50%", [5, 5]), ("1%", [1] * 10)])
def test_the_fleet_switches_batch_by_batch(site: Site, batch: str, sizes: list[int]) -> None:
    site.config("deploy.batch", batch)
    groups = switches(sync(site, "--json"))
    assert [len(group) for group in groups] == sizes
    assert len(set().union(*groups)) == 10


def test_a_batch_with_too_many_failures_is_the_last_and_goes_back(site: Site) -> None:
    before = site.desired()
    site.config("deploy.batch", "5")
    fails_to_switch(site, "web3")
    ran = sync(site, "--json")
    assert ran.code == 71
    assert switches(ran)[0] == {f"web{number}" for number in range(1, 6)}
    assert "web6" not in set().union(*switches(ran))
    assert {site.live(f"web{number}") for number in (1, 2, 4, 5, 6)} == {before}
