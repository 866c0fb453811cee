"""`git deploy away` and `back`: a target that is taken out of rollouts, until it is back."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sartoris.actions.converge import Converged, StillBehind, converge
from sartoris.errors import NoTargets, Refused
from sartoris.events import TargetBack, TargetTakenOut
from sartoris.rollout.away import Away
from sartoris.rollout.checks import require_person
from sartoris.rollout.command import Command
from sartoris.shell import command as typed
from sartoris.transports.configured import how_to_configure_targets


class NotAway(Refused):
    """The target is not away, so it cannot come back."""


def take_out(command: Command, target: str, why: str) -> Away:
    """From now on rollouts leave `target` alone, and do not count it.

    Raises `NoTargets` for a name that is no target, `Refused` for the last one.
    """
    with command.exclusively():
        person, known = require_person(command.site), _targets(command)
        if target not in known:
            raise NoTargets([target], known)
        away = command.records.away.read()
        if not set(known) - set(away) - {target}:
            raise Refused(f"{target} is the last target: without it nothing would be left")
        found = Away(since=time.time(), by=person.who, why=why)
        command.effects.set_away({**away, target: found})
        command.events.emit(TargetTakenOut(target=target, by=person.who, why=why))
        return found


def bring_back(command: Command, targets: Sequence[str]) -> list[Converged]:
    """The targets get what their slots should have, and count again.

    If one does not get it, all of them stay away, and `StillBehind` names them. Raises `NotAway`,
    and what `converge` raises.
    """
    away, known = command.records.away.read(), _targets(command)
    missing = [name for name in targets if name not in away]
    if missing:
        names = ", ".join(away)
        found = f"; away are {names}" if names else ": all targets count"
        raise NotAway(f"{', '.join(missing)} is not away{found}")
    command.fleets.readmit(targets)
    there = [name for name in targets if name in known]
    has_something = bool(command.records.desired.slots())
    again = typed("git", "deploy", "back", *targets)
    try:
        converged = converge(command, there, again=again) if there and has_something else []
    except StillBehind as error:
        text = f"{error.message}\nStill away: {', '.join(targets)}"
        raise StillBehind(text, next_steps=error.next_steps) from error
    with command.exclusively():
        person, left = require_person(command.site), command.records.away.read()
        command.effects.set_away({n: one for n, one in left.items() if n not in targets})
        for name in targets:
            command.events.emit(TargetBack(target=name, by=person.who))
    return converged


def _targets(command: Command) -> tuple[str, ...]:
    if not command.site.has_any_fleet:
        raise Refused(
            "no targets are configured, so none can be away",
            next_steps=[how_to_configure_targets(command.site.config)],
        )
    return command.fleets.everybody()
