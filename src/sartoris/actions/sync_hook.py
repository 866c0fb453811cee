"""The site's own sync: `<hook-dir>/sync/<prefix>.sync` in place of publish, fetch and switch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sartoris.errors import SyncIncomplete
from sartoris.hooks import HookReport
from sartoris.journal.follower import Follower
from sartoris.rollout.deploy_file import deploy_text
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.state import Progress, RolloutState


class SyncHookFailed(SyncIncomplete):
    """The sync hook did not succeed; what is live where only the site knows."""


def run_sync_hook(d: Deployment, state: RolloutState) -> RolloutState:
    """Run the hook for the rollout's tag. The state afterwards: a hook that uses `sartoris.script`
    brings it on. Raises `SyncHookFailed`.
    """
    hook = _hook(d, state)
    with d.events.step("sync hook", str(hook)):
        report = _run(d, state, hook, _variables(d, state))
    state = d.state_file.read() or state
    if not report.ok:
        raise SyncHookFailed(
            f"the sync hook {hook} {report.failure}: {state.rollout_tag} {_where(state)}.\n"
            f"{_advice(d, hook)}",
            next_steps=_ways_on(state),
        )
    return state


def _where(state: RolloutState) -> str:
    """Where the release is live, as far as we know: what the hook did without us, we do not."""
    match state.progress:
        case Progress.SYNCED:
            return "is live on the fleet"
        case Progress.SWITCHING:
            return "may be live on some targets"
        case Progress.PUBLISHED:
            return "is published, and live on no target"
    return "is tagged, and may be live on some servers"


def _ways_on(state: RolloutState) -> list[str]:
    ways = ["git deploy resync   # runs the sync hook again"]
    if state.may_be_finished:
        ways.append("git deploy finish   # once you have synchronised by hand")
    return [*ways, "git deploy abort    # goes back, by the sync hook too"]


def run_rollback(d: Deployment, state: RolloutState, tag: str) -> None:
    """Run the hook to bring `tag`, which names what was before, to the servers again."""
    hook = _hook(d, state)
    back = {"DEPLOY_ROLLOUT_TAG": tag, "DEPLOY_ROLLBACK_TAG": state.start_tag}
    with d.events.step("sync hook", f"{hook} for {tag}"):
        report = _run(d, state, hook, {**_variables(d, state), **back})
    if not report.ok:
        raise SyncHookFailed(
            f"the sync hook {hook} {report.failure} while it went back to {tag}: some servers may"
            " still have the aborted release",
            next_steps=[f"DEPLOY_ROLLOUT_TAG={tag} {hook}", "git deploy status"],
        )


def _hook(d: Deployment, state: RolloutState) -> Path:
    hook = d.hooks.sync_hook(state.prefix)
    if hook is None:
        raise SyncHookFailed(
            f"the sync hook of {state.prefix} is gone since {state.rollout_tag} was tagged",
            next_steps=["git deploy finish   # once you have synchronised by hand"],
        )
    return hook


def _run(
    d: Deployment, state: RolloutState, hook: Path, variables: Mapping[str, str]
) -> HookReport:
    told = d.hook_context(state)
    # git-deploy's later hooks find them in their environment, and some of its users' hooks do.
    d.sync_variables = {key: variables[key] for key in variables if key.startswith("DEPLOY_")}
    follower = Follower(d.journal, state.session, d.events.relay)
    with d.events.heard_by(follower.mine):
        return d.hooks.run_sync_hook(hook, told, variables, meanwhile=follower)


def _variables(d: Deployment, state: RolloutState) -> dict[str, str]:
    adopt = {"GIT_DEPLOY_ADOPT": "1"} if d.options.adopt else {}
    return {
        **adopt,
        # By which a script that uses our library knows that it may work on this repository.
        "GIT_DEPLOY_PROCESS": str(os.getpid()),
        "DEPLOY_ROLLOUT_TAG": state.rollout_tag,
        "DEPLOY_ROLLBACK_TAG": state.start_tag,
        "DEPLOY_DEPLOY_FILE": d.deploy_file,
        "DEPLOY_DEPLOY_TEXT": deploy_text(d, state),
        "DEPLOY_ROLLOUT_PREFIX": state.prefix,
    }


def _advice(d: Deployment, hook: Path) -> str:
    """The site's own words for this moment, or ours."""
    support = d.config.support_email or "whoever looks after deploys here"
    own = d.config.message_on_sync_hook_fail_whale
    words = own or (
        "Nothing is lost. Look at what the hook said above, mend it, and run it again; if that does"
        " not help, tell {SUPPORT_EMAIL}."
    )
    return words.replace("{SYNC_HOOK}", str(hook)).replace("{SUPPORT_EMAIL}", support)
