"""`git deploy abort`: as if the rollout had not been started."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from sartoris.actions import announcing
from sartoris.actions.lost import abort_without_state
from sartoris.actions.purge import again, require_purged, tell_stale
from sartoris.actions.push_hotfix import return_after_a_kill
from sartoris.actions.steps import Steps, failed_of, set_desired
from sartoris.actions.sync_hook import run_rollback
from sartoris.errors import SartorisError, SyncIncomplete
from sartoris.events import LeftBehind
from sartoris.hooks import Phase
from sartoris.rollout import session
from sartoris.rollout.deploy_file import write_deploy_file
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.state import Progress, RolloutState, StateLost
from sartoris.rollout.tags import free_tag
from sartoris.workspace import worktree


@dataclass(frozen=True)
class Aborted:
    """`told` are lines for a person about work that was kept."""

    state: RolloutState
    told: tuple[str, ...]


class NotAllBack(SyncIncomplete):
    """The rollout is aborted, but some targets still have its release live."""


def abort(d: Deployment) -> Aborted:
    """End the rollout: the fleet as before, the working repository as at the start.

    Uncommitted changes and commits of the rollout are kept and named. Raises `NoRollout`,
    `LockHeld`, `Unmerged`, `EndedWithoutState`, and `NotAllBack` or `CachesStale` once everything
    that can be undone is.
    """
    with d.exclusively():
        try:
            state = session.join(d, "abort")
        except StateLost as lost:
            abort_without_state(d, lost)
        if not state.returning:  # what push-hotfix has left is ours to clear away
            worktree.require_no_merge(d)
        state = _turn_round(d, state)
        d.state_file.write(state)
        not_back = _take_back(d, state)
        told = _reset(d, state)
        not_back = _roll_back(d, state) or not_back
        stale = (d.state_file.read() or state).stale
        d.hooks.run_all(Phase.POST_ABORT, d.hook_context(state))
        session.end(d, state, "aborted", d.options.message)
        announcing.aborted(d, state, not_back)
    before = _release_before(state)
    if not_back:
        raise NotAllBack(
            "\n".join(
                ["the rollout is aborted, but not everywhere:", not_back, *tell_stale(stale)]
            ),
            next_steps=[*_ways_back(d, state), *again(d, state.prefix, before, stale)],
        )
    require_purged(d, state.prefix, before, stale, "the rollout is aborted")
    return Aborted(state, tuple(told))


def _turn_round(d: Deployment, state: RolloutState) -> RolloutState:
    """The state of a rollout that goes back, and from now on only back.

    Going back is a synchronisation too, so where it is not ours it has, as in git-deploy, a tag of
    its own. An abort that was cut short had one already.
    """
    if state.way == "hook" and _is_on_fleet(d, state) and not d.hooks.sync_hook(state.prefix):
        state = replace(state, way="fleet")  # the script that did it is gone, so we do
    tag = state.rollback_tag
    if state.way != "fleet" and state.progress >= Progress.TAGGED and not tag:
        tag = free_tag(state.prefix, d.repository.has_tag, date_format=d.date_format)
    return replace(state, aborting=True, rollback_tag=tag, stale={})


def _ways_back(d: Deployment, state: RolloutState) -> list[str]:
    """The fleet can still converge on what was before; other servers only the site can reach."""
    hook = d.hooks.sync_hook(state.prefix)
    if state.way == "fleet" or _is_on_fleet(d, state):
        return ["git deploy converge", "git deploy report"]
    if hook is None:
        return [f"bring {state.rollback_tag} to the servers by hand"]
    return [f"DEPLOY_ROLLOUT_TAG={state.rollback_tag} {hook}", "git deploy status"]


def _is_on_fleet(d: Deployment, state: RolloutState) -> bool:
    """Whether targets of ours may have the release, brought there by us or by a sync script."""
    return state.may_be_live and d.has_fleet


def _take_back(d: Deployment, state: RolloutState) -> str:
    """Desired state first, then the targets; what failed, as text.

    A sync script of the site's own that brought the release to the fleet takes it back, too.
    """
    if not _is_on_fleet(d, state):
        return ""
    with d.events.step("take back"):
        set_desired(d, state, state.before)
        if state.way == "hook":
            return ""
        back = d.two_stage.take_back(state.release, state.before, d.fleet.targets)
    release = _release_before(state)
    Steps(d, state).purge(release)
    if not back.failed:
        return ""
    d.events.emit(LeftBehind(targets=back.failed, release=release))
    total, allowed = len(d.fleet.targets), str(d.config.max_failed)
    return failed_of("going back", list(back.outcomes.values()), total, allowed)


def _release_before(state: RolloutState) -> str:
    return state.before.release if state.before else ""


def _reset(d: Deployment, state: RolloutState) -> list[str]:
    with d.events.step("reset", state.start_tag or state.start_commit[:12]):
        if state.returning:
            return_after_a_kill(d, state)
        told = worktree.go_to(d, state, state.start_commit) if state.start_commit else []
    for phase in (Phase.POST_TREE_UPDATE, Phase.POST_RESET):
        d.hooks.run_all(phase, d.hook_context(state))
    return told


def _roll_back(d: Deployment, state: RolloutState) -> str:
    """Tell what is deployed again; of a site's own sync, go back by it. What failed, as text."""
    tag = state.rollback_tag
    message = d.options.message or f"aborted {state.rollout_tag or 'the rollout'}"
    back = replace(
        state,
        rollout_tag=tag or state.start_tag,
        source=state.start_commit,
        message=message.replace("%TAG", tag or state.start_tag),
        tagged_at=time.time(),
    )
    if tag:
        _make_rollback_tag(d, back)
    _write_deploy_file(d, back)
    announcing.going_back(d, state, tag)
    if not tag:
        return ""
    if state.way == "hand":
        d.events.warn(f"the servers are yours to bring back, to {tag}: this sync was by hand")
        return ""
    try:
        run_rollback(d, back, tag)
    except SartorisError as error:
        return error.message
    return ""


def _make_rollback_tag(d: Deployment, back: RolloutState) -> None:
    tag = back.rollout_tag
    with d.events.step("tag", tag):
        d.repository.create_tag(tag, back.source, back.message)
        d.hooks.run_all(Phase.POST_TAG, d.hook_context(back))
        try:
            if d.options.uses_remote:
                d.repository.push_tags(d.options.remote_site, [tag])
        except SartorisError as error:
            d.events.warn(f"{tag} is not pushed: {error.message}")


def _write_deploy_file(d: Deployment, back: RolloutState) -> None:
    if back.rollout_tag and d.repository.head() == back.source:
        write_deploy_file(d, back)
