"""`git deploy shared`: what lives on across releases, and copying to it what is live."""

from __future__ import annotations

from collections.abc import Sequence

from sartoris.errors import Refused, SyncIncomplete, WrongUsage
from sartoris.fleet.causes import describe_failures
from sartoris.fleet.fleet import StageResult
from sartoris.fleet.slot_fleet import SlotFleet
from sartoris.rollout.command import Command
from sartoris.transports.configured import how_to_configure_targets


class NotAdopted(SyncIncomplete):
    """What is live was not copied on all targets."""


def shared_status(command: Command) -> StageResult:
    """Ask every target what is at its shared paths. Raises `Refused` where nothing is shared."""
    return _fleet(command).fleet.share(())


def adopt_shared(command: Command, paths: Sequence[str]) -> StageResult:
    """Copy what is live at `paths`, or at all shared paths, to where it lives on across releases.

    What is there already stays as it is, and so does the live tree. Raises `WrongUsage` for a path
    that is not shared, `Refused`, `CommandRunning` while a sync runs, and `NotAdopted`.
    """
    with command.exclusively():
        fleet = _fleet(command)
        chosen = _chosen(fleet.fleet.order.shared, paths)
        with command.events.step("shared adopt", " ".join(chosen)):
            result = fleet.fleet.share(chosen)
    if result.failed:
        outcomes, allowed = result.outcomes.values(), str(command.site.config.max_failed)
        raise NotAdopted(
            describe_failures("shared adopt", outcomes, len(outcomes), allowed),
            next_steps=["git deploy shared adopt   # once the cause is fixed"],
        )
    return result


def _fleet(command: Command) -> SlotFleet:
    site = command.site
    if not site.has_fleet:
        raise Refused(
            "there are no targets that could share anything",
            next_steps=[how_to_configure_targets(site.config)],
        )
    if not site.config.shared:
        raise Refused(
            "deploy.shared is not set: what lives on across releases?",
            next_steps=["git config --add deploy.shared PATH   # as in uploads/ or config.php"],
        )
    return command.fleets.of(site.slot(site.prefix))


def _chosen(shared: Sequence[str], paths: Sequence[str]) -> tuple[str, ...]:
    said = [path.rstrip("/") for path in paths]
    unknown = [path for path in said if path not in shared]
    if unknown:
        raise WrongUsage(
            f"{unknown[0]} is not in deploy.shared (it has {', '.join(shared)})",
            next_steps=["git config --add deploy.shared PATH"],
        )
    return tuple(path for path in shared if path in said or not said)
