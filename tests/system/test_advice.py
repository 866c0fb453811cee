"""Every "Next:" is typed as it stands, in the situation that prints it, and leads on.

`SITUATIONS` names the place in the source that gives the advice, `NOT_TYPED` those whose advice is
not typed here and why. A new place that is in neither fails the first test.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import sartoris
from tests.system.advice import advice, is_for_a_person, leads_on, type_step
from tests.system.site import Ran, Site

SOURCE = Path(sartoris.__file__).parent


def places() -> set[str]:
    """Where errors with `next_steps` are made: module:class.function."""
    return {
        f"{path.relative_to(SOURCE).with_suffix('')}:{name}"
        for path in SOURCE.rglob("*.py")
        for name in _in(ast.parse(path.read_text()), ())
    }


def _in(node: ast.AST, names: tuple[str, ...]) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        inner = (*names, child.name) if isinstance(child, ast.FunctionDef | ast.ClassDef) else names
        if isinstance(child, ast.Call) and any(one.arg == "next_steps" for one in child.keywords):
            yield ".".join(names)
        yield from _in(child, inner)


def fresh(site: Site) -> str:
    return site.commit({"index.php": "version 2\n"})


def no_rollout(site: Site) -> Ran:
    fresh(site)
    site.push()
    return site.deploy("sync")


def another_remote(site: Site) -> Ran:
    site.git("remote", "rename", "origin", "upstream")
    return site.deploy("start")


def not_pushed(site: Site) -> Ran:
    site.ok("start")
    fresh(site)
    return site.deploy("sync")


def hotfix_while_the_remote_has_moved_on(site: Site) -> Ran:
    site.push_elsewhere({"lib/a.php": "theirs\n"})
    site.git("fetch", "--quiet")
    site.ok("hotfix")
    fresh(site)
    return site.deploy("sync")


def hotfix_while_the_remote_has_moved_on_unseen(site: Site) -> Ran:
    site.ok("hotfix")
    site.push_elsewhere({"lib/a.php": "theirs\n"})
    fresh(site)
    return site.deploy("sync")


def somebody_else_s(site: Site) -> Ran:
    with site.typed_by("Colleague"):
        site.ok("start")
    fresh(site)
    site.push()
    return site.deploy("sync")


def diverged(site: Site) -> Ran:
    site.push_elsewhere({"lib/a.php": "theirs\n"})
    fresh(site)
    return site.deploy("start")


def new_branch(site: Site) -> Ran:
    site.git("checkout", "--quiet", "-b", "topic")
    return site.deploy("start")


def submodule_away(site: Site) -> Ran:
    site.add_submodule("ext/Cite", {"Cite.php": "1\n"})
    site.ok("start")
    site.git("submodule", "--quiet", "deinit", "--force", "ext/Cite")
    site.config("submodule.ext.update", "none")
    return site.deploy("sync")


def committed_after_the_sync(site: Site) -> Ran:
    site.ok("start")
    fresh(site)
    site.push()
    hook = site.hook("post-sync.check", "exit 1")
    assert site.deploy("sync").code == 72
    hook.unlink()
    site.commit({"index.php": "version 3\n"})
    return site.deploy("finish")


def other_prefix(site: Site) -> Ran:
    site.ok("start")
    fresh(site)
    site.push()
    return site.deploy("sync", "slot1")


def started_twice(site: Site) -> Ran:
    site.ok("start")
    fresh(site)
    site.push()
    return site.deploy("start")


def gate_closed(site: Site) -> Ran:
    site.ok("start")
    fresh(site)
    site.push()
    site.break_target("web1")
    ran = site.deploy("sync")
    site.mend_target("web1")
    return ran


def tags_not_taken(site: Site) -> Ran:
    site.ok("start")
    fresh(site)
    site.push()
    hook = site.origin / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ncase $1 in refs/tags/*) rm -f $0; exit 1;; esac\n")
    hook.chmod(0o755)
    return site.deploy("sync")


def finished_too_early(site: Site) -> Ran:
    site.ok("start")
    fresh(site)
    site.push()
    return site.deploy("finish")


def post_sync_failed(site: Site) -> Ran:
    site.ok("start")
    fresh(site)
    site.push()
    hook = site.hook("post-sync.check", "exit 1")
    ran = site.deploy("sync")
    hook.unlink()
    return ran


def hook_failed(site: Site) -> Ran:
    hook = site.hook("pre-start.check", "exit 1")
    ran = site.deploy("start")
    hook.unlink()
    return ran


def converge_of_nothing(site: Site) -> Ran:
    return site.deploy("converge")


def taken_over_when_tagged(site: Site) -> Ran:
    with site.typed_by("Colleague"):
        gate_closed(site)
    return site.deploy("--force", "start")


def reverted_to_a_start_tag(site: Site) -> Ran:
    for version in ("2", "3"):
        site.rollout({"index.php": f"version {version}\n"})
    return site.deploy("revert", site.tags()[0])


def on_another_branch(site: Site) -> Ran:
    site.rollout({"index.php": "version 2\n"})
    site.git("checkout", "--quiet", "-b", "topic")
    site.commit({"index.php": "of the topic\n"})
    site.git("push", "--quiet", "--set-upstream", "origin", "topic")
    return site.deploy("start")


def hotfix_of_more_than_is_live(site: Site) -> Ran:
    site.rollout({"index.php": "version 2\n"})
    site.commit({"index.php": "not for production\n"})
    return site.deploy("hotfix")


def shipped_by_hand(site: Site) -> Ran:
    site.git("config", "--unset-all", "deploy.target")
    ran = site.deploy("ship")
    site.config("deploy.target", f"web1={site.target('web1')}")
    return ran


def misspelt_prefix(site: Site) -> Ran:
    site.rollout({"index.php": "version 2\n"})
    site.commit({"index.php": "version 3\n"})
    site.push()
    return site.deploy("start", "slto0")


def rolled_back_unasked(site: Site) -> Ran:
    for version in ("2", "3"):
        site.rollout({"index.php": f"version {version}\n"})
    return site.run("rollback")


def abort_that_does_not_reach_a_target(site: Site) -> Ran:
    post_sync_failed(site)
    return _without_the_target(site, "abort")


def _without_the_target(site: Site, command: str) -> Ran:
    away = site.target("web1").rename(site.root / "away")
    ran = site.run(command)  # with what a script of the site says
    away.rename(site.target("web1"))
    return ran


def sync_hook_that_does_not_go_back(site: Site) -> Ran:
    site.git("config", "--unset-all", "deploy.target")
    site.sync_hook('[ -e "$PWD/../well" ]')
    site.ok("start")
    fresh(site)
    site.push()
    assert site.deploy("sync").code == 71
    ran = site.deploy("abort")
    (site.root / "well").touch()
    return ran


def sync_hook_failed(site: Site) -> Ran:
    site.sync_hook('[ -e "$PWD/../well" ]')
    site.ok("start")
    fresh(site)
    site.push()
    ran = site.deploy("sync")
    (site.root / "well").touch()
    return ran


def sync_hook_missing(site: Site) -> Ran:
    sync_hook_failed(site)
    (site.root / "hooks" / "sync" / "slot0.sync").unlink()
    return site.deploy("resync")


def script_typed_by_hand(site: Site) -> Ran:
    hook = _script(site)
    site.ok("start")
    fresh(site)
    site.push()
    return type_step(site, str(hook))


def script_that_outlives_its_parent(site: Site) -> Ran:
    hook = _script(site)
    site.ok("start")
    fresh(site)
    site.push()
    well = hook.read_text()
    hook.write_text("#!/bin/sh\nexit 1\n")
    assert site.deploy("sync").code == 71
    hook.write_text(well)
    tag = site.status()["rollout"]["rollout_tag"]
    return type_step(site, f"DEPLOY_ROLLOUT_TAG={tag} GIT_DEPLOY_PROCESS=999999999 {hook}")


def script_that_cannot_take_back(site: Site) -> Ran:
    _script(site)
    site.ok("start")
    fresh(site)
    site.push()
    post = site.hook("post-sync.check", "exit 1")
    assert site.deploy("sync").code == 72
    post.unlink()
    ran = _without_the_target(site, "abort")
    assert "Not back: web1" in ran.err
    return ran


def _script(site: Site) -> Path:
    """A sync script in Python, as in docs/sync-scripts.md."""
    hook = site.sync_hook()
    lines = [
        f"#!{sys.executable}",
        "from sartoris.script import Sync",
        "with Sync.of_this_rollout() as sync:",
        "    release = sync.publish()",
        "    sync.gate(sync.fetch(release))",
        "    sync.gate(sync.switch(release))",
    ]
    hook.write_text("\n".join(lines) + "\n")
    return hook


def revert_to_what_is_live(site: Site) -> Ran:
    site.ok("start")
    site.ok("sync")
    return site.deploy("revert", site.desired())


def revert_to_what_is_checked_out(site: Site) -> Ran:
    repeat_by_hand(site)
    site.ok("finish")
    return site.deploy("revert", "1")


def repeat_by_hand(site: Site) -> Ran:
    site.git("config", "--unset-all", "deploy.target")
    site.ok("start")
    fresh(site)
    site.push()
    site.ok("sync")
    return site.deploy("resync")


def finished_without_a_tag(site: Site) -> Ran:
    site.git("config", "--unset-all", "deploy.target")
    site.ok("start")
    fresh(site)
    site.push()
    hook = site.hook("post-tag.check", "kill -9 $PPID")
    assert site.run("sync").code == -9
    hook.unlink()
    site.git("tag", "--delete", site.status()["rollout"]["rollout_tag"])
    return site.deploy("finish")


def converge_that_does_not_reach_a_target(site: Site) -> Ran:
    site.ok("start")
    site.ok("sync")
    site.slot("web1").unlink()
    return _without_the_target(site, "converge")


def tag_not_taken(site: Site) -> Ran:
    site.config("deploy.can-make-tags", "true")
    hook = site.origin / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    ran = site.deploy("tag")
    hook.unlink()
    return ran


def finnish(site: Site) -> Ran:
    post_sync_failed(site)
    return site.deploy("finnish")


def nothing_to_revert_to(site: Site) -> Ran:
    return site.deploy("revert", answers="1\n")


def damaged_journal(site: Site) -> Ran:
    site.ok("start")
    site.ok("sync")
    for end in ("-wal", "-shm"):
        (site.state_directory / f"journal.sqlite{end}").unlink(missing_ok=True)
    (site.state_directory / "journal.sqlite").write_text(
        "no journal at all, but long enough\n" * 99
    )
    return site.deploy("start")


def commit_of_a_submodule_that_is_not_here(site: Site) -> Ran:
    """A pre-sync hook records it: everything else is refused before."""
    source = site.add_submodule("ext/Cite", {"Cite.php": "1\n"})
    site.ok("start")
    (source / "Cite.php").write_text("2\n")
    site.git("commit", "--quiet", "--all", "-m", "two", at=source)
    newer = site.git("rev-parse", "HEAD", at=source)
    hook = site.hook(
        "pre-sync.record",
        f"git update-index --cacheinfo 160000,{newer},ext/Cite && git commit --quiet -m moved"
        " && git push --quiet origin HEAD",
    )
    ran = site.deploy("sync")
    hook.unlink()
    return ran


def published_with_real_submodules(site: Site) -> Ran:
    site.add_submodule("ext/Cite", {"Cite.php": "1\n"})
    site.config("deploy.submodules", "update")
    gate_closed(site)
    site.set("deploy.submodules", "compose")
    return site.deploy("resync")


def started_in_another_work_tree(site: Site) -> Ran:
    site.git("branch", "second")
    site.git("push", "--quiet", "origin", "second")
    other = site.root / "second"
    site.git("worktree", "add", "--quiet", str(other), "second")
    assert site.deploy("start", at=other).code == 0
    return site.deploy("sync")


def submodule_that_cannot_be_cloned(site: Site) -> Ran:
    source = site.root / "origin" / "ext"
    source.mkdir()
    site.git("init", "--quiet", at=source)
    site.git("commit", "--quiet", "--allow-empty", "-m", "begins", at=source)
    colleague = site.root / "colleague"
    site.git("clone", "--quiet", str(site.origin), str(colleague), at=site.root)
    site.git("submodule", "--quiet", "add", str(source), "ext", at=colleague)
    site.push_elsewhere({})
    site.git("config", "--global", "--unset", "protocol.file.allow")
    return site.deploy("start")


def unreadable_modules(site: Site) -> Ran:
    site.push_elsewhere({".gitmodules": "<<<<<<< HEAD\n"})
    ran = site.deploy("start")
    (site.root / "colleague" / ".gitmodules").unlink()
    site.push_elsewhere({})
    return ran


def partial_clone_without_its_remote(site: Site) -> Ran:
    site.commit({"big/b": "b\n"})
    site.push()
    for name in ("allowFilter", "allowAnySHA1InWant"):
        site.git("config", f"uploadpack.{name}", "true", at=site.origin)
    site.clone_again("--filter=blob:none", "--sparse")
    site.ok("start")
    with site.no_network():
        return site.deploy("sync")


def remote_renamed_in_a_rollout(site: Site) -> Ran:
    site.ok("hotfix")
    fresh(site)
    site.git("remote", "rename", "origin", "upstream")
    return site.deploy("push-hotfix")


Situation = Callable[[Site], Ran]

SITUATIONS: tuple[tuple[str, Situation], ...] = (
    ("rollout/lock:NoRollout.__init__", no_rollout),
    ("cli/commands/slot:command", lambda site: site.deploy("slot", "show")),
    ("queries/slots:slot_named", lambda site: site.deploy("slot", "show", "nothing")),
    ("rollout/checks:require_remote", another_remote),
    ("rollout/checks:require_pushed", not_pushed),
    ("rollout/checks:require_pushed", hotfix_while_the_remote_has_moved_on),
    ("rollout/checks:require_pushed", hotfix_while_the_remote_has_moved_on_unseen),
    ("rollout/lock:LockHeld.__init__", somebody_else_s),
    ("workspace/worktree:Workspace._newest", diverged),
    ("workspace/worktree:Workspace._fetch", new_branch),
    ("releases/compose:SubmoduleNotCheckedOut.__init__", submodule_away),
    ("actions/finish:_require_head", committed_after_the_sync),
    ("rollout/session:require_prefix", other_prefix),
    ("rollout/session:take_over_unfinished_start", started_twice),
    ("actions/roll_out:stopped", gate_closed),
    ("actions/tagging:_push", tags_not_taken),
    ("rollout/transitions:require_allowed", finished_too_early),
    ("actions/finish:run_post_sync", post_sync_failed),
    ("hooks/report:HookFailed.__init__", hook_failed),
    ("actions/converge:_require_something", converge_of_nothing),
    ("actions/start:require_may_take_over", taken_over_when_tagged),
    ("actions/choice:_require_was_live", reverted_to_a_start_tag),
    ("rollout/checks:require_remote", remote_renamed_in_a_rollout),
    ("actions/abort:_require_all_back", abort_that_does_not_reach_a_target),
    ("actions/abort:_require_all_back", sync_hook_that_does_not_go_back),
    ("actions/sync_hook:run_sync_hook", sync_hook_failed),
    ("actions/sync_hook:_hook", sync_hook_missing),
    ("actions/invocation:Call.of", script_typed_by_hand),
    ("actions/invocation:ScriptContext.require_parent", script_that_outlives_its_parent),
    ("script:_Rollback._not_back", script_that_cannot_take_back),
    ("actions/choice:_refuse_what_is_live", revert_to_what_is_live),
    ("actions/choice:_refuse_what_is_live", revert_to_what_is_checked_out),
    ("actions/sync:_require_something_to_repeat", repeat_by_hand),
    ("actions/finish:_require_tag", finished_without_a_tag),
    ("actions/converge:_require_converged", converge_that_does_not_reach_a_target),
    ("actions/tag:_make", tag_not_taken),
    ("cli/commands/finnish:command", finnish),
    ("cli/commands/revert:_ask", nothing_to_revert_to),
    ("journal/unusable:unusable", damaged_journal),
    ("releases/compose:SubmoduleCommitMissing.__init__", commit_of_a_submodule_that_is_not_here),
    ("releases/publish:PublishRepository._complete", published_with_real_submodules),
    ("git/partial:_not_brought", partial_clone_without_its_remote),
    ("rollout/session:_require_work_tree", started_in_another_work_tree),
    ("workspace/submodules:_not_updated", submodule_that_cannot_be_cloned),
    ("workspace/worktree:Workspace._require_readable_modules", unreadable_modules),
    ("cli/confirming:Asking.__call__", rolled_back_unasked),
    ("cli/confirming:Asking.__call__", on_another_branch),
    ("cli/confirming:Asking.__call__", hotfix_of_more_than_is_live),
    ("actions/ship:_require_a_way", shipped_by_hand),
    ("actions/new_prefix:require_known_prefix", misspelt_prefix),
)

_LOOKS = "asks only for a look, or for a change outside of git: there is no command to type"
_CHOICE = "what to type depends on an answer that only a person has (a name, a number, a branch)"
_PASSED_ON = "hands on the steps of another error"
_ELSEWHERE = "typed where that situation is tested"
_MACHINE = "needs another machine, program or release than a test has"

NOT_TYPED: dict[str, str] = {
    "transports/ssh_files:allow": f"{_MACHINE}; its number: ssh/test_bad_days.py",
    "rollout/listed_targets:_bad": "runs the site's own program: test_listed_targets.py",
    "cli/boundary:_tell_interrupt": _PASSED_ON,
    "queries/doctor/shadowed:in_their_files": _PASSED_ON,
    "actions/away:_targets": _CHOICE,
    "actions/away:bring_back": f"{_ELSEWHERE}: unit/actions/test_away.py, salt/test_away.py",
    "fleet/fleet:Fleet.chosen": f"{_ELSEWHERE}: unit/actions/test_away.py",
    "actions/abort:_reset_work_tree": _PASSED_ON,
    "actions/after_revert:_reset": _PASSED_ON,
    "actions/choice:_name_the_open_rollout": f"{_ELSEWHERE}: unit/actions/test_converge.py",
    "actions/choice:_numbered": _CHOICE,
    "actions/choice:_require_that_numbers_stand": f"{_ELSEWHERE}: unit/actions/test_converge.py",
    "actions/choice:_resolve": _LOOKS,
    "actions/choice:release_before": _LOOKS,
    "actions/sync:_require_other_than_live": _LOOKS,
    "actions/converge:_without_open_rollout": f"{_ELSEWHERE}: unit/actions/test_converge.py",
    "actions/invocation:_require_tag": _LOOKS,
    "actions/invocation:script_context": _CHOICE,
    "actions/lost:abort_without_state": f"{_ELSEWHERE}: test_damage.py",
    "actions/purge:require_purged": f"{_ELSEWHERE}: test_varnish.py",
    "actions/push_hotfix:_not_merged": f"{_ELSEWHERE}: test_hotfix.py",
    "actions/roll_out:not_switched": _LOOKS,
    "actions/roll_out:require_lock": _LOOKS,
    "actions/service:_incomplete": _LOOKS,
    "actions/service:_require_service": _CHOICE,
    "cli/commands/revert:_answer": _CHOICE,
    "cli/context:here": _CHOICE,
    "cli/operator:formula": _MACHINE,
    "cli/questions:_hook_dir": _CHOICE,
    "cli/questions:_prefix": _PASSED_ON,
    "config/problems:ConfigError.__init__": _PASSED_ON,
    "demo/stage:Stage.run": _MACHINE,
    "demo/stage:fresh_directory": _CHOICE,
    "documents:NewerVersion.__init__": _MACHINE,
    "errors:GitFailed.__init__": _PASSED_ON,
    "errors:GitTimedOut.__init__": _MACHINE,
    "errors:MachineTrouble.of": _LOOKS,
    "git/command:Git._not_started": _MACHINE,
    "git/environment:require_same_repository": _CHOICE,
    "git/repository:NotARepository.__init__": _CHOICE,
    "rollout/checks:require_no_filters": _CHOICE,
    "git/unknown_submodules:UnknownSubmodules.__init__": _CHOICE,
    "git/pushing:HalfPushed.__init__": _PASSED_ON,
    "git/repository:_not_signed": _MACHINE,
    "journal/unusable:JournalMoved.__init__": _LOOKS,
    "journal/unusable:JournalTooNew.__init__": _MACHINE,
    "journal/unusable:_held": _LOOKS,
    "queries/history:_unknown": _LOOKS,
    "releases/links:LinksLeadOut.__init__": _CHOICE,
    "releases/publish:PublishRepository._create": _CHOICE,
    "releases/submodule_refs:pack_bundle": _LOOKS,
    "rollout/checks:require_branch": _CHOICE,
    "rollout/checks:require_clean_tree": _CHOICE,
    "rollout/checks:require_commits": _CHOICE,
    "rollout/checks:require_not_blocked": _LOOKS,
    "actions/shared:_chosen": _CHOICE,
    "actions/shared:_fleet": _CHOICE,
    "actions/shared:adopt_shared": f"{_ELSEWHERE}: test_shared.py",
    "rollout/checks:require_place": _CHOICE,
    "rollout/checks:require_something_new_since": _CHOICE,
    "rollout/checks:require_tags_allowed": _CHOICE,
    "rollout/checks:require_umask": _CHOICE,
    "rollout/deploy_file:current_text": _LOOKS,
    "rollout/lock:CommandRunning.__init__": _LOOKS,
    "rollout/lock:OtherRepository.__init__": _LOOKS,
    "rollout/person:require_identity": _CHOICE,
    "rollout/recovery:Recovery._lost": f"{_ELSEWHERE}: test_damage.py",
    "rollout/sharing:require_may_write": f"{_ELSEWHERE}: test_several_people.py",
    "rollout/sharing:require_trust": f"{_ELSEWHERE}: test_several_people.py",
    "rollout/site:Site.prefix": _CHOICE,
    "salt/formula:_in_the_way": _MACHINE,
    "salt/formula:_no_room": _MACHINE,
    "transports/salt:SaltTransport._names": _MACHINE,
    "transports/salt_bridge:_failure": _MACHINE,
    "transports/salt_bridge:_python": _MACHINE,
    "workspace/worktree:Workspace._fast_forward": f"{_ELSEWHERE}: unit/workspace/test_worktree.py",
    "workspace/worktree:Workspace._unmerged": f"{_ELSEWHERE}: unit/workspace/test_worktree.py",
}


def test_every_place_that_gives_advice_is_typed_or_explained() -> None:
    known = {place for place, _ in SITUATIONS} | set(NOT_TYPED)
    assert places() - known == set(), "type their advice in a situation, or say why not"
    assert known - places() == set(), "these are not in the source any more"


@pytest.mark.parametrize("way", ["--without", "away"])
def test_the_ways_on_without_a_dead_target_go_on(tmp_path: Path, way: str) -> None:
    site = Site.build(tmp_path / "site", targets=3)
    site.ok("start")
    fresh(site)
    site.push()
    site.break_target("web1")
    (step,) = (one for one in advice(site.deploy("sync")) if f" {way} " in one)
    assert type_step(site, step).code == 0
    site.mend_target("web1")
    assert site.deploy("back" if way == "away" else "converge", "web1").code == 0
    assert site.everywhere() == {site.desired()}


@pytest.mark.parametrize("situation", [one for _, one in SITUATIONS], ids=lambda one: one.__name__)
def test_what_is_advised_leads_on(tmp_path: Path, situation: Situation) -> None:
    """From top to bottom, until a release is live, or ended, or a rollout goes on."""
    site = Site.build(tmp_path / "site", targets=1)
    refused = situation(site)
    assert refused.code not in (0, 70), refused.err
    steps = advice(refused)
    assert steps, refused.err
    at = site.repo
    for step in steps:
        if is_for_a_person(step):
            continue
        if step.startswith("cd "):
            at = Path(step.removeprefix("cd "))
            continue
        ran = type_step(site, step, at)
        # status tells by its code how far the rollout has come
        assert ran.code not in (2, 70) or step == "git deploy status", f"{step}: {ran.err}"
        if leads_on(step, ran):
            break
    else:
        assert at != site.repo, f"none of {steps} led on: {refused.err}"
    for command in ("sync", "resync", "finish", "start"):
        ran = site.deploy(command, at=at)
        ways = [step for step in advice(ran) if f" {command}" in step]
        if ran.code == 0 or any(type_step(site, way, at).code == 0 for way in ways):
            return
    pytest.fail(f"after {steps} nothing goes on: {site.deploy('status').out}")
