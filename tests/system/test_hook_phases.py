"""Hooks of every phase: which run, in which order, and what they are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.site import Site

PHASES = (
    "pre-start", "post-start", "pre-pull", "post-pull", "post-tree-update", "pre-sync", "post-tag",
    "post-sync", "post-finish", "post-abort", "post-reset", "log",
)  # fmt: skip

START = ["pre-start", "post-tag", "pre-pull", "log", "post-pull", "post-tree-update", "post-start"]
BACK = ["post-tree-update", "post-reset"]


def note(site: Site, *variables: str) -> Path:
    """The file in which hooks of all phases write the phase and the variables that they see."""
    told = site.root / "told"
    shown = " ".join(f"${name}" for name in ("GIT_DEPLOY_PHASE", *variables))
    for phase in PHASES:
        site.hook(f"{phase}.note", f'echo "{shown}" >> "{told}"')
    return told


def lines(told: Path) -> list[str]:
    """What was noted since the last time."""
    noted = told.read_text().splitlines() if told.exists() else []
    told.unlink(missing_ok=True)
    return noted


def change(site: Site, text: str = "version 2\n") -> None:
    site.commit({"index.php": text})
    site.push()


class TestTheOrderOfPhases:
    def test_start_and_sync_to_a_fleet(self, site: Site) -> None:
        told = note(site)
        site.ok("start")
        assert lines(told) == START
        change(site)
        site.ok("sync")
        sync = ["pre-sync", "post-tag", "log", "post-sync", "log"]
        assert lines(told) == [*sync, "log", "post-finish"]

    def test_a_start_at_a_tag_makes_none(self, deployed: Site) -> None:
        told = note(deployed)
        deployed.ok("start")
        assert lines(told) == [phase for phase in START if phase != "post-tag"]

    def test_a_start_without_the_remote_goes_through_all_phases(self, site: Site) -> None:
        told = note(site)
        site.ok("--no-remote", "start")
        assert lines(told) == START

    def test_hotfix(self, deployed: Site) -> None:
        told = note(deployed)
        deployed.ok("hotfix")
        assert lines(told) == ["pre-start", "pre-pull", "log", "post-start"]

    def test_sync_by_hand_and_finish(self, plain: Site) -> None:
        plain.ok("start")
        change(plain)
        told = note(plain)
        plain.ok("sync")
        assert lines(told) == ["pre-sync", "post-tag", "log", "post-sync", "log"]
        plain.ok("finish")
        assert lines(told) == ["log", "post-finish"]

    def test_sync_by_the_sync_hook(self, plain: Site) -> None:
        plain.ok("start")
        change(plain)
        told = note(plain)
        plain.sync_hook(f'echo "$GIT_DEPLOY_PHASE" >> "{told}"')
        plain.ok("sync")
        sync = ["pre-sync", "post-tag", "log", "sync", "post-sync", "log"]
        assert lines(told) == [*sync, "log", "post-finish"]

    def test_abort(self, site: Site) -> None:
        site.ok("start")
        told = note(site)
        site.ok("abort")
        assert sorted(lines(told)) == sorted([*BACK, "post-abort", "log"])

    def test_abort_of_a_sync_by_hand(self, plain: Site) -> None:
        plain.ok("start")
        change(plain)
        plain.ok("sync")
        told = note(plain)
        plain.ok("abort")
        assert sorted(lines(told)) == sorted([*BACK, "post-tag", "post-abort", "log"])

    def test_revert_of_a_fleet(self, deployed: Site) -> None:
        old = deployed.desired()
        deployed.rollout({"index.php": "version 2\n"})
        told = note(deployed)
        deployed.ok("revert", old)
        after = [*BACK, "post-sync", "log", "log", "post-finish"]
        assert lines(told) == ["pre-start", "log", *after]

    def test_revert_by_hand(self, plain: Site) -> None:
        plain.ok("start")
        change(plain)
        plain.ok("sync")
        plain.ok("finish")
        told = note(plain)
        plain.ok("revert", "2")
        noted = [phase for phase in lines(told) if phase != "post-tag"]
        assert noted == ["pre-start", "pre-pull", "log", *BACK, "post-start"]

    def test_questions_run_no_hooks(self, deployed: Site) -> None:
        told = note(deployed)
        for question in ("status", "report", "show", "show-tag", "modified", "--list", "check"):
            deployed.deploy(question)
        deployed.deploy("sync", "--dry-run")
        assert lines(told) == []

    def test_skip_hooks_skips_the_log_hooks_and_the_sync_hook_too(self, plain: Site) -> None:
        told = note(plain)
        plain.sync_hook(f'echo "$GIT_DEPLOY_PHASE" >> "{told}"')
        plain.ok("--skip-hooks", "start")
        change(plain)
        ran = plain.ok("--skip-hooks", "sync")
        assert lines(told) == []
        assert "Synchronise by hand" in ran.err


class TestWhatTheyAreTold:
    def test_the_tags_as_soon_as_there_are_some(self, plain: Site) -> None:
        told = note(plain, "GIT_DEPLOY_START_TAG", "GIT_DEPLOY_ROLLOUT_TAG")
        plain.ok("start")
        change(plain)
        plain.ok("sync")
        start, rollout = plain.tags()
        noted = dict(line.split(" ", 1) for line in lines(told))
        assert noted["pre-start"] == " "
        assert noted["pre-pull"] == noted["post-start"] == noted["pre-sync"] == f"{start} "
        assert noted["post-tag"] == noted["post-sync"] == f"{start} {rollout}"
        plain.ok("finish")
        assert lines(told)[-1] == f"post-finish {start} {rollout}"

    def test_a_tag_that_is_not_there_is_not_set_at_all(self, plain: Site) -> None:
        told = plain.root / "told"
        plain.hook("pre-start.note", f'env | grep -c "_TAG=" > "{told}"; true')
        plain.ok("start")
        assert told.read_text() == "0\n"

    @pytest.mark.parametrize("action", ["sync", "manual-sync", "release"])
    def test_the_action_that_runs(self, plain: Site, action: str) -> None:
        plain.config("deploy.can-make-tags", "true")
        plain.ok("start")
        change(plain)
        told = note(plain, "GIT_DEPLOY_ACTION", "GIT_DEPLOY_PREFIX")
        plain.ok(action)
        noted = [line for line in lines(told) if line.startswith(("pre-sync", "post-"))]
        first = [f"{phase} {action} slot0" for phase in ("pre-sync", "post-tag", "post-sync")]
        assert noted[:3] == first
        assert noted[3:] == (["post-finish finish slot0"] if action == "release" else [])

    def test_common_hooks_come_first_each_group_by_name(self, plain: Site) -> None:
        told = plain.root / "told"
        script = f'echo "$(basename "$0") $GIT_DEPLOY_HOOK_PREFIX $GIT_DEPLOY_PREFIX" >> "{told}"'
        plain.hook("pre-start.020_b", script)
        plain.hook("pre-start.010_z", script)
        plain.hook("pre-start.001_first", script, prefix="slot0")
        plain.hook("pre-start.002_other", script, prefix="slot1")
        plain.hook("pre-start.Zz", script, prefix="slot0")
        plain.ok("start")
        assert told.read_text().splitlines() == [
            "pre-start.010_z common slot0",
            "pre-start.020_b common slot0",
            "pre-start.001_first slot0 slot0",
            "pre-start.Zz slot0 slot0",
        ]


class TestTheResultOfASync:
    @pytest.fixture
    def told(self, site: Site) -> Path:
        told = site.root / "told"
        site.hook("post-sync.note", f'echo "$GIT_DEPLOY_ACTION $GIT_DEPLOY_RESULT" >> "{told}"')
        site.ok("start")
        change(site)
        return told

    def test_complete(self, site: Site, told: Path) -> None:
        site.ok("sync")
        assert lines(told) == ["sync complete"]

    def test_incomplete_when_the_gate_closed_before_the_switch(
        self, site: Site, told: Path
    ) -> None:
        site.break_target("web2")
        assert site.deploy("sync").code == 71
        assert lines(told) == ["sync incomplete"]
        site.mend_target("web2")
        site.ok("resync")
        assert lines(told) == ["resync complete"]

    def test_incomplete_when_a_revert_does_not_get_through(self, site: Site, told: Path) -> None:
        site.ok("sync")
        old = site.desired()
        site.rollout({"index.php": "version 3\n"})
        lines(told)
        site.break_target("web2")
        assert site.deploy("revert", old).code == 71
        assert lines(told) == ["revert incomplete"]
        site.mend_target("web2")
        site.ok("resync")
        assert lines(told) == ["resync complete"]

    def test_complete_when_targets_may_be_left_behind(self, site: Site, told: Path) -> None:
        site.config("deploy.max-failed", "1")
        site.break_target("web2")
        site.ok("sync")
        assert lines(told) == ["sync complete"]

    def test_by_hand(self, site: Site, told: Path) -> None:
        site.ok("manual-sync")
        assert lines(told) == ["manual-sync by-hand"]

    def test_a_hook_that_fails_on_an_incomplete_sync_changes_nothing(
        self, site: Site, told: Path
    ) -> None:
        site.hook("post-sync.zz", "exit 9")
        site.break_target("web2")
        ran = site.deploy("sync")
        assert ran.code == 71
        assert "fetch failed on 1 of 3 targets" in ran.err
        assert lines(told) == ["sync incomplete"]


class TestFailures:
    @pytest.mark.parametrize("phase", ["pre-sync", "post-tag"])
    def test_before_the_tag_is_out_a_failure_stops_the_sync(self, plain: Site, phase: str) -> None:
        plain.ok("start")
        change(plain)
        tags = plain.tags()
        hook = plain.hook(f"{phase}.check", "exit 3")
        later = plain.hook(f"{phase}.later", f"touch '{plain.root}/later'")
        ran = plain.deploy("sync")
        assert ran.code == 1
        assert f"the {phase} hook {hook} exited with 3" in ran.err
        assert ran.err.count(str(hook)) == 1
        assert later.exists()
        assert not (plain.root / "later").exists()
        assert plain.tags() == tags
        assert plain.status()["status"] == "started"

    @pytest.mark.parametrize("phase", ["post-tree-update", "post-reset", "post-abort", "log"])
    def test_on_the_way_back_a_failure_stops_nothing(self, plain: Site, phase: str) -> None:
        plain.ok("start")
        hook = plain.hook(f"{phase}.check", "exit 3")
        plain.hook(f"{phase}.later", f"touch '{plain.root}/later'")
        ran = plain.ok("abort")
        assert f"{hook}: exit code 3" in ran.err
        assert (plain.root / "later").exists()
        assert plain.status()["status"] == "none"

    def test_after_the_finish_a_failure_is_only_told(self, plain: Site) -> None:
        plain.ok("start")
        change(plain)
        plain.ok("sync")
        hook = plain.hook("post-finish.check", "exit 3")
        ran = plain.ok("finish")
        assert f"{hook}: exit code 3" in ran.err
        assert plain.status()["status"] == "none"


class TestLogHooks:
    @pytest.fixture
    def told(self, plain: Site) -> Path:
        told = plain.root / "log"
        variables = ("LEVEL", "ANNOUNCE", "MESSAGE")
        shown = " ".join(f"$GIT_DEPLOY_LOG_{name}" for name in variables)
        plain.hook("log.note", f'echo "$GIT_DEPLOY_ACTION $GIT_DEPLOY_PHASE {shown}" >> "{told}"')
        return told

    def test_every_turn_is_announced(self, plain: Site, told: Path) -> None:
        plain.ok("start")
        (line,) = lines(told)
        assert line.startswith("start log info 1 ")
        assert "slot0" in line
        assert plain.tags()[0] in line
        change(plain)
        plain.sync_hook("exit 0")
        plain.ok("sync")
        syncing, synced, finished = lines(told)
        rollout = plain.tags()[-1]
        assert syncing.startswith("sync log info 1 ")
        assert synced.startswith("sync log info 1 ")
        assert finished.startswith("finish log info 1 ")
        for line in (syncing, synced, finished):
            assert rollout in line

    def test_what_repeats_an_announcement_is_for_logs_only(self, site: Site) -> None:
        told = site.root / "log"
        note = 'echo "$GIT_DEPLOY_ACTION $GIT_DEPLOY_LOG_ANNOUNCE $GIT_DEPLOY_LOG_MESSAGE"'
        site.hook("log.note", f'{note} >> "{told}"')
        site.ok("start")
        change(site)
        site.break_target("web2")
        assert site.deploy("sync").code == 71
        site.mend_target("web2")
        site.ok("resync")
        turns = [line.split()[:2] for line in lines(told)]
        assert turns == [
            ["start", "1"],
            ["sync", "1"],  # begins
            ["sync", "1"],  # is not complete
            ["resync", "0"],  # begins again
            ["resync", "1"],  # the release is live
            ["finish", "0"],  # which a complete sync does by itself
        ]

    def test_a_finish_that_somebody_types_is_announced(self, site: Site) -> None:
        hook = site.hook("post-sync.check", "exit 1")
        site.ok("start")
        change(site)
        assert site.deploy("sync").code == 72
        hook.unlink()
        told = site.root / "log"
        site.hook("log.note", f'echo "$GIT_DEPLOY_LOG_ANNOUNCE" >> "{told}"')
        site.ok("finish")
        assert lines(told) == ["1"]

    def test_a_failed_sync_is_a_warning(self, plain: Site, told: Path) -> None:
        plain.ok("start")
        change(plain)
        plain.sync_hook("exit 1")
        lines(told)
        plain.deploy("sync")
        _, failed = lines(told)
        assert failed.startswith("sync log warning 1 ")
        assert "not complete" in failed
        plain.deploy("abort")
        assert all(line.startswith("abort log ") for line in lines(told))

    def test_hotfix_and_revert_are_called_so(self, plain: Site, told: Path) -> None:
        plain.ok("hotfix")
        assert "a hotfix of slot0" in lines(told)[0]
        plain.commit({"index.php": "fixed\n"})
        plain.ok("push-hotfix")
        plain.ok("sync")
        plain.ok("finish")
        lines(told)
        plain.ok("revert", "2")
        assert "a revert of slot0" in lines(told)[0]

    def test_messages_are_what_they_are(self, plain: Site, told: Path) -> None:
        """Nothing in a name is taken for a command."""
        plain.git("config", "user.name", "$(touch pwned) `id`; 'x' \"y\"")
        plain.ok("start")
        assert len(lines(told)) == 1
        assert not (plain.repo / "pwned").exists()

    @pytest.mark.parametrize("script", ["exit 1", "kill -9 $$"])
    def test_one_that_fails_stops_nothing(self, plain: Site, script: str) -> None:
        plain.hook("log.broken", script)
        plain.ok("start")
        change(plain)
        plain.ok("sync")
        plain.ok("finish")

    def test_one_that_hangs_stops_nothing_for_long(self, plain: Site) -> None:
        plain.config("deploy.hook-timeout", "1")
        plain.hook("log.hangs", "exec sleep 600")
        ran = plain.ok("start")
        assert "did not end" in ran.err


class TestOneDirectoryForTwoSlots:
    """Two working repositories of one upstream, a slot each, share the directory of hooks."""

    @pytest.fixture
    def slots(self, site: Site) -> dict[str, Site]:
        shared = site.root / "shared-hooks"
        second = Site(site.root / "second")
        second.root.mkdir()
        site.git("clone", "--quiet", str(site.origin), str(second.repo), at=second.root)
        second.config("deploy.tag-prefix", "slot1")
        second.config("deploy.path", "/srv/site/php-{prefix}")
        for name in ("web1", "web2", "web3"):
            second.config("deploy.target", f"{name}={site.target(name)}")
        shared.mkdir()
        for one in (site, second):
            one.config("deploy.hook-dir", str(shared))
        return {"slot0": site, "slot1": second}

    def write(self, site: Site, prefix: str, script: str) -> None:
        place = site.root / "shared-hooks" / "apps" / prefix
        place.mkdir(parents=True)
        hook = place / "post-sync.restart"
        hook.write_text(f"#!/bin/sh\n{script}\n")
        hook.chmod(0o755)

    def test_each_slot_runs_the_common_hooks_and_its_own(self, slots: dict[str, Site]) -> None:
        site = slots["slot0"]
        told = site.root / "told"
        script = f'echo "$GIT_DEPLOY_HOOK_PREFIX for $GIT_DEPLOY_PREFIX in $PWD" >> "{told}"'
        for prefix in ("common", "slot0", "slot1"):
            self.write(site, prefix, script)
        for one in slots.values():
            one.ok("start")
            one.ok("sync")
        assert lines(told) == [
            f"{group} for {slot} in {one.repo}"
            for slot, one in slots.items()
            for group in ("common", slot)
        ]

    def test_each_ships_to_its_own_slot_at_its_own_time(self, slots: dict[str, Site]) -> None:
        first, second = slots.values()
        for one in slots.values():
            one.ok("start")
        second.commit({"index.php": "the next branch\n"})
        second.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
        for one in slots.values():
            one.ok("sync")
        assert first.files("web1", "slot0")["index.php"] == "version 1\n"
        assert first.files("web1", "slot1")["index.php"] == "the next branch\n"
        assert first.status()["status"] == second.status()["status"] == "none"

    def test_a_hook_that_stops_one_slot_does_not_stop_the_other(
        self, slots: dict[str, Site]
    ) -> None:
        site = slots["slot0"]
        self.write(site, "slot1", 'test "$GIT_DEPLOY_HOOK_PREFIX" != slot1')
        for one in slots.values():
            one.ok("start")
        site.ok("sync")
        assert slots["slot1"].deploy("sync").code == 72
