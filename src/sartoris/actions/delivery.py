"""From a rollout tag to a fleet that has it live: what `sync` and `resync` have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sartoris.actions import after_revert, announcing, finish
from sartoris.actions.purge import require_purged
from sartoris.actions.steps import Delivered, Steps
from sartoris.errors import NotFinished
from sartoris.fleet.fleet import StageResult
from sartoris.fleet.two_stage import LiveRelease
from sartoris.hooks import HookFailed, Phase
from sartoris.rollout.deploy_file import write_deploy_file
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.state import RolloutState
from sartoris.wording import plural


def deliver(d: Deployment, state: RolloutState, targets: Iterable[str]) -> Delivered:
    """Publish, fetch, decide, switch, purge, record. `state` has its rollout tag.

    Raises `GateClosed` when too many of the fleet failed: before the switch nothing live has
    changed anywhere, after it every target has been switched back. The rollout stays open.
    `LockLost` before the switch. `CachesStale` when it is finished, but not on every cache.
    """
    steps = Steps(d, state)
    release = steps.publish()
    fetched = _fetch(d, steps, release, targets)
    steps.commit(release)
    switched = _switch(d, steps, release, fetched.succeeded, fetched.failed)
    steps.purge(release.release)
    return conclude(d, steps.record(fetched.and_then(switched).failed))


def make_live(d: Deployment, state: RolloutState, without: Sequence[str]) -> Delivered:
    """As `deliver`, when all targets but those in `without` hold the release: they fetch nothing.

    The rollout is not concluded yet.
    """
    steps = Steps(d, state)
    release = steps.publish()
    fetched = _fetch(d, steps, release, without) if without else StageResult("fetch", {})
    steps.commit(release)
    holding = [name for name in d.fleet.targets if name not in fetched.failed]
    switched = _switch(d, steps, release, holding, fetched.failed)
    steps.purge(release.release)
    return steps.record(fetched.and_then(switched).failed)


def _fetch(
    d: Deployment, steps: Steps, release: LiveRelease, targets: Iterable[str]
) -> StageResult:
    with d.events.step("fetch"):
        fetched = steps.fetch(release, targets)
        steps.require_fetched(fetched)
        return fetched


def _switch(
    d: Deployment,
    steps: Steps,
    release: LiveRelease,
    targets: Sequence[str],
    behind: Sequence[str],
) -> StageResult:
    with d.events.step("switch"):
        switched = steps.switch(release, targets, behind)
        steps.require_switched(switched, behind)
        return switched


def conclude(d: Deployment, delivered: Delivered) -> Delivered:
    """What follows once the release is live: the working repository, hooks, the end."""
    state = delivered.state
    if state.action == "revert":
        after_revert.follow(d, state)
    write_deploy_file(d, state)
    run_post_sync(d, state)
    announcing.synced(d, state)
    finish.close(d, state, loud=False)
    there = delivered.total - len(delivered.left_behind)
    where = f"live on {there} of {plural(delivered.total, 'target')}"
    done = f"{state.release} is {where}, and the rollout is finished"
    require_purged(d, state.prefix, state.release, state.stale, done)
    return delivered


def run_post_sync(d: Deployment, state: RolloutState) -> None:
    """Run the post-sync hooks. Raises `NotFinished`: the rollout stays open then."""
    result = "by-hand" if state.way == "hand" else "complete"
    try:
        d.hooks.run(Phase.POST_SYNC, d.hook_context(state, GIT_DEPLOY_RESULT=result))
    except HookFailed as error:
        raise NotFinished(
            f"{state.release} {_reached(state)}, but the rollout is not finished: {error.message}",
            next_steps=["git deploy finish", "git deploy abort   # goes back to what was before"],
        ) from error


def _reached(state: RolloutState) -> str:
    ways = {"fleet": "is live on the fleet", "hook": "is synchronised", "hand": "is tagged"}
    return ways[state.way]
