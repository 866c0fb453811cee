"""Which hooks run, in which order, with which environment, and what a failure does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sartoris.hooks import HookContext, HookFailed, HookReport, Hooks, Phase
from sartoris.hooks.report import HookCannotRun
from sartoris.hooks.run import AFTER_THE_TAG
from sartoris.shell import command

from .conftest import CONTEXT, HookSite


def test_the_phases_are_those_of_the_contract() -> None:
    contract = (
        "pre-start post-start pre-pull post-pull post-tree-update pre-sync post-tag post-sync "
        "post-finish post-abort post-reset log"
    )

    assert [str(phase) for phase in Phase] == contract.split()


def test_common_hooks_run_before_those_of_the_prefix_each_by_name(site: HookSite) -> None:
    for name in ("slot0/pre-sync.1", "common/pre-sync.b", "common/pre-sync.B", "common/pre-sync.10",
                 "common/pre-sync.C",
                 "common/pre-sync.9", "common/pre-sync.\u00e9", "slot0/post-sync.1",
                 "slot1/pre-sync.1", "slot0/pre-syncing"):  # fmt: skip
        site.add(f"apps/{name}", f"echo '{name}' >> ran")

    site.hooks().run(Phase.PRE_SYNC, CONTEXT)

    assert site.ran == [
        "common/pre-sync.10",
        "common/pre-sync.9",
        "common/pre-sync.B",
        "common/pre-sync.C",
        "common/pre-sync.b",
        "common/pre-sync.\u00e9",
        "slot0/pre-sync.1",
    ]
    assert [report.exit_code for report in site.told] == [0] * 7


def test_hooks_of_a_prefix_called_common_run_once(site: HookSite) -> None:
    site.add("apps/common/pre-sync.1", "echo once >> ran")

    site.hooks().run(Phase.PRE_SYNC, HookContext("sync", "common"))

    assert site.ran == ["once"]


def test_a_hook_whose_name_is_not_utf8_runs(site: HookSite) -> None:
    path = site.add("apps/common/pre-sync.x", "echo odd >> ran")
    odd = path.with_name("pre-sync.\udcff")
    path.rename(odd)

    site.hooks().run(Phase.PRE_SYNC, CONTEXT)

    assert site.ran == ["odd"]
    assert site.told[0].hook == odd


def test_what_is_no_hook_is_passed_over_with_a_reason(site: HookSite) -> None:
    site.add("apps/slot0/post-tag.0", "exit 1", mode=0o644)
    site.add("apps/slot0/post-tag.1.bak", "exit 1")
    site.add("apps/slot0/post-tag.2~", "exit 1")
    (site.directory / "apps/slot0/post-tag.3").mkdir()
    (site.directory / "apps/slot0/post-tag.4").symlink_to("nothing")

    site.hooks().run(Phase.POST_TAG, CONTEXT)

    assert [(report.hook.name, report.skipped_reason) for report in site.told] == [
        ("post-tag.0", "it is not executable"),
        ("post-tag.1.bak", "it is called like a backup copy"),
        ("post-tag.2~", "it is called like a backup copy"),
        ("post-tag.3", "it is not a file"),
        ("post-tag.4", "it is a symbolic link to nothing"),
    ]
    assert all(report.ok and report.exit_code is None for report in site.told)


def test_before_the_tag_backup_copies_and_directories_are_no_hooks(site: HookSite) -> None:
    site.add("apps/slot0/pre-sync.1.bak", "exit 1", mode=0o644)
    (site.directory / "apps/slot0/pre-sync.3").mkdir()

    site.hooks().run(Phase.PRE_SYNC, CONTEXT)

    assert [report.ok for report in site.told] == [True, True]


def test_a_check_that_lost_its_execute_bit_stops_the_rollout_and_others_are_off(
    site: HookSite,
) -> None:
    site.add("apps/common/pre-sync.1", "echo ran >> ran")
    off = site.add("apps/slot0/pre-start.1", "exit 1", mode=0o644)
    check = site.add("apps/slot0/pre-sync.1", "exit 1", mode=0o644)

    site.hooks().run(Phase.PRE_START, CONTEXT)
    assert [(report.hook, report.ok) for report in site.told] == [(off, True)]
    with pytest.raises(HookCannotRun) as caught:
        site.hooks().run(Phase.PRE_SYNC, CONTEXT)

    assert caught.value.message == f"the pre-sync hook {check} cannot run: it is not executable"
    assert caught.value.next_steps[0] == command("chmod", "+x", str(check))
    assert site.ran == []  # not even the one before it


NOEXEC = os.statvfs_result((4096, 4096, 1, 1, 1, 1, 1, 1, os.ST_NOEXEC, 255))


@pytest.mark.parametrize("phase", [Phase.PRE_START, Phase.PRE_SYNC, Phase.POST_START])
@pytest.mark.parametrize(("flags", "reason"), [(True, "noexec"), (False, "and not for you")])
def test_a_hook_with_its_bit_that_cannot_be_executed_stops_the_rollout(
    site: HookSite, monkeypatch: pytest.MonkeyPatch, phase: Phase, flags: bool, reason: str
) -> None:
    site.add(f"apps/slot0/{phase}.1", "exit 1")
    monkeypatch.setattr(os, "access", lambda *_: False)
    if flags:
        monkeypatch.setattr(os, "statvfs", lambda _: NOEXEC)

    with pytest.raises(HookCannotRun, match=reason):
        site.hooks().run(phase, CONTEXT)


def test_a_hook_that_leads_to_nothing_stops_the_rollout_and_no_way_back(site: HookSite) -> None:
    (site.directory / "apps/slot0").mkdir(parents=True)
    (site.directory / "apps/slot0/pre-start.1").symlink_to("nothing")

    with pytest.raises(HookCannotRun, match="a symbolic link to nothing"):
        site.hooks().run(Phase.PRE_START, CONTEXT)
    site.hooks().run(Phase.PRE_START, HookContext("revert", "slot0"))


def test_what_runs_after_the_tag_is_looked_at_before_it(site: HookSite) -> None:
    (site.directory / "apps/slot0").mkdir(parents=True)
    (site.directory / "apps/slot0/post-sync.1").symlink_to("nothing")

    with pytest.raises(HookCannotRun, match=r"post-sync hook .*post-sync.1 cannot run"):
        site.hooks().require(CONTEXT, *AFTER_THE_TAG)


def test_a_place_for_hooks_that_leads_to_nothing_is_a_failure(site: HookSite) -> None:
    (site.directory / "apps").mkdir()
    (site.directory / "apps/common").symlink_to("nothing")

    with pytest.raises(HookFailed, match="cannot be read"):
        site.hooks().run(Phase.PRE_SYNC, CONTEXT)


def test_without_a_hook_directory_nothing_runs_and_nothing_is_said(site: HookSite) -> None:
    hooks = Hooks(None, site.work_tree, timeout=1, listener=site.listener)

    hooks.run(Phase.PRE_SYNC, CONTEXT)

    assert hooks.run_all(Phase.LOG, CONTEXT) == []
    assert hooks.sync_hook("slot0") is None
    assert site.told == []


def test_a_configured_directory_that_is_missing_stops_the_rollout(site: HookSite) -> None:
    site.directory.rmdir()

    with pytest.raises(HookCannotRun, match="there is no such directory") as caught:
        site.hooks().run(Phase.PRE_START, CONTEXT)

    assert caught.value.next_steps[0] == command("mkdir", "-p", str(site.directory))


def test_on_the_way_back_a_directory_that_is_missing_is_warned_about_once(site: HookSite) -> None:
    site.directory.rmdir()
    hooks, back = site.hooks(), HookContext("revert", "slot0")

    hooks.run(Phase.PRE_START, back)
    hooks.run(Phase.POST_TAG, back)

    assert [(report.hook, report.ok) for report in site.told] == [(site.directory, True)]
    assert "there is no such directory" in site.told[0].skipped_reason


def test_a_directory_of_hooks_that_cannot_be_read_is_a_failure(site: HookSite) -> None:
    (site.directory / "apps").mkdir()
    (site.directory / "apps/slot0").symlink_to("slot0")

    with pytest.raises(HookFailed, match="cannot be read: Too many levels of symbolic links"):
        site.hooks().run(Phase.PRE_SYNC, CONTEXT)


def test_the_first_failure_stops_the_phase(site: HookSite) -> None:
    site.add("apps/common/pre-sync.1", "echo 1 >> ran")
    failing = site.add("apps/common/pre-sync.2", "echo 2 >> ran; echo not today >&2; exit 3")
    site.add("apps/common/pre-sync.3", "echo 3 >> ran")
    site.add("apps/slot0/pre-sync.1", "echo slot >> ran")

    with pytest.raises(HookFailed) as caught:
        site.hooks().run(Phase.PRE_SYNC, CONTEXT)

    assert site.ran == ["1", "2"]
    assert caught.value.exit_code == 1
    assert caught.value.message == f"the pre-sync hook {failing} exited with 3"
    assert caught.value.next_steps[0].startswith("git deploy sync")
    assert caught.value.report.output_tail == "not today"
    assert site.told[-1] == caught.value.report
    assert caught.value.report.stops


def test_on_the_way_back_all_hooks_run_and_failures_are_only_reported(site: HookSite) -> None:
    site.add("apps/common/post-abort.1", "exit 3")
    site.add("apps/common/post-abort.2", "echo 2 >> ran")

    reports = site.hooks().run_all(Phase.POST_ABORT, CONTEXT)

    assert [report.failure for report in reports] == ["exited with 3", ""]
    assert not any(report.stops for report in reports)
    assert site.ran == ["2"]
    assert site.told == reports


def test_hooks_run_at_the_top_of_the_work_tree(site: HookSite) -> None:
    site.add("apps/common/pre-sync.1", "pwd >> ran")

    site.hooks().run(Phase.PRE_SYNC, CONTEXT)

    assert site.ran == [str(site.work_tree)]


def test_a_relative_hook_directory_is_found_from_the_work_tree_too(
    site: HookSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add("apps/common/pre-sync.1", "echo ran >> ran")
    monkeypatch.chdir(site.directory.parent)
    hooks = Hooks(Path(site.directory.name), site.work_tree, timeout=9, listener=site.listener)

    hooks.run(Phase.PRE_SYNC, CONTEXT)

    assert site.ran == ["ran"]


def _variables(site: HookSite) -> dict[str, str]:
    """The contract's variables as the hook found them, and all of git's."""
    pairs = (line.partition("=") for line in site.ran)
    return {name: value for name, _, value in pairs if name.startswith(("GIT", "DEPLOY"))}


def test_the_environment_is_exactly_the_contracts(
    site: HookSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.startswith("GIT"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_DEPLOY_ROLLOUT_TAG", "of-a-rollout-around-us")
    monkeypatch.setenv("DEPLOY_ROLLBACK_TAG", "of-a-rollout-around-us")
    site.add("apps/slot0/post-tag.1", "env >> ran")
    context = HookContext("sync", "slot0", start_tag="slot0-1", extra={"GIT_DEPLOY_LOG_LEVEL": "x"})

    site.hooks().run(Phase.POST_TAG, context)

    assert _variables(site) == {
        "GIT_DEPLOY_ACTION": "sync",
        "GIT_DEPLOY_PHASE": "post-tag",
        "GIT_DEPLOY_PREFIX": "slot0",
        "GIT_DEPLOY_HOOK_PREFIX": "slot0",
        "GIT_DEPLOY_START_TAG": "slot0-1",
        "GIT_DEPLOY_LOG_LEVEL": "x",
    }


def test_common_hooks_are_told_that_they_are(site: HookSite) -> None:
    site.add("apps/common/post-tag.1", "echo $GIT_DEPLOY_HOOK_PREFIX $GIT_DEPLOY_PREFIX >> ran")

    site.hooks().run(Phase.POST_TAG, CONTEXT)

    assert site.ran == ["common slot0"]


def test_nothing_ties_a_hook_to_the_callers_repository(
    site: HookSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
    for name in foreign:
        monkeypatch.setenv(name, "/somewhere")
    site.add("apps/common/pre-sync.1", "env >> ran")

    site.hooks().run(Phase.PRE_SYNC, CONTEXT)

    assert not set(foreign) & set(_variables(site))


def test_the_sync_hook_is_found_by_its_prefix(site: HookSite) -> None:
    path = site.add("sync/slot0.sync")

    assert site.hooks().sync_hook("slot0") == path
    assert site.hooks().sync_hook("slot1") is None
    assert site.told == []


def test_a_sync_hook_that_is_not_executable_is_passed_over_with_a_warning(site: HookSite) -> None:
    path = site.add("sync/slot0.sync", mode=0o644)

    assert site.hooks().sync_hook("slot0") is None
    assert site.told == [HookReport(path, "sync", skipped_reason="it is not executable")]
    site.hooks().require_sync_hook(CONTEXT)  # switched off, as one does it with git-deploy


def test_a_sync_hook_that_is_wanted_and_cannot_run_is_replaced_by_nothing_else(
    site: HookSite,
) -> None:
    (site.directory / "sync").mkdir()
    (site.directory / "sync/slot0.sync").symlink_to("nothing")

    with pytest.raises(HookCannotRun, match="the sync hook"):
        site.hooks().require_sync_hook(CONTEXT)


def test_the_sync_hook_gets_its_own_variables_beside_the_others(site: HookSite) -> None:
    path = site.add("sync/slot0.sync", "env >> ran", "exit 7")
    context = HookContext("sync", "slot0", rollout_tag="slot0-2")

    looks: list[None] = []
    report = site.hooks().run_sync_hook(
        path, context, {"DEPLOY_ROLLOUT_TAG": "slot0-2"}, meanwhile=lambda: looks.append(None)
    )

    assert looks
    assert (report.phase, report.failure, report.stops) == ("sync", "exited with 7", True)
    assert site.told == [report]
    found = _variables(site)
    assert found["DEPLOY_ROLLOUT_TAG"] == found["GIT_DEPLOY_ROLLOUT_TAG"] == "slot0-2"
    assert found["GIT_DEPLOY_PHASE"] == "sync"
