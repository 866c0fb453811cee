"""The site's own sync: `<hook-dir>/sync/<prefix>.sync` in place of publish, fetch and switch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sartoris.errors import SyncIncomplete
from sartoris.hooks import HookReport
from sartoris.journal.follower import Follower
from sartoris.rollout.deploy_file import deploy_text
from sartoris.rollout.session import Session, hook_context
from sartoris.rollout.site import Site
from sartoris.rollout.state import Progress, RolloutState
from sartoris.rollout.transitions import TABLE, situation


class SyncHookFailed(SyncIncomplete):
    """The sync hook did not succeed; what is live where only the site knows."""


def run_sync_hook(session: Session) -> None:
    """Run the hook for the rollout's tag; one that uses `sartoris.script` brings the state on.

    Raises `SyncHookFailed`.
    """
    hook = _hook(session)
    with session.events.step("sync hook", str(hook)):
        report = _run(session, hook, _variables(session.site, session.state), session.state)
    session.reload()
    if not report.ok:
        state = session.state
        raise SyncHookFailed(
            f"the sync hook {hook} {report.failure}: {state.rollout_tag} {_where(state)}.\n"
            f"{_advice(session, hook)}",
            next_steps=_next_steps(session),
        )


def run_rollback_hook(session: Session, back: RolloutState) -> None:
    """Run the hook to bring the tag of `back`, which names what was before, to the servers again.

    Raises `SyncHookFailed`.
    """
    hook, tag = _hook(session), back.rollout_tag
    rollback = {"DEPLOY_ROLLBACK_TAG": back.start_tag}
    with session.events.step("sync hook", f"{hook} for {tag}"):
        report = _run(session, hook, {**_variables(session.site, back), **rollback}, back)
    if not report.ok:
        raise SyncHookFailed(
            f"the sync hook {hook} {report.failure} while it went back to {tag}: some servers may"
            " still have the aborted release"
        )


def _where(state: RolloutState) -> str:
    """Where the release is live, as far as we know: what the hook did without us, we do not."""
    match state.progress:
        case Progress.SYNCED:
            return "is live on the fleet"
        case Progress.SWITCHING:
            return "may be live on some targets"
        case Progress.PUBLISHED if state.is_rolled_back:
            return "is rolled back on every target that had switched"
        case Progress.PUBLISHED:
            return "is published, and no target was told to switch"
    return "is tagged, and may be live on some servers"


def _next_steps(session: Session) -> list[str]:
    """Of a sync that is not ours only a person can say that it is over, by typing `finish`; but
    what a script does with our library, we know.
    """
    again = " ".join(["git deploy resync", *session.site.options.typed_again])
    steps = [f"{again}   # runs the sync hook again"]
    if "finish" in TABLE[situation(session.state)].leads_to:
        steps.append("git deploy finish   # once you have synchronised by hand")
    return [*steps, "git deploy abort    # goes back, by the sync hook too"]


def _hook(session: Session) -> Path:
    state = session.state
    hook = session.command.hooks.sync_hook(state.prefix)
    if hook is None:
        raise SyncHookFailed(
            f"the sync hook of {state.prefix} is missing since {state.rollout_tag} was tagged",
            next_steps=["git deploy finish   # once you have synchronised by hand"],
        )
    return hook


def _run(
    session: Session, hook: Path, variables: Mapping[str, str], state: RolloutState
) -> HookReport:
    context, command = hook_context(session.action, state), session.command
    # git-deploy's later hooks find them in their environment, and some of its users' hooks do.
    command.hook_variables.clear()
    command.hook_variables.update(
        {key: variables[key] for key in variables if key.startswith("DEPLOY_")}
    )
    follower = Follower(command.journal, state.session, command.events.relay)
    with command.events.heard_by(follower.mine):
        return command.effects.run_sync_hook(hook, context, variables, follower)


def _variables(site: Site, state: RolloutState) -> dict[str, str]:
    adopt = {"GIT_DEPLOY_ADOPT": "1"} if site.options.adopt else {}
    leave = {"GIT_DEPLOY_LEAVE": "1"} if site.options.leave else {}
    return {
        **adopt,
        **_left_out(site),
        **leave,
        # By which a script that uses our library knows that it may work on this repository.
        "GIT_DEPLOY_PROCESS": str(os.getpid()),
        "DEPLOY_ROLLOUT_TAG": state.rollout_tag,
        "DEPLOY_ROLLBACK_TAG": state.start_tag,
        "DEPLOY_DEPLOY_FILE": site.deploy_file,
        "DEPLOY_DEPLOY_TEXT": deploy_text(site, state),
        "DEPLOY_ROLLOUT_PREFIX": state.prefix,
    }


def _left_out(site: Site) -> dict[str, str]:
    """What was typed of targets, for a script that uses our library."""
    options = site.options
    most = {} if options.max_failed is None else {"GIT_DEPLOY_MAX_FAILED": str(options.max_failed)}
    return most | ({"GIT_DEPLOY_WITHOUT": " ".join(options.without)} if options.without else {})


def _advice(session: Session, hook: Path) -> str:
    """The site's own words for this moment, or ours."""
    config = session.site.config
    support = config.support_email or "whoever looks after deploys here"
    own = config.message_on_sync_hook_fail_whale
    words = own or (
        "Nothing is lost. Look at what the hook said above, fix it, and run it again; if that does"
        " not help, tell {SUPPORT_EMAIL}."
    )
    return words.replace("{SYNC_HOOK}", str(hook)).replace("{SUPPORT_EMAIL}", support)
