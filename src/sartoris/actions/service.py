"""`git deploy service`: the service of what is deployed, in batches over the fleet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sartoris.config import CountOrPercent
from sartoris.errors import Refused, ServiceIncomplete
from sartoris.fleet.causes import describe_failures
from sartoris.fleet.fleet import StageResult
from sartoris.fleet.runner import Ran
from sartoris.fleet.slot_fleet import SlotFleet
from sartoris.rollout.command import Command
from sartoris.rollout.site import Site
from sartoris.transports.configured import how_to_configure_targets

Change = Literal["restart", "reload"]


def act_on_service(
    command: Command, change: Change, names: Sequence[str], batch: CountOrPercent | None = None
) -> StageResult:
    """Restart or reload the service on the named targets, or all, one batch after another.

    `batch` instead of `deploy.batch`. Raises `ServiceIncomplete` when a target failed, after the
    batch with which too many had; `Refused` without a service or a fleet, `CommandRunning` while a
    sync runs, `WrongUsage` for a name that is no target.
    """
    site = command.site
    service = _require_service(site)
    with command.exclusively(), command.events.step("service", f"{change} {service}"):
        fleet = _fleet(command)
        ran = fleet.service(service, change, fleet.fleet.chosen(names), batch)
    if ran.failed:
        raise _incomplete(site, change, ran)
    return ran.result


def service_states(command: Command, names: Sequence[str]) -> StageResult:
    """Ask how the service is; a target that could tell has the state as its message."""
    service = _require_service(command.site)
    fleet = _fleet(command).fleet
    return fleet.service(service, "status", fleet.chosen(names))


def _fleet(command: Command) -> SlotFleet:
    return command.fleets.of(command.site.slot(command.site.prefix))


def _require_service(site: Site) -> str:
    if not site.has_fleet:
        raise Refused(
            "there are no targets whose service could be acted on",
            next_steps=[how_to_configure_targets(site.config)],
        )
    if site.config.service is None:
        raise Refused(
            "deploy.service is not set: which service runs what is deployed here?",
            next_steps=["git config deploy.service NAME   # as in php8.2-fpm"],
        )
    return site.config.service


def _incomplete(site: Site, change: Change, ran: Ran) -> ServiceIncomplete:
    outcomes, chosen = ran.result.outcomes.values(), ran.plan.targets
    allowed = str(site.max_failed)
    lines = [describe_failures(change, outcomes, len(chosen), allowed)]
    lines.append(f"{change} done on: {', '.join(ran.succeeded) or 'none'}")
    if ran.untouched:
        lines.append(f"Not touched: {', '.join(ran.untouched)}")
    again = " ".join(name for name in chosen if name not in ran.succeeded)
    return ServiceIncomplete(
        "\n".join(lines),
        next_steps=["git deploy service status", f"git deploy service {change} {again}"],
    )
