"""`git deploy abort`: as if the rollout had not been started."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from sartoris.actions import announcing
from sartoris.actions.deliveries import BY_HOOK, TO_FLEET, delivery_of
from sartoris.actions.lost import abort_without_state
from sartoris.actions.purge import ban_commands, require_purged, stale_lines
from sartoris.actions.push_hotfix import return_after_a_kill
from sartoris.actions.tagging import not_pushed
from sartoris.errors import SartorisError, SyncIncomplete
from sartoris.hooks import Phase
from sartoris.rollout.command import Command
from sartoris.rollout.deploy_file import write_deploy_file
from sartoris.rollout.effects import workspace
from sartoris.rollout.session import Session, hook_context, join
from sartoris.rollout.state import Progress, RolloutState, StateLost
from sartoris.rollout.tags import next_tag


@dataclass(frozen=True)
class Aborted:
    """`notes` are lines for a person about work that was kept."""

    state: RolloutState
    notes: tuple[str, ...]


class RollbackIncomplete(SyncIncomplete):
    """The rollout is aborted, but some targets still have its release live."""


class WorkTreeNotReset(SyncIncomplete):
    """The fleet was rolled back, and then the working repository could not be reset."""


def abort(command: Command) -> Aborted:
    """End the rollout: the fleet as before, the working repository as at the start.

    Uncommitted changes and commits of the rollout are kept and named. Raises `NoRollout`,
    `LockHeld`, `Unmerged`, `EndedWithoutState`, `WorkTreeNotReset`, and `RollbackIncomplete` or
    `CachesStale` once everything that can be undone is.
    """
    with command.exclusively():
        try:
            session = join(command)
        except StateLost as lost:
            abort_without_state(command, lost)
        _require_no_merge(session)
        _turn_round(session)
        failed = delivery_of(session).roll_back(session)
        notes = _reset_work_tree(session, failed)
        failed = _roll_back_elsewhere(session) or failed
        session.run_all_hooks(Phase.POST_ABORT)
        session.end("aborted", command.site.options.message)
        announcing.aborted(session, failed)
    _require_all_back(session, failed)
    return Aborted(session.state, tuple(notes))


def _require_no_merge(session: Session) -> None:
    """Raises `Unmerged`. What push-hotfix has left is ours to clear away.

    A fleet that may have the release goes back first, whatever the work tree is like.
    """
    state = session.state
    fleet_first = state.has_told_targets and delivery_of(session) is TO_FLEET
    if not state.returning and not fleet_first:
        tell = session.events.warn
        workspace(session.site, session.command.records, tell).require_no_merge()


def _turn_round(session: Session) -> None:
    """From now on the rollout goes back, and only back.

    Going back is a synchronisation too, so where it is not ours it has, as in git-deploy, a tag of
    its own. An abort that was interrupted had one already.
    """
    state, command = session.state, session.command
    on_fleet = state.has_told_targets and command.site.has_fleet
    script_is_gone = delivery_of(session) is BY_HOOK and not command.hooks.sync_hook(state.prefix)
    if on_fleet and script_is_gone:
        state = replace(state, way=TO_FLEET.kind.name)  # then we do it
    tag = state.rollback_tag
    if not state.delivery.is_ours and state.progress >= Progress.TAGGED and not tag:
        tag = next_tag(session.site, state.prefix)
    session.write(replace(state, aborting=True, rollback_tag=tag, stale={}))


def _reset_work_tree(session: Session, failed: str) -> list[str]:
    """The working repository as at the start; what a person should know of it.

    Raises `WorkTreeNotReset` where the fleet has been changed already: `failed` is what of it is
    not back.
    """
    state = session.state
    with session.events.step("reset", state.start_tag or state.start_commit[:12]):
        if state.returning:
            return_after_a_kill(session)
        commit = state.start_commit
        try:
            notes = session.effects.go_to(state.branch, commit) if commit else []
        except SartorisError as error:
            if not (state.has_told_targets and delivery_of(session) is TO_FLEET):
                raise
            before = state.release_before or "what stood there before"
            fleet = failed or f"Live on the servers again: {before}"
            raise WorkTreeNotReset(
                f"{fleet}\nThe working repository is not reset, and the rollout is still open:"
                f" {error.message}",
                next_steps=[*error.next_steps, "git deploy abort   # goes on from here"],
            ) from error
    session.run_all_hooks(Phase.POST_TREE_UPDATE, Phase.POST_RESET)
    return notes


def _roll_back_elsewhere(session: Session) -> str:
    """Say what is deployed again; servers that are no fleet of ours go back. What failed."""
    state, tag = session.state, session.state.rollback_tag
    message = session.site.options.message or f"aborted {state.rollout_tag or 'the rollout'}"
    back = replace(
        state,
        rollout_tag=tag or state.start_tag,
        source=state.start_commit,
        message=message.replace("%TAG", tag or state.start_tag),
        tagged_at=time.time(),
    )
    if tag:
        _make_rollback_tag(session, back)
    if back.rollout_tag and session.site.repository.head() == back.source:
        write_deploy_file(session, back)
    announcing.going_back(session, tag)
    return delivery_of(session).roll_back_elsewhere(session, back) if tag else ""


def _make_rollback_tag(session: Session, back: RolloutState) -> None:
    tag, options = back.rollout_tag, session.site.options
    with session.events.step("tag", tag):
        session.effects.make_tag(tag, back.source, back.message)
        session.effects.run_all_hooks(Phase.POST_TAG, hook_context(session.action, back))
        try:
            if options.uses_remote:
                session.effects.push_tags(options.remote_site, [tag])
        except SartorisError as error:
            session.events.warn(not_pushed(f"{tag} is", error))


def _require_all_back(session: Session, failed: str) -> None:
    """Raises `RollbackIncomplete` for what `failed`, `CachesStale` for caches not purged."""
    site, state = session.site, session.state
    before, stale = state.release_before, state.stale
    if failed:
        lines = ["the rollout is aborted, but not everywhere:", failed, *stale_lines(stale)]
        again = ban_commands(site, state.prefix, before, stale)
        raise RollbackIncomplete("\n".join(lines), next_steps=[*_ways_back(session), *again])
    require_purged(site, state.prefix, before, stale, "the rollout is aborted")


def _ways_back(session: Session) -> list[str]:
    """The fleet can still converge on what was before; other servers only the site can reach."""
    state = session.state
    if state.delivery.is_ours or (state.has_told_targets and session.site.has_fleet):
        return ["git deploy converge", "git deploy report"]
    hook = session.command.hooks.sync_hook(state.prefix)
    if hook is None:
        return [f"bring {state.rollback_tag} to the servers by hand"]
    return [f"DEPLOY_ROLLOUT_TAG={state.rollback_tag} {hook}", "git deploy status"]
