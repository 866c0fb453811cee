"""What must be true whatever was typed, whatever broke, and wherever a process was killed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sartoris.actions.roll_out import SyncResult
from sartoris.errors import Refused, SartorisError
from sartoris.fleet.desired import Desired
from sartoris.rollout.state import Progress, RolloutState
from sartoris.rollout.transitions import Situation, situation
from tests.unit.actions.typing_commands import Typed
from tests.unit.actions.world import World

PATH = "/srv/wiki/php-{}"
SLOTS = ("slot0", "slot1")
ROLL_OUTS = ("sync", "resync", "revert")


@dataclass(frozen=True)
class Before:
    """The world before a command."""

    live: dict[str, str]
    desired: Desired | None
    state: RolloutState | None
    sent: int
    slot: str
    others: dict[str, dict[str, str]]

    @classmethod
    def of(cls, world: World, slot: str = "slot0") -> Before:
        """`slot` is what a command is about that is not about an open rollout."""
        state = world.state
        slot = state.slot if state else slot
        others = {other: world.live(other) for other in SLOTS if other != slot}
        desired, live = world.desired_of(slot), world.live(slot)
        return cls(live, desired, state, len(world.sent), slot, others)


def check(world: World, before: Before, typed: Typed) -> None:
    """All promises that a single command has to keep."""
    check_gates(world, before, typed)
    if typed.name != "converge":
        for other, live in before.others.items():
            assert world.live(other) == live, f"{typed.name} of {before.slot} changed {other}"
    if typed.killed:
        return
    if typed.error is None:
        check_success(world, before, typed)
    else:
        check_error(world, before, typed.error)
    check_situation(world)
    if world.state is None:
        world.newcomers.clear()
        for slot in SLOTS:
            check_accounts(world, slot)


def believable(world: World, slot: str = "slot0") -> Iterable[str]:
    """The targets that do not lie: nobody can see through the others."""
    return [
        name
        for name, one in world.targets.items()
        if not (one.lies or (one if slot == "slot0" else one.place(PATH.format(slot))).deceived)
    ]


def check_gates(world: World, before: Before, typed: Typed) -> None:
    """More failures than allowed in fetch: nobody switched. In a switch: the next wave was not
    reached.
    """
    if typed.name not in ROLL_OUTS:
        return
    sent = world.sent[before.sent :]
    failed: set[str] = set()
    closed, release = "", ""
    for one in sent:
        if one.order.action == "fetch" and not closed and not release:
            failed |= one.failed
            release = one.order.release
            closed = "" if allowed(world, failed) else "fetch"
        elif one.order.action == "switch" and release in ("", one.order.release):
            release = one.order.release
            assert not closed, f"switched {one.targets} though {failed} had failed in {closed}"
            failed |= one.failed
            closed = "" if allowed(world, failed) else "switch"
        elif closed == "fetch" and one.order.action != "status":  # to ask is not to change
            raise AssertionError(f"{one.order.action} though {failed} had failed in fetch")


def allowed(world: World, failed: set[str]) -> bool:
    total = len(world.targets)
    return len(failed) <= world.config.max_failed.of(total) and len(failed) < total


def check_success(world: World, before: Before, typed: Typed) -> None:
    """Exit 0 only if everyone not named as left behind has the release live."""
    slot = before.slot
    live, desired = world.live(slot), world.desired_of(slot)
    if isinstance(typed.result, SyncResult) and typed.result.state.delivery.is_ours:
        result = typed.result
        require_live(world, result.state.release, without=result.left_behind, slot=slot)
        assert desired is not None
        assert desired.release == result.state.release
    elif typed.name == "converge":
        for one in SLOTS:
            if should := world.desired_of(one):
                require_live(world, should.release, slot=one)
    elif typed.name == "abort" and before.state and before.state.may_be_live:
        back = before.state.release_before
        if back:
            require_live(world, back, slot=slot)
        else:
            assert all(live[name] != before.state.release for name in believable(world, slot))
    elif typed.name == "finish" and not typed.force and before.state:
        if not before.state.delivery.is_ours:
            return
        excused = (*before.state.left_behind, *world.newcomers)
        require_live(world, before.state.release, without=excused, slot=slot)


def require_live(
    world: World, release: str, without: Iterable[str] = (), slot: str = "slot0"
) -> None:
    live = world.live(slot)
    wrong = [n for n in believable(world, slot) if n not in without and live[n] != release]
    assert not wrong, f"{wrong} should have {release} live, and they have {live}"


def check_error(world: World, before: Before, error: SartorisError) -> None:
    """What a message says of the fleet is true."""
    live, state = world.live(before.slot), world.state
    desired, honest = world.desired_of(before.slot), believable(world, before.slot)
    unchanged = {name: live[name] == before.live[name] for name in honest}
    if isinstance(error, Refused):
        assert all(unchanged.values()), f"refused, and changed: {error.message}"
        assert desired == before.desired, f"refused, and changed: {error.message}"
    if "Nothing has switched, anywhere" in error.message:
        assert all(unchanged.values()), error.message
    if "keep what they had" in error.message:
        assert all(unchanged.values()), error.message
    if "Every target that had switched was rolled back" in error.message:
        assert state is not None
        said = error.message.partition("Live is: ")[2].partition("\n")[0]
        back = "" if said == "nothing" else said
        left = {live[name] for name in honest}
        assert state.release not in left or state.release == back, (error.message, live)


def check_situation(world: World) -> None:
    """What `status` says of the fleet is true: here, that nothing live has changed."""
    state = world.state
    here = situation(state)
    if state is None or state.action == "revert":
        return
    if here in (Situation.STARTED, Situation.TAGGED, Situation.PUBLISHED) and state.release:
        live = world.live(state.slot)
        honest = believable(world, state.slot)
        assert all(live[name] != state.release for name in honest), (here, live)
    if state.progress is Progress.SYNCED and state.delivery.is_ours and not state.aborting:
        excused = (*state.left_behind, *world.newcomers)
        require_live(world, state.release, without=excused, slot=state.slot)


def check_accounts(world: World, slot: str = "slot0") -> None:
    """Every target is accounted for: the journal takes nobody for current who is not."""
    should = world.desired_of(slot)
    desired = should.release if should else ""
    known, live = world.journal.targets(slot), world.live(slot)
    for name in believable(world, slot):
        if live[name] == desired or name not in known:
            continue
        record = known[name]
        assert record.error or record.live != desired, f"nobody knows that {name} has {live[name]}"


def check_agreement(world: World, slot: str = "slot0") -> None:
    """Desired state, journal and what targets that come back are told say the same."""
    should = world.desired_of(slot)
    desired = should.release if should else ""
    said = [
        event["release"]
        for event in world.all_events()
        if event["event"] == "desired-state-changed" and event["slot"] == slot
    ]
    if world.forgets:
        return
    agree = (said or [""])[-1] == desired
    assert agree, f"the journal says {said[-1:]}, desired.json {desired!r}"
    wanted = world.wanted.get(slot)
    if wanted is not None:
        settled = wanted.current.release if wanted.current else ""
        assert (settled, wanted.pending) == (desired, None), wanted
