"""`git deploy service`: the service of what is deployed, in batches over the fleet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sartoris.actions.steps import failed_of
from sartoris.config import Share
from sartoris.errors import Refused, SyncIncomplete
from sartoris.fleet.batches import Batches
from sartoris.fleet.fleet import StageResult
from sartoris.rollout.deployment import Deployment
from sartoris.transports.configured import add_targets

Change = Literal["restart", "reload"]


class ServiceIncomplete(SyncIncomplete):
    """The service was not acted on everywhere."""


def act_on_service(
    d: Deployment, change: Change, names: Sequence[str], batch: Share | None = None
) -> StageResult:
    """Restart or reload the service on the named targets, or all, one batch after another.

    `batch` instead of `deploy.batch`. Raises `ServiceIncomplete` when a target failed, after the
    batch with which too many had; `Refused` without a service or a fleet, `CommandRunning` while a
    sync runs, `WrongUsage` for a name that is no target.
    """
    service = _service(d)
    d.action = "service"
    with d.exclusively(), d.events.step("service", f"{change} {service}"):
        chosen = d.fleet.chosen(names)
        result = StageResult("service", {})
        for group in Batches(d.config.canary, batch or d.config.batch).of(chosen):
            acted = d.fleet.service(service, change, group)
            result = result.and_then(acted)
            total = len(d.fleet.targets)
            if acted.failed and not d.two_stage.gate.opens("service", result.failed, total):
                break
    if result.failed:
        raise _incomplete(d, change, result, chosen)
    return result


def service_states(d: Deployment, names: Sequence[str]) -> StageResult:
    """Ask how the service is; a target that could tell has the state as its message."""
    service = _service(d)
    return d.fleet.service(service, "status", d.fleet.chosen(names))


def _service(d: Deployment) -> str:
    if not d.has_fleet:
        raise Refused(
            "there are no targets whose service could be acted on",
            next_steps=[add_targets(d.config)],
        )
    if d.config.service is None:
        raise Refused(
            "deploy.service is not set: which service runs what is deployed here?",
            next_steps=["git config deploy.service NAME   # as in php8.2-fpm"],
        )
    return d.config.service


def _incomplete(
    d: Deployment, change: Change, result: StageResult, chosen: Sequence[str]
) -> ServiceIncomplete:
    outcomes = list(result.outcomes.values())
    lines = [failed_of(change, outcomes, len(chosen), str(d.config.max_failed))]
    untouched = [name for name in chosen if name not in result.outcomes]
    lines.append(f"{change} done on: {', '.join(result.succeeded) or 'none'}")
    if untouched:
        lines.append(f"Not touched: {', '.join(untouched)}")
    again = " ".join(name for name in chosen if name not in result.succeeded)
    return ServiceIncomplete(
        "\n".join(lines),
        next_steps=["git deploy service status", f"git deploy service {change} {again}"],
    )
