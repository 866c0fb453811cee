"""The steps from a rollout tag to a fleet that has it live, for whoever puts them in an order.

`git deploy sync` has one order (`delivery`), a site's own sync script another (`sartoris.script`).
Each step writes down what it is about to do before it does it, and may be repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sartoris.actions.purge import again, purge, tell_stale
from sartoris.errors import SyncIncomplete
from sartoris.events import DesiredStateChanged, LeftBehind, Published
from sartoris.fleet.causes import causes
from sartoris.fleet.desired import Desired
from sartoris.fleet.fleet import StageResult
from sartoris.fleet.two_stage import LiveRelease
from sartoris.orders import Order, Outcome, now
from sartoris.rollout.deploy_file import deploy_text
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.state import Progress, RolloutState
from sartoris.transports.base import DesiredStateRecord, KeepsDesiredState
from sartoris.wording import plural


@dataclass(frozen=True)
class Delivered:
    """A sync that is done. `left_behind` are the targets it went on without."""

    state: RolloutState
    left_behind: tuple[str, ...]
    total: int


class GateClosed(SyncIncomplete):
    """Too many targets failed, or a check of the site's own did."""


class LockLost(SyncIncomplete):
    """The rollout's lock is somebody else's now, or gone."""


class Steps:
    """The steps of one rollout, which has its tag. `state` is where it stands now."""

    def __init__(self, d: Deployment, state: RolloutState) -> None:
        self._d = d
        self.state = state

    def publish(self) -> LiveRelease:
        """Have the release in the publish repository."""
        d, state = self._d, self.state
        with d.events.step("publish", state.release):
            release = d.publish.publish(state.release, state.source)
            d.events.emit(
                Published(
                    session=state.session,
                    release=release.tag,
                    commit=release.commit,
                    source=release.source,
                )
            )
            self._write(state.reach(Progress.PUBLISHED, commit=release.commit))
        text = deploy_text(d, self.state)
        return LiveRelease(
            release=release.tag, commit=release.commit, deploy_text=text, size=release.size
        )

    def fetch(self, release: LiveRelease, targets: Iterable[str]) -> StageResult:
        """Have the release beside what is live on `targets`, whoever fails."""
        return self._d.two_stage.fetch(release, targets)

    def require_fetched(self, fetched: StageResult) -> None:
        """The gate after a fetch. Raises `GateClosed`."""
        if not self._d.two_stage.gate_opens(fetched):
            raise self.stop(self.why_failed("fetch", fetched))

    def stop(self, why: str) -> GateClosed:
        """What to raise when the rollout stops before its switch."""
        return GateClosed(
            f"{why}\n{nothing_switched(self.state)}",
            next_steps=[
                "git deploy resync   # once the cause is mended",
                "git deploy abort    # gives up this rollout",
            ],
        )

    def commit(self, release: LiveRelease) -> None:
        """From here on the release is what the slot should have. Raises `LockLost`."""
        d = self._d
        with d.events.step("commit", release.release):
            self.require_lock()
            self._write(self.state.reach(Progress.SWITCHING, stale={}))
            desired = self._desired(release)
            set_desired(d, self.state, desired, settled=False)

    def switch(
        self, release: LiveRelease, targets: Iterable[str], behind: Iterable[str] = ()
    ) -> StageResult:
        """Switch `targets`, group by group, while `behind` are left behind already.

        Stops after the group in which too many have failed.
        """
        return self._d.two_stage.switch(release, targets, behind)

    def require_switched(self, switched: StageResult, behind: Iterable[str] = ()) -> None:
        """The gate after a switch. When it is closed everyone goes back: raises `GateClosed`."""
        if switched.failed and not self._d.two_stage.gate_opens(switched, behind):
            raise self.switch_back(switched, self.why_failed("switch", switched))

    def purge(self, release: str) -> tuple[str, ...]:
        """Have caches drop what they hold from before `release`, "" for nothing live.

        The caches that may still serve old pages; that stops nothing.
        """
        stale = purge(self._d, self.state.prefix, release)
        if stale or self.state.stale:
            self._write(replace(self.state, stale=stale))
        return tuple(stale)

    def switch_back(self, switched: StageResult, why: str) -> GateClosed:
        """Take everyone back, the desired state and the caches too; what to raise then."""
        d, state = self._d, self.state
        with d.events.step("switch back"):
            set_desired(d, state, state.before)
            back = d.two_stage.take_back(state.release, state.before, switched.outcomes)
            if not back.failed:
                self._write(state.taken_back())
        before = state.before.release if state.before else ""
        stale = purge(d, state.prefix, before)
        if back.failed:
            lines = [why, self.why_failed("switch back", back), *_live_now(back)]
        else:
            now = f"Live is: {before or 'nothing'}"
            lines = [why, f"Every target that had switched was switched back. {now}"]
        return GateClosed(
            "\n".join([*lines, *tell_stale(stale)]),
            next_steps=[
                *again(d, state.prefix, before, stale),
                "git deploy resync   # tries again, once the cause is mended",
                "git deploy abort    # gives up this rollout",
                "git deploy report --verify",
            ],
        )

    def record(self, left_behind: Iterable[str]) -> Delivered:
        """Write down that the fleet has the release, and who was left behind."""
        d = self._d
        self._write(self.state.reach(Progress.SYNCED, left_behind=tuple(sorted(left_behind))))
        state = self.state
        tell_targets(d, state.slot, settled=d.desired.of(state.slot))
        if state.left_behind:
            d.events.emit(LeftBehind(targets=state.left_behind, release=state.release))
        return Delivered(state, state.left_behind, len(d.fleet.targets))

    def why_failed(self, what: str, result: StageResult) -> str:
        """How many failed, and why, for a person."""
        d = self._d
        outcomes = list(result.outcomes.values())
        return failed_of(what, outcomes, len(d.fleet.targets), str(d.config.max_failed))

    def require_lock(self) -> None:
        """Notice that somebody else has the lock now. Raises `LockLost`."""
        state, holder = self.state, self._d.lock.holder()
        if holder is not None and holder.session == state.session:
            return
        now = f"it is held now by {holder.describe()}" if holder else "nobody holds it now"
        raise LockLost(
            f"the lock was taken away while {state.release} was fetched: {now}\n"
            f"{nothing_switched(state)}",
            next_steps=["git deploy status", "git deploy report"],
        )

    def _write(self, state: RolloutState) -> None:
        self._d.state_file.write(state)
        self.state = state

    def _desired(self, release: LiveRelease) -> Desired:
        state = self.state
        return Desired(
            slot=state.slot,
            prefix=state.prefix,
            path=self._d.fleet.order.path,
            release=release.release,
            commit=release.commit,
            source=state.source,
            rollout=state.rollout_tag,
            since=state.tagged_at,
            deploy_text=release.deploy_text,
        )


def set_desired(
    d: Deployment, state: RolloutState, desired: Desired | None, *, settled: bool = True
) -> None:
    """What the slot should have from now on; None for nothing.

    Until it is `settled`, targets that come back by themselves are not to run ahead of the rollout.
    """
    before = d.desired.of(state.slot)
    if desired is None:
        d.desired.unset(state.slot)
    else:
        d.desired.set(desired)
    d.events.emit(
        DesiredStateChanged(
            slot=state.slot,
            release=desired.release if desired else "",
            before=before.release if before else "",
        )
    )
    if settled:
        tell_targets(d, state.slot, settled=desired)
    else:
        tell_targets(d, state.slot, settled=state.before, coming=desired)


def tell_targets(
    d: Deployment, slot: str, *, settled: Desired | None, coming: Desired | None = None
) -> None:
    """Let targets that come back by themselves know what they should have."""
    if not isinstance(d.transport, KeepsDesiredState):
        return
    record = DesiredStateRecord(
        repository=d.config.repo_name,
        slot=slot,
        origin=str(d.repository.git_dir),
        current=_order(d, settled),
        pending=_order(d, coming),
    )
    warning = d.transport.publish_desired_state(record)
    if warning:
        d.events.warn(warning)


def _order(d: Deployment, desired: Desired | None) -> Order | None:
    if desired is None:
        return None
    return replace(
        d.fleet.order,
        action="switch",
        release=desired.release,
        commit=desired.commit,
        deploy_text=desired.deploy_text,
        decided=now(),
        catch_up=True,
    )


def nothing_switched(state: RolloutState) -> str:
    """What is live where while the release is only being fetched."""
    if state.may_be_live:
        return "Targets that did not have the release keep what they had; the others keep it."
    before = state.before.release if state.before else "nothing, as before"
    return f"Nothing has switched, anywhere. Live is still: {before}"


def _live_now(result: StageResult) -> list[str]:
    by_release: dict[str, list[str]] = {}
    for name, outcome in result.outcomes.items():
        by_release.setdefault(outcome.live or "nothing known", []).append(name)
    return [f"Live is {release} on {', '.join(names)}" for release, names in by_release.items()]


def failed_of(what: str, outcomes: Sequence[Outcome], total: int, allowed: str) -> str:
    """How many failed, and why, a line for each cause with the end of its output."""
    found = causes(outcomes)
    count = sum(len(cause.targets) for cause in found)
    among = f"{count} of {plural(total, 'target')}"
    lines = [f"{what} failed on {among} (deploy.max-failed allows {allowed}):"]
    for cause in found:
        lines.append(f"  {cause.describe()}")
        lines += [f"    | {line}" for line in cause.output.splitlines()[-4:]]
    return "\n".join(lines)
