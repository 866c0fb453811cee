"""Every "Next:" is typed as it stands, in the situation that prints it, and leads on.

`SITUATIONS` names the place in the source that gives the advice, `NOT_TYPED` those whose advice is
not typed here and why. A new place that is in neither fails the first test.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import sartoris
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


def advice(ran: Ran) -> list[str]:
    """The steps as printed, without the words behind them."""
    lines = ran.err.partition("\nNext:\n")[2].splitlines()
    return [re.sub(r"\s+# .*", "", line).strip() for line in lines if line.startswith("  ")]


def type_step(site: Site, step: str) -> Ran:
    """Type one line; one that is no command cannot be typed, and is refused here."""
    if step.startswith("git deploy ") and "&&" not in step:
        return site.deploy(*step.removeprefix("git deploy ").split())
    assert step.startswith("git "), f"{step!r} is no command"
    done = subprocess.run(
        ["/bin/sh", "-c", step], cwd=site.repo, capture_output=True, text=True, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


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


def nothing_new(site: Site) -> Ran:
    site.ok("start")
    site.ok("sync")
    site.ok("start")
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


def rolled_back_unasked(site: Site) -> Ran:
    for version in ("2", "3"):
        site.rollout({"index.php": f"version {version}\n"})
    return site.run("rollback")


Situation = Callable[[Site], Ran]

SITUATIONS: tuple[tuple[str, Situation], ...] = (
    ("rollout/lock:NoRollout.__init__", no_rollout),
    ("rollout/checks:require_remote", another_remote),
    ("rollout/checks:require_pushed", not_pushed),
    ("rollout/checks:require_pushed", hotfix_while_the_remote_has_moved_on),
    ("rollout/checks:require_pushed", hotfix_while_the_remote_has_moved_on_unseen),
    ("rollout/checks:require_something_new", nothing_new),
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
    ("actions/start:_take_over", taken_over_when_tagged),
    ("actions/choice:_require_was_live", reverted_to_a_start_tag),
    ("cli/confirming:confirm", rolled_back_unasked),
)

_LOOKS = "asks only for a look, or for a change outside of git: there is no command to type"
_CHOICE = "what to type depends on an answer that only a person has (a name, a number, a branch)"
_PASSED_ON = "hands on the steps of another error"
_ELSEWHERE = "typed where that situation is tested"
_NOT_YET = "nobody has built its situation here yet; tests near it look at the words alone"
_MACHINE = "needs another machine, program or release than a test has"

NOT_TYPED: dict[str, str] = {
    "actions/abort:_require_all_back": _NOT_YET,
    "actions/abort:_reset_work_tree": _PASSED_ON,
    "actions/after_revert:_reset": _PASSED_ON,
    "actions/choice:_numbered": _CHOICE,
    "actions/choice:_refuse_what_is_live": _NOT_YET,
    "actions/choice:_resolve": _LOOKS,
    "actions/choice:release_before": _LOOKS,
    "actions/converge:_require_converged": _NOT_YET,
    "actions/finish:_require_tag": _NOT_YET,
    "actions/invocation:Call.of": _NOT_YET,
    "actions/invocation:ScriptContext.require_parent": _NOT_YET,
    "actions/invocation:_require_tag": _LOOKS,
    "actions/invocation:script_context": _CHOICE,
    "actions/lost:abort_without_state": _NOT_YET,
    "actions/purge:require_purged": _NOT_YET,
    "actions/push_hotfix:_not_merged": _NOT_YET,
    "actions/roll_out:not_switched": _LOOKS,
    "actions/roll_out:require_lock": _LOOKS,
    "actions/service:_incomplete": _LOOKS,
    "actions/service:_require_service": _CHOICE,
    "actions/sync:_require_something_to_repeat": _NOT_YET,
    "actions/sync_hook:_hook": _NOT_YET,
    "actions/sync_hook:run_rollback_hook": _NOT_YET,
    "actions/sync_hook:run_sync_hook": _NOT_YET,
    "actions/tag:_make": _NOT_YET,
    "cli/commands/finnish:command": _NOT_YET,
    "cli/commands/revert:_answer": _CHOICE,
    "cli/commands/revert:_ask": _NOT_YET,
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
    "git/partial:_not_brought": _NOT_YET,
    "rollout/checks:require_no_filters": _CHOICE,
    "git/unknown_submodules:UnknownSubmodules.__init__": _CHOICE,
    "git/pushing:HalfPushed.__init__": _PASSED_ON,
    "git/repository:_not_signed": _MACHINE,
    "journal/unusable:JournalMoved.__init__": _LOOKS,
    "journal/unusable:JournalTooNew.__init__": _MACHINE,
    "journal/unusable:_held": _NOT_YET,
    "journal/unusable:unusable": _NOT_YET,
    "queries/history:_unknown": _LOOKS,
    "releases/compose:SubmoduleCommitMissing.__init__": _NOT_YET,
    "releases/links:LinksLeadOut.__init__": _CHOICE,
    "releases/publish:PublishRepository._complete": _NOT_YET,
    "releases/publish:PublishRepository._create": _CHOICE,
    "releases/submodule_refs:pack_bundle": _LOOKS,
    "rollout/checks:require_branch": _CHOICE,
    "rollout/checks:require_clean_tree": _CHOICE,
    "rollout/checks:require_commits": _CHOICE,
    "rollout/checks:require_not_blocked": _LOOKS,
    "rollout/checks:require_something_new_since": _CHOICE,
    "rollout/checks:require_tags_allowed": _CHOICE,
    "rollout/checks:require_umask": _CHOICE,
    "rollout/deploy_file:current_text": _LOOKS,
    "rollout/lock:CommandRunning.__init__": _LOOKS,
    "rollout/lock:OtherRepository.__init__": _LOOKS,
    "rollout/person:require_identity": _CHOICE,
    "rollout/recovery:Recovery._lost": _NOT_YET,
    "rollout/session:_require_work_tree": _NOT_YET,
    "rollout/sharing:require_may_write": f"{_ELSEWHERE}: test_several_people.py",
    "rollout/sharing:require_trust": f"{_ELSEWHERE}: test_several_people.py",
    "rollout/site:Site.prefix": _CHOICE,
    "salt/formula:_in_the_way": _MACHINE,
    "salt/formula:_no_room": _MACHINE,
    "script:_Rollback._not_back": _NOT_YET,
    "transports/salt:SaltTransport._names": _MACHINE,
    "transports/salt_bridge:_failure": _MACHINE,
    "transports/salt_bridge:_python": _MACHINE,
    "workspace/submodules:_not_updated": _NOT_YET,
    "workspace/worktree:Workspace._fast_forward": _NOT_YET,
    "workspace/worktree:Workspace._require_readable_modules": _NOT_YET,
    "workspace/worktree:Workspace._unmerged": _NOT_YET,
}


def test_every_place_that_gives_advice_is_typed_or_explained() -> None:
    known = {place for place, _ in SITUATIONS} | set(NOT_TYPED)
    assert places() - known == set(), "type their advice in a situation, or say why not"
    assert known - places() == set(), "these are not in the source any more"


@pytest.mark.parametrize("situation", [one for _, one in SITUATIONS], ids=lambda one: one.__name__)
def test_what_is_advised_leads_on(tmp_path: Path, situation: Situation) -> None:
    """From top to bottom, until a release is live, or ended, or a rollout goes on."""
    site = Site.build(tmp_path / "site", targets=1)
    refused = situation(site)
    assert refused.code not in (0, 2, 70), refused.err
    steps = advice(refused)
    assert steps, refused.err
    for step in steps:
        ran = type_step(site, step)
        # status tells by its code how far the rollout has come
        assert ran.code not in (2, 70, 127) or step == "git deploy status", f"{step}: {ran.err}"
        if leads_on(step, ran):
            break
    else:
        pytest.fail(f"none of {steps} led on: {refused.err}")
    for command in ("sync", "resync", "finish", "start"):
        if site.deploy(command).code == 0:
            return
    pytest.fail(f"after {steps} nothing goes on: {site.deploy('status').out}")


def leads_on(step: str, ran: Ran) -> bool:
    """Whether the step has brought something about; a look has not."""
    return ran.code == 0 and not re.match(r"git (deploy (status|report|show)|log|ls-remote)", step)
