"""`git deploy sync` and its kin: tag what is checked out, and bring it to the servers."""

from __future__ import annotations

import time

from sartoris.actions import announcing
from sartoris.actions.deliveries import BY_HAND, TO_FLEET, Delivering, choose_delivery, delivery_of
from sartoris.actions.finish import finalize, run_post_sync
from sartoris.actions.reminding import tell_changes_left_out
from sartoris.actions.roll_out import SyncResult
from sartoris.actions.tagging import make_revert_tags, make_rollout_tag
from sartoris.errors import Refused
from sartoris.fleet.desired import Desired
from sartoris.formatting import plural
from sartoris.hooks import Phase
from sartoris.hooks.run import AFTER_THE_TAG
from sartoris.rollout import checks
from sartoris.rollout.command import Command
from sartoris.rollout.deploy_file import write_deploy_file
from sartoris.rollout.session import Session, join
from sartoris.rollout.sharing import require_trust
from sartoris.rollout.state import Progress, RolloutState
from sartoris.rollout.tags import next_tag
from sartoris.rollout.wanted import has_moved


class NothingToSync(checks.NothingNew):
    """What is checked out is live already; the rollout has come to its end with that."""


def sync(command: Command, *, as_command: str = "") -> SyncResult:
    """Roll out HEAD: to the fleet, by the site's sync hook, or leave it to the deployer's hands.

    `as_command`: instead of what was typed. Raises what the checks raise, `HookFailed` and
    `SubmoduleNotCheckedOut` (nothing has changed), `GateClosed` and `SyncIncomplete` (the rollout
    stays open), `CachesStale` (it does not).
    """
    with command.exclusively():
        session = join(command, as_command=as_command)
        command.hooks.require_sync_hook(session.hook_context())
        delivery = choose_delivery(command, session.state.prefix)
        try:
            make_tagged(session, delivery)
        except NothingToSync as error:
            session.end("quit", error.message)
            raise
        return delivery.deliver(session, everyone=True)


def manual_sync(command: Command) -> RolloutState:
    """Tag HEAD, and leave the synchronisation to the deployer, whatever is configured."""
    with command.exclusively():
        session = join(command)
        make_tagged(session, BY_HAND)
        return BY_HAND.deliver(session, everyone=True).state


def release(command: Command) -> RolloutState:
    """Tag HEAD and finish: for sites where the tag is all. Needs `deploy.can-make-tags`."""
    with command.exclusively():
        checks.require_tags_allowed(command.site)
        session = join(command)
        make_tagged(session, BY_HAND)
        write_deploy_file(session)
        run_post_sync(session)
        announcing.released(session)
        finalize(session)
        return session.state


def resync(command: Command, *, everyone: bool = False) -> SyncResult:
    """Repeat the sync of an open rollout for the targets that do not have it live yet, or whose
    service or live hooks were interrupted.

    Also what brings a rollout to its end whose process was killed at any point after the tag.
    """
    with command.exclusively():
        session = join(command)
        checks.require_source(session.site)
        checks.require_place(session.site, session.state.prefix)
        if _is_tagged(session):
            _require_something_to_repeat(session)
        else:
            _make_tag_again(session)
            everyone = True
        return delivery_of(session).deliver(session, everyone=everyone)


def make_tagged(session: Session, delivery: Delivering) -> None:
    """Steps 1 to 4 of a sync: check, pre-sync hooks, compose, tag.

    Nothing has changed where one of them fails.
    """
    checked = _check(session, delivery)
    session.command.hooks.require(session.hook_context(), *AFTER_THE_TAG)
    session.run_hooks(Phase.PRE_SYNC)
    source = _require_still_pushed(session, checked)
    delivery.compose(session, source)
    _choose_tag(session, source, delivery)
    make_rollout_tag(session)


def _check(session: Session, delivery: Delivering) -> str:
    """The commit that may ship."""
    site = session.site
    with session.events.step("check"):
        delivery.prepare(session)
        checks.require_umask(site)
        checks.require_not_blocked(site)
        branch = checks.require_branch(site)
        checks.require_clean_tree(site)
        tell_changes_left_out(session)
        head = checks.require_commits(site)
        if session.action != "release":
            _require_something_new(session, head)
        checks.require_remote(site, session.command.name)
        checks.require_pushed(site, head, branch)
        checks.require_no_filters(site)
        checks.require_source(site)
        checks.require_place(site, session.state.prefix)
        require_trust(site)
    return head


def _require_something_new(session: Session, head: str) -> None:
    site, state, command = session.site, session.state, session.command
    if site.has_fleet:
        desired = command.records.desired.of(session.slot.name)
        _require_other_than_live(session, desired, head)
        _tell_what_a_hotfix_carries(session, desired)
        return
    checks.require_something_new_since(
        site,
        head,
        state.start_commit,
        has_sync_hook=command.hooks.sync_hook(state.prefix) is not None,
        prefix=state.prefix,
    )


def _require_other_than_live(session: Session, desired: Desired | None, head: str) -> None:
    """Where there is nothing to bring, there is no rollout to leave open, either."""
    try:
        is_there = desired is None or not has_moved(session.site, desired)
        checks.require_something_new(session.site, desired if is_there else None, head)
    except checks.NothingNew as error:
        ends = "would be ended, and its lock free"
        if not session.site.options.dry_run:
            ends = "is ended, and its lock is free"
        raise NothingToSync(
            f"{error.message}; the rollout {ends} (after another start,"
            " `git deploy --force sync` ships the same commit again)",
            next_steps=["git deploy report   # whether all targets have it"],
        ) from error


def _tell_what_a_hotfix_carries(session: Session, desired: Desired | None) -> None:
    """Whoever hears of a fix takes it for nothing but a fix."""
    state, repository = session.state, session.site.repository
    if state.action != "hotfix" or desired is None or desired.source == state.start_commit:
        return
    if repository.commit_of(desired.source) is None:
        return
    besides = repository.between(desired.source, state.start_commit)
    if besides:
        names = "\n".join(f"  {line}" for _, line in besides[: session.site.options.show_most])
        count = plural(len(besides), "commit")
        session.events.warn(f"besides the fix, this ships {count} that the hotfix found:\n{names}")


def _require_still_pushed(session: Session, checked: str) -> str:
    """The commit to ship: a pre-sync hook may have made another one."""
    site = session.site
    source = site.repository.head()
    if source != checked:
        checks.require_pushed(site, source, checks.require_branch(site))
        checks.require_no_filters(site)
    return source


def _choose_tag(session: Session, source: str, delivery: Delivering) -> None:
    """Choose the tag, and write down that this is the one."""
    site, state = session.site, session.state
    tag = next_tag(site, state.prefix)
    default = f"rollout of {state.prefix} ({state.start_tag}..{tag})"
    desired = session.command.records.desired
    session.reach(
        Progress.TAGGED,
        rollout_tag=tag,
        release=tag,
        source=source,
        message=(site.options.message or default).replace("%TAG", tag),
        tagged_at=time.time(),
        remote=site.options.uses_remote,
        before=desired.of(session.slot.name) if site.has_fleet else None,
        way=delivery.kind.name,
    )


def _is_tagged(session: Session) -> bool:
    """Whether the chosen tag was made, and pushed where it should be: servers may have it then.

    What the state says is proof. A state that an older Sartoris wrote does not say it, and where
    its journal was set aside too, a tag that stands here may have been at a site's own servers.
    """
    state, journal = session.state, session.command.journal
    if state.tag_is_made or state.progress > Progress.TAGGED:
        return True
    if journal.rollout_of_tag(state.rollout_tag) is not None:
        return True
    is_unknown = journal.rollout_of_session(state.session) is None
    is_elsewhere = delivery_of(session) is not TO_FLEET
    return is_unknown and is_elsewhere and session.site.repository.has_tag(state.rollout_tag)


def _require_something_to_repeat(session: Session) -> None:
    if delivery_of(session) is BY_HAND:
        tag = session.state.rollout_tag
        raise Refused(
            f"{tag} is synchronised by hand, so there is nothing to repeat",
            next_steps=["git deploy finish", "git deploy abort"],
        )


def _make_tag_again(session: Session) -> None:
    if session.state.action == "revert" and delivery_of(session) is TO_FLEET:
        make_revert_tags(session)
    else:
        make_rollout_tag(session)
