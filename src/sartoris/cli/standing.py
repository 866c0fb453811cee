"""Where things stand, in a few lines: what `git deploy` alone tells a person at a terminal."""

from __future__ import annotations

from sartoris.display import streams
from sartoris.errors import SartorisError
from sartoris.formatting import hanging
from sartoris.queries.status import status
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site


def tell_standing(site: Site) -> None:
    """The rollout in progress, what the fleet should have, and the next command, on standard error.

    What cannot be read is left out: `git deploy status` says why.
    """
    try:
        lines = [*_of_the_rollout(site), *_of_the_fleet(site)]
    except SartorisError:
        lines = ["`git deploy status` tells where it stands."]
    for line in lines:
        streams.say(hanging(line))
    streams.say("(git deploy -h lists the actions)")


def _of_the_rollout(site: Site) -> list[str]:
    found = status(site, Records(site))
    if found.holder is None or found.state is None:
        next_step = "" if found.blocked else " Next: git deploy start"
        blocked = f" Deploys are blocked: {found.blocked}" if found.blocked else ""
        return [f"No rollout is in progress.{blocked}{next_step}"]
    step = found.next_steps[0] if found.next_steps and found.is_ours else "git deploy status"
    steps = f" Next: {step}" if found.next_steps else ""
    return [
        f"A rollout of {found.state.prefix} is in progress: {found.explanation}.{steps}",
        f"  {found.holder.describe()}",
    ]


def _of_the_fleet(site: Site) -> list[str]:
    if not site.has_any_fleet:
        return []
    return [
        f"{slot} should have {one.release or 'nothing'} (git deploy report asks the targets)."
        for slot, one in sorted(Records(site).desired.slots().items())
    ]
