"""The steps from a rollout tag to a fleet that has it live, and the way back.

`roll_out` is the order in which `sync`, `resync` and `revert` take them; a site's own sync script
has an order of its own (`sartoris.script`). Each step writes down what it is about to do before it
does it, and may be repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sartoris.actions import desired_state
from sartoris.actions.purge import ban_commands, purge, stale_lines
from sartoris.errors import SyncIncomplete
from sartoris.events import LeftBehind, Published
from sartoris.fleet.adopted import adopt_steps
from sartoris.fleet.causes import blames_publishing, describe_failures
from sartoris.fleet.fleet import StageResult
from sartoris.fleet.release_spec import ReleaseSpec
from sartoris.fleet.runner import Ran
from sartoris.fleet.shared import leave_steps
from sartoris.rollout.deploy_file import deploy_text
from sartoris.rollout.session import Session
from sartoris.rollout.state import Progress, RolloutState
from sartoris.rollout.wanted import moved_from
from sartoris.shell import command

_FEW = 3  # targets that a command can name


@dataclass(frozen=True)
class SyncResult:
    """A sync that is done. `left_behind` are the targets it went on without, of `total`.

    `left_out` are those that it did not ask, and that are not counted, each with why.
    """

    state: RolloutState
    left_behind: tuple[str, ...] = ()
    total: int = 0
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RolledBack:
    """What came of going back to `release` ("" for nothing): `failed` are the targets that had to
    and did not, `result` is what each target of the fleet answered, `stale` are the caches that may
    still serve what was there.
    """

    release: str
    failed: tuple[str, ...]
    result: StageResult
    stale: Mapping[str, str]


class GateClosed(SyncIncomplete):
    """Too many targets failed, or a check of the site's own did."""


class LockLost(SyncIncomplete):
    """The rollout's lock is held by another session now, or gone."""


def roll_out(
    session: Session,
    targets: Sequence[str],
    missing: Sequence[str],
    silent: StageResult | None = None,
) -> SyncResult:
    """Bring the tagged release to `targets`, of which `missing` have to fetch it first, and those
    in `silent` have not answered just now.

    Raises `GateClosed` when too many of the fleet failed: before the switch nothing live has
    changed, after it everyone has been rolled back. The rollout stays open then. `LockLost` before
    the switch.
    """
    may_have_it = session.fleet().targets if session.state.has_told_targets else ()
    release = publish(session)
    fetched = fetch(session, release, missing, silent)
    require_fetched(session, fetched)
    require_lock(session)
    set_desired_state(session, release)
    holding = [name for name in targets if name not in fetched.failed]
    switched = switch(session, release, holding, behind=fetched.failed)
    if not switched.passed:
        back = roll_back(session, {*may_have_it, *switched.result.outcomes})
        why = why_failed(session, "switch", switched.result)
        raise not_switched(session, why, switched.result, back)
    purge_caches(session, release.release)
    return record(session, behind={*fetched.failed, *switched.failed})


def publish(session: Session) -> ReleaseSpec:
    """Have the release in the publish repository."""
    state = session.state
    with session.events.step("publish", state.release):
        release = session.effects.publish(state.release, state.source)
        session.events.emit(
            Published(
                session=state.session,
                release=release.tag,
                commit=release.commit,
                source=release.source,
            )
        )
        session.reach(Progress.PUBLISHED, commit=release.commit)
    return ReleaseSpec(
        release=release.tag,
        commit=release.commit,
        deploy_text=deploy_text(session.site, session.state),
        size=release.size,
    )


def fetch(
    session: Session,
    release: ReleaseSpec,
    targets: Sequence[str],
    silent: StageResult | None = None,
) -> Ran:
    """Have the release beside what is live on `targets`, whoever fails.

    Where so many do not get it that the rollout stops, the publish repository is looked at: a
    damaged one is made anew, and they are asked again.
    """
    if not targets:
        return session.fleet().fetch(release, ())
    with session.events.step("fetch"):
        fetched = session.fleet().fetch(release, targets, silent)
    if (fetched.passed and fetched.succeeded) or not mend_publishing(session, fetched.result):
        return fetched
    publish(session)
    with session.events.step("fetch"):
        return session.fleet().fetch(release, targets, silent)


def mend_publishing(session: Session, result: StageResult) -> bool:
    """Whether the publish repository was to blame, and is a new one now."""
    return blames_publishing(result.outcomes.values()) and session.effects.mend_publishing()


def require_fetched(session: Session, fetched: Ran) -> None:
    """The gate between fetch and switch. Raises `GateClosed`."""
    if not fetched.passed:
        raise stopped(session, why_failed(session, "fetch", fetched.result), fetched.result)


def require_lock(session: Session) -> None:
    """Notice that the lock was taken away while targets fetched. Raises `LockLost`."""
    state, holder = session.state, session.effects.lock_holder()
    if holder is not None and holder.session == state.session:
        return
    now = f"it is held now by {holder.describe()}" if holder else "nobody holds it now"
    raise LockLost(
        f"the lock was taken away while {state.release} was fetched: {now}\n"
        f"{told_to_switch(state)}",
        next_steps=["git deploy status", "git deploy report"],
    )


def set_desired_state(session: Session, release: ReleaseSpec) -> None:
    """From here on the release is what the slot should have."""
    with session.events.step("commit", release.release):
        session.write(session.state.switching())
        desired_state.bring_forward(session, release)


def switch(
    session: Session, release: ReleaseSpec, targets: Sequence[str], behind: Sequence[str]
) -> Ran:
    """Switch `targets`, wave by wave, while `behind` are left behind already."""
    with session.events.step("switch"):
        return session.fleet().switch(release, targets, behind)


def purge_caches(session: Session, release: str) -> Mapping[str, str]:
    """Have caches drop what they hold from before `release`; those that may still serve old pages.

    That stops nothing.
    """
    stale = purge(session.command, session.state.prefix, release)
    if stale or session.state.stale:
        session.write(replace(session.state, stale=stale))
    return stale


def record(session: Session, behind: Iterable[str]) -> SyncResult:
    """Write down that the fleet has the release, and who was left behind."""
    session.reach(Progress.SYNCED, left_behind=tuple(sorted(behind)))
    state = session.state
    desired_state.confirm(session)
    if state.left_behind:
        session.events.emit(LeftBehind(targets=state.left_behind, release=state.release))
    fleet = session.fleet()
    total, left_out = len(fleet.targets), fleet.fleet.left_out
    return SyncResult(state, state.left_behind, total, left_out)


def roll_back(session: Session, names: Iterable[str]) -> RolledBack:
    """Take back the named targets, which may have switched, and write down that they are back."""
    back = take_back(session, names)
    if not back.failed:
        session.write(session.state.rolled_back())
    return back


def take_back(session: Session, names: Iterable[str]) -> RolledBack:
    """Take the slot back to what it had: the desired state, the targets, the caches.

    The named targets are told to. The others are asked, and those that have the release too.
    """
    state, fleet, may_have_it = session.state, session.fleet(), set(names)
    with session.events.step("roll back"):
        desired_state.put_back(session)
        asked = fleet.fleet.status([name for name in fleet.targets if name not in may_have_it])
        if state.release != state.release_before:
            may_have_it |= {n for n, one in asked.outcomes.items() if one.live == state.release}
        targets = [name for name in fleet.targets if name in may_have_it]
        back = fleet.roll_back(state.release, state.before, targets)
    stale = purge_caches(session, state.release_before)
    return RolledBack(state.release_before, back.failed, asked.and_then(back.result), stale)


def not_switched(session: Session, why: str, failed: StageResult, back: RolledBack) -> GateClosed:
    """The error for a rollout that was rolled back because of `why`, by what `failed`."""
    lines, again = [why], _again(session)
    if back.failed:
        not_back = {name: back.result.outcomes[name] for name in back.failed}
        lines += [why_failed(session, "roll back", StageResult("roll back", not_back))]
        lines += where_live(back.result)
    else:
        said = "Every target that had switched was rolled back."
        lines += _with_live(said, "Live is", session, back.result)
    return GateClosed(
        "\n".join([*lines, *stale_lines(back.stale)]),
        next_steps=[
            *ban_commands(session.site, session.state.prefix, back.release, back.stale),
            *adopt_steps(failed.outcomes.values(), again),
            f"{again}   # tries again, once the cause is fixed",
            "git deploy abort    # gives up this rollout",
            "git deploy report --verify",
        ],
    )


def stopped(session: Session, why: str, fetched: StageResult) -> GateClosed:
    """The error for an attempt that stops before its switch because of `why`.

    Those that were not told to fetch in it are asked what they have live.
    """
    fleet = session.fleet()
    rest = [name for name in fleet.targets if name not in fetched.outcomes]
    answers = fleet.fleet.status(rest).and_then(fetched) if rest else fetched
    said, again = "Nothing has switched, anywhere.", _again(session)
    if session.state.has_told_targets:
        said = "No target was told to switch now."
    return GateClosed(
        "\n".join([why, *_with_live(said, "Live is still", session, answers), *_moved(session)]),
        next_steps=[
            *adopt_steps(fetched.outcomes.values(), again),
            *leave_steps(fetched.outcomes.values(), again),
            f"{again}   # once the cause is fixed",
            *ways_without(session, fetched.failed),
            "git deploy abort    # gives up this rollout",
        ],
    )


def ways_without(session: Session, failed: Sequence[str]) -> list[str]:
    """The commands that go on without those that failed, where the fleet is more than those."""
    if not 0 < len(failed) <= _FEW or len(failed) >= len(session.fleet().targets):
        return []
    options, again = " ".join(command("--without", name) for name in failed), _again(session)
    out = [command("git", "deploy", "away", name) for name in failed]
    back = command("git", "deploy", "back", *failed)
    return [
        f"{again} {options}   # goes on without, this once",
        f"{' && '.join([*out, again])}   # leaves it out until {back}",
    ]


def _again(session: Session) -> str:
    """The command that tries again, with what was said of targets: it is asked anew each time."""
    return " ".join(["git deploy resync", *session.site.options.typed_again])


def _moved(session: Session) -> list[str]:
    """Where `deploy.path` has moved, targets say what is live at the new place only."""
    path = session.slot.path
    before = moved_from(session.command.records.desired.slots(), session.slot)
    said = f"That is at {path}. Nothing was done at {before}, where deploy.path was before."
    return [said] if before else []


def why_failed(session: Session, what: str, result: StageResult) -> str:
    """How many failed, and why, for a person."""
    total, allowed = len(session.fleet().targets), str(session.site.max_failed)
    return describe_failures(what, result.outcomes.values(), total, allowed)


def told_to_switch(state: RolloutState) -> str:
    """What is known of the fleet without asking it."""
    if state.has_told_targets:
        return "Targets may have switched before that; `git deploy report` asks them."
    return "Nothing has switched: no target was told to."


def where_live(answers: StageResult) -> list[str]:
    """What each of the targets says is live, and who does not say, as lines for a person."""
    live: dict[str, list[str]] = {}
    silent: dict[str, list[str]] = {}
    for name, outcome in answers.outcomes.items():
        if outcome.silent:
            silent.setdefault(outcome.error, []).append(name)
        else:
            live.setdefault(outcome.what_is_live, []).append(name)
    return [
        *(f"Live is {release} on {', '.join(names)}" for release, names in live.items()),
        *(f"What is live is not known of {', '.join(n)} ({why})" for why, n in silent.items()),
    ]


def _with_live(said: str, live_is: str, session: Session, answers: StageResult) -> list[str]:
    """`said`, with the one release that all of the fleet say is live, or with who says what."""
    outcomes = answers.outcomes.values()
    found = {outcome.what_is_live for outcome in outcomes}
    is_one = len(found) == 1 and not any(outcome.silent for outcome in outcomes)
    if is_one and set(answers.outcomes) >= set(session.fleet().targets):
        return [f"{said} {live_is}: {found.pop()}"]
    return [said, *where_live(answers)]
