"""The three ways to the servers, as objects: to the fleet, by the site's sync hook, by hand.

One is chosen with the rollout tag; every later command of the rollout uses the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from sartoris.actions import announcing, desired_state
from sartoris.actions.after_revert import follow_revert
from sartoris.actions.finish import finalize, run_post_sync
from sartoris.actions.purge import require_purged
from sartoris.actions.reminding import remind_to_push_what_was_synced
from sartoris.actions.removed_targets import warn_about_removed_targets
from sartoris.actions.roll_out import (
    SyncResult,
    purge_caches,
    roll_out,
    take_back,
    where_live,
    why_failed,
)
from sartoris.actions.sync_hook import run_rollback_hook, run_sync_hook
from sartoris.errors import SartorisError
from sartoris.events import LeftBehind
from sartoris.fleet.adopted import in_the_way
from sartoris.fleet.fleet import StageResult
from sartoris.fleet.shared import would_leave
from sartoris.formatting import plural
from sartoris.orders import Outcome
from sartoris.queries.shipping import Shipment
from sartoris.rollout import delivery
from sartoris.rollout.command import Command
from sartoris.rollout.deploy_file import write_deploy_file
from sartoris.rollout.session import Session
from sartoris.rollout.state import RolloutState


class Delivering(ABC):
    """How a rollout's release gets to the servers, and back."""

    kind: delivery.Delivery

    def prepare(self, session: Session) -> None:  # noqa: B027 - only one has to connect
        """Begin what takes a while, before the release is known."""

    def compose(self, session: Session, source: str) -> None:  # noqa: B027
        """Know that the commit can be released, and say what would ship."""

    @abstractmethod
    def deliver(self, session: Session, *, everyone: bool) -> SyncResult:
        """Bring the tagged release; to targets that have it already only if `everyone`."""

    def roll_back(self, session: Session) -> str:  # noqa: ARG002
        """An abort takes the fleet back, before anything else; what failed, as text."""
        return ""

    def roll_back_elsewhere(self, session: Session, back: RolloutState) -> str:  # noqa: ARG002
        """An abort takes servers that are no fleet of ours to the tag of `back`, after all else;
        what failed, as text.
        """
        return ""


class ToFleet(Delivering):
    """By us, in two stages, to all targets."""

    kind = delivery.TO_FLEET

    def prepare(self, session: Session) -> None:
        session.command.fleets.prepare(session.slot)

    def compose(self, session: Session, source: str) -> None:
        with session.events.step("compose", source[:12]):
            session.effects.compose(source)
        desired = session.command.records.desired.of(session.slot.name)
        shipment = Shipment(desired.source if desired else "", source)
        most = session.site.options.show_most
        ships = shipment.describe(session.site.repository, most=most)
        session.fleet()  # targets that cannot be found out are no reason to have a tag
        warn_about_removed_targets(session)
        if session.site.options.dry_run:
            _warn_of_what_stands_there(session)
        session.events.emit(ships)

    def deliver(self, session: Session, *, everyone: bool) -> SyncResult:
        """Steps 5 to 12 of a sync. Raises what `roll_out` does; `CachesStale` when it is done."""
        announcing.syncing(session)
        with announcing.failures(session):
            targets, silent = (session.fleet().targets, None) if everyone else _behind(session)
            result = roll_out(session, targets, missing=targets, silent=silent)
            return conclude(session, result)

    def roll_back(self, session: Session) -> str:
        """Every target; after a gate that has taken them back before, all are asked, and are told
        again only where somebody is not back.
        """
        if not (session.state.has_told_targets and session.site.has_fleet):
            return ""
        if not session.state.may_be_live and _have_gone_back(session):
            return ""
        back = take_back(session, session.fleet().targets)
        if not back.release or back.failed:
            for line in where_live(back.result):
                session.events.note(line)
        if not back.failed:
            return ""
        session.events.emit(LeftBehind(targets=back.failed, release=back.release))
        return why_failed(session, "roll back", back.result)


class ByHook(Delivering):
    """By the site's own sync hook, which may use our library on the fleet."""

    kind = delivery.BY_HOOK

    def deliver(self, session: Session, *, everyone: bool) -> SyncResult:  # noqa: ARG002
        """The hook decides who gets it. When it fails the rollout stays open, tagged."""
        announcing.syncing(session)
        with announcing.failures(session):
            write_deploy_file(session)
            run_sync_hook(session)
            run_post_sync(session)
            announcing.synced(session)
            remind_to_push_what_was_synced(session)
            finalize(session)
        state = session.state
        done = f"{state.rollout_tag} is synchronised by the sync hook, and the rollout is finished"
        require_purged(session.site, state.prefix, state.release, state.stale, done)
        left_out = session.command.fleets.left_out() if session.site.has_fleet else {}
        return SyncResult(state, state.left_behind, left_out=left_out)

    def roll_back(self, session: Session) -> str:
        """A script that brought the release to the fleet takes it back too, after the work tree."""
        if session.state.has_told_targets and session.site.has_fleet:
            with session.events.step("roll back"):
                desired_state.put_back(session)
        return ""

    def roll_back_elsewhere(self, session: Session, back: RolloutState) -> str:
        """What the script says is not believed of targets that it switched by our library: they are
        asked.
        """
        try:
            run_rollback_hook(session, back)
        except SartorisError as error:
            return error.message
        if session.state.has_told_targets and session.site.has_fleet:
            return _not_back(session)
        return ""


class ByHand(Delivering):
    """By the deployer."""

    kind = delivery.BY_HAND

    def deliver(self, session: Session, *, everyone: bool) -> SyncResult:  # noqa: ARG002
        """Nothing is brought anywhere; the rollout stays open until `finish`."""
        write_deploy_file(session)
        announcing.by_hand(session)
        run_post_sync(session)
        announcing.left_to_hand(session)
        return SyncResult(session.state)

    def roll_back_elsewhere(self, session: Session, back: RolloutState) -> str:
        session.events.warn(
            f"this sync was by hand: the servers are not back yet, bring {back.rollout_tag} to them"
        )
        return ""


TO_FLEET, BY_HOOK, BY_HAND = ToFleet(), ByHook(), ByHand()
_ALL: dict[str, Delivering] = {one.kind.name: one for one in (TO_FLEET, BY_HOOK, BY_HAND)}


def _warn_of_what_stands_there(session: Session) -> None:
    """Targets say so themselves when they fetch; in a dry run they do not."""
    fleet = session.fleet().fleet
    for text, _ in in_the_way(fleet.status(fleet.targets).outcomes.values(), fleet.order):
        session.events.warn(text)
    if fleet.order.shared:
        for text in would_leave(fleet.share(()).outcomes.values(), fleet.order):
            session.events.warn(text)


def delivery_of(session: Session) -> Delivering:
    """The one that was chosen with the rollout's tag."""
    return _ALL[session.state.way]


def choose_delivery(command: Command, prefix: str) -> Delivering:
    """By the site's sync hook where it has one, by us to the fleet, or by hand."""
    if command.hooks.sync_hook(prefix) is not None:
        return BY_HOOK
    return TO_FLEET if command.site.has_fleet else BY_HAND


def conclude(session: Session, result: SyncResult) -> SyncResult:
    """What follows once the release is live: the working repository, hooks, the end.

    Raises `NotFinished`, and `CachesStale` when all else is done.
    """
    if session.state.action == "revert":
        follow_revert(session)
    write_deploy_file(session)
    run_post_sync(session)
    announcing.synced(session)
    remind_to_push_what_was_synced(session)
    finalize(session, loud=False)
    state, there = session.state, result.total - len(result.left_behind)
    where = f"live on {there} of {plural(result.total, 'target')}"
    done = f"{state.release} is {where}, and the rollout is finished"
    require_purged(session.site, state.prefix, state.release, state.stale, done)
    return result


def _behind(session: Session) -> tuple[Sequence[str], StageResult]:
    """The targets that are not done with the release, and what those said that do not answer: they
    are behind too.
    """
    fleet = session.fleet()
    asked = fleet.fleet.status(fleet.targets)
    silent = {name: one for name, one in asked.outcomes.items() if one.silent}
    return asked.not_current(session.state.release), StageResult("fetch", silent)


def _have_gone_back(session: Session) -> bool:
    """Whether all say that they have what was live before, and nothing else is to be done."""
    state, fleet = session.state, session.fleet()
    asked = fleet.fleet.status(fleet.targets)
    if not all(_is_back(state, one) and not one.due for one in asked.outcomes.values()):
        return False
    if not state.release_before:
        for line in where_live(asked):
            session.events.note(line)
    purge_caches(session, state.release_before)
    return True


def _not_back(session: Session) -> str:
    """The targets that do not say that they have what was live before, as text; "" for none."""
    state, fleet = session.state, session.fleet()
    with session.events.step("ask"):
        asked = fleet.fleet.status(fleet.targets)
    wrong = {n: one for n, one in asked.outcomes.items() if not _is_back(state, one)}
    if not wrong:
        return ""
    session.events.emit(LeftBehind(targets=tuple(wrong), release=state.release_before))
    lines = ["the sync hook has gone back, but not on every target:"]
    return "\n".join([*lines, *where_live(StageResult("status", wrong))])


def _is_back(state: RolloutState, outcome: Outcome) -> bool:
    """Of a slot that had nothing before, all but the release may be live."""
    if outcome.silent:
        return False
    return outcome.live == state.release_before or (
        state.before is None and outcome.live != state.release
    )
