"""`git deploy sync` and its kin: tag what is checked out, and bring it to the servers."""

from __future__ import annotations

import time
from collections.abc import Iterable

from sartoris.actions import announcing, finish, revert
from sartoris.actions.delivery import deliver, run_post_sync
from sartoris.actions.purge import require_purged
from sartoris.actions.push_hotfix import require_returned
from sartoris.actions.removed_targets import tell_of_departed
from sartoris.actions.steps import Delivered
from sartoris.actions.sync_hook import run_sync_hook
from sartoris.errors import GitFailed, Refused, SartorisError
from sartoris.events import Tagged
from sartoris.hooks import Phase
from sartoris.queries.shipping import Shipment
from sartoris.rollout import checks, session
from sartoris.rollout.deploy_file import write_deploy_file
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.state import Progress, RolloutState, Way
from sartoris.rollout.tags import free_tag
from sartoris.rollout.way import way_of
from sartoris.transports.base import BeginsEarly
from sartoris.transports.source import require as require_source


class AlreadyTagged(Refused):
    """The rollout was synced before, and did not come to its end."""


class TagsNotPushed(Refused):
    """The remote did not take the tags."""


def sync(d: Deployment) -> Delivered | RolloutState:
    """Roll out HEAD. Without a fleet: the tagged state, to be synchronised by hand.

    Raises what the checks raise, `HookFailed` and `SubmoduleNotCheckedOut` (nothing has changed),
    `GateClosed` and `SyncIncomplete` (the rollout stays open), `CachesStale` (it does not).
    """
    with d.exclusively():
        return _bring(d, _prepare(d, "sync"))


def manual_sync(d: Deployment) -> RolloutState:
    """Tag HEAD, and leave the synchronisation to the deployer, whatever is configured."""
    with d.exclusively():
        return _leave_to_hand(d, _prepare(d, "manual-sync", "hand"))


def release(d: Deployment) -> RolloutState:
    """Tag HEAD and finish: for sites where the tag is all. Needs `deploy.can-make-tags`."""
    with d.exclusively():
        checks.may_make_tags(d)
        state = _prepare(d, "release", "hand")
        write_deploy_file(d, state)
        run_post_sync(d, state)
        announcing.released(d, state)
        finish.close(d, state)
        return state


def resync(d: Deployment, *, everyone: bool = False) -> Delivered | RolloutState:
    """Repeat the sync of an open rollout for the targets that do not have it live yet, or whose
    service or live hooks were cut short.

    Also what brings a rollout to its end whose process was killed at any point after the tag.
    """
    with d.exclusively():
        state = session.join(d, "resync")
        session.require_tagged(state, "resync")
        if _is_tagged(d, state):
            _require_something_to_repeat(state)
        else:
            state = _make_tag_again(d, state)
        return _bring(d, state, everyone=everyone)


def _prepare(d: Deployment, action: str, chosen: Way | None = None) -> RolloutState:
    """Check everything, and tag what is checked out, to go the `chosen` way or the site's own."""
    state, source = _check(d, action)
    way = chosen or way_of(d)
    d.run_hooks(Phase.PRE_SYNC, state)
    return _tag(d, state, _compose(d, source, way), way)


def _bring(
    d: Deployment, state: RolloutState, *, everyone: bool = True
) -> Delivered | RolloutState:
    """Bring the tagged release to the servers, in the way that was chosen with the tag."""
    if state.way == "hand":
        return _leave_to_hand(d, state)
    announcing.syncing(d, state)
    with announcing.failures(d, state):
        if state.way == "hook":
            return _run_hook(d, state)
        return deliver(d, state, d.fleet.targets if everyone else _behind(d, state))


def _leave_to_hand(d: Deployment, state: RolloutState) -> RolloutState:
    write_deploy_file(d, state)
    announcing.by_hand(d, state)
    run_post_sync(d, state)
    announcing.left_to_hand(d, state)
    return state


def _run_hook(d: Deployment, state: RolloutState) -> RolloutState:
    """The site's own sync. When it fails the rollout stays open, tagged."""
    write_deploy_file(d, state)
    state = run_sync_hook(d, state)
    run_post_sync(d, state)
    announcing.synced(d, state)
    finish.close(d, state)
    done = f"{state.rollout_tag} is synchronised by the sync hook, and the rollout is finished"
    require_purged(d, state.prefix, state.release, state.stale, done)
    return state


def _require_something_to_repeat(state: RolloutState) -> None:
    if state.way == "hand":
        raise Refused(
            f"{state.rollout_tag} is synchronised by hand, so there is nothing to repeat",
            next_steps=["git deploy finish", "git deploy abort"],
        )


def _is_tagged(d: Deployment, state: RolloutState) -> bool:
    """Whether the chosen tag was made, and pushed where it should be: servers may have it then."""
    return d.journal.rollout_of_tag(state.rollout_tag) is not None


def _make_tag_again(d: Deployment, state: RolloutState) -> RolloutState:
    if state.action != "revert" or state.way != "fleet":
        return _make_tag(d, state)
    revert.make_tags(d, state)
    return state


def _check(d: Deployment, action: str) -> tuple[RolloutState, str]:
    """The rollout, and the commit that it may ship."""
    with d.events.step("check"):
        state = session.join(d, action)
        if action == "sync" and way_of(d) == "fleet" and isinstance(d.transport, BeginsEarly):
            d.transport.prepare()
        if state.progress < Progress.STARTED:
            raise Refused(
                "the start of this rollout was interrupted",
                next_steps=["git deploy start", "git deploy abort"],
            )
        if state.progress >= Progress.TAGGED:
            raise AlreadyTagged(
                f"this rollout was synced before, as {state.rollout_tag}, and is not complete",
                next_steps=["git deploy resync", "git deploy abort", "git deploy status"],
            )
        require_returned(state)
        checks.person_is_set_up(d)
        checks.not_blocked(d)
        branch = checks.on_a_branch(d)
        checks.tree_is_clean(d)
        head = checks.has_commits(d)
        if action != "release":
            checks.something_is_new(d, head, state.start_commit)
        checks.commits_are_pushed(d, head, branch)
        _require_path(d)
    return state, head


def _require_path(d: Deployment) -> None:
    if d.has_fleet:
        d.config.release_path(d.prefix)
        require_source(d.source, d.config)


def _compose(d: Deployment, checked: str, way: Way) -> str:
    """The commit to ship (a pre-sync hook may have made one), once it is known to be complete."""
    source = d.repository.head()
    if source != checked:
        checks.commits_are_pushed(d, source, checks.on_a_branch(d))
    if way == "fleet":
        with d.events.step("compose", source[:12]):
            d.publish.compose(source)
        desired = d.desired.of(d.slot)
        shipment = Shipment(desired.source if desired else "", source)
        told = shipment.describe(d.repository, most=d.options.show_most)
        _ = d.fleet.targets  # those that cannot be found out are no reason to have a tag
        tell_of_departed(d)
        d.events.emit(told)
    return source


def _tag(d: Deployment, state: RolloutState, source: str, way: Way) -> RolloutState:
    """Choose the tag, write down that this is the one, then make it."""
    tag = free_tag(d.prefix, d.repository.has_tag, date_format=d.date_format)
    default = f"rollout of {d.prefix} ({state.start_tag}..{tag})"
    tagged = state.reach(
        Progress.TAGGED,
        rollout_tag=tag,
        release=tag,
        source=source,
        message=(d.options.message or default).replace("%TAG", tag),
        tagged_at=time.time(),
        remote=d.options.uses_remote,
        before=d.desired.of(d.slot) if d.has_fleet else None,
        way=way,
    )
    d.state_file.write(tagged)
    return _make_tag(d, tagged)


def _make_tag(d: Deployment, state: RolloutState) -> RolloutState:
    """Make and push the chosen tag; when that fails the rollout is as it was before `sync`."""
    try:
        with d.events.step("tag", state.rollout_tag):
            d.repository.create_tag(state.rollout_tag, state.source, state.message)
            d.run_hooks(Phase.POST_TAG, state)
            if state.remote:
                _push(d, dict.fromkeys([state.start_tag, state.rollout_tag]))
    except SartorisError:
        d.repository.delete_tag(state.rollout_tag)
        d.state_file.write(state.untagged())
        raise
    d.events.emit(
        Tagged(
            session=state.session,
            tag=state.rollout_tag,
            commit=state.source,
            message=state.message,
            pushed=state.remote,
        )
    )
    return state


def _push(d: Deployment, tags: Iterable[str]) -> None:
    site = d.options.remote_site
    try:
        d.repository.push_tags(site, [tag for tag in tags if tag])
    except GitFailed as error:
        raise TagsNotPushed(
            f"`{site}` did not take the tags of this rollout: {error.message}",
            next_steps=[
                "git deploy sync   # again",
                "git deploy --no-remote sync   # an emergency: push when the remote is back",
            ],
        ) from error


def _behind(d: Deployment, state: RolloutState) -> tuple[str, ...]:
    """The targets that are not done with the release; those that do not answer are behind too."""
    return d.fleet.status(d.fleet.targets).not_current(state.release)
