"""`git deploy check`: every test of a start, and no start."""

from __future__ import annotations

from dataclasses import dataclass

from sartoris.actions.comparing import Comparison
from sartoris.actions.new_prefix import require_known_prefix
from sartoris.actions.start import require_may_take_over, require_ready
from sartoris.rollout import checks
from sartoris.rollout.command import Command
from sartoris.rollout.effects import workspace
from sartoris.rollout.lock import CommandRunning, running
from sartoris.rollout.person import Person
from sartoris.rollout.session import take_over_unfinished_start
from sartoris.rollout.sharing import require_may_write


@dataclass(frozen=True)
class Ready:
    """A rollout of `prefix` could start now. `asks` is why the start would ask first."""

    prefix: str
    asks: tuple[str, ...] = ()


def check(command: Command) -> Ready:
    """Whether a rollout could start now. The remote is fetched from, and all else stays.

    Raises what a start would raise.
    """
    site = command.site
    checks.require_commits(site)
    person = checks.require_person(site)
    require_may_write(site)
    checks.require_not_blocked(site)
    prefix = require_known_prefix(command)
    _require_free(command, person)
    require_ready(site)
    checks.require_no_filters(site)
    branch, newest = site.repository.branch(), site.repository.head()
    if site.options.uses_remote:
        newest = workspace(site, command.records, command.events.warn).newest(branch)
    doubts = Comparison.of(command, prefix, branch, newest).doubts()
    return Ready(prefix, tuple(doubts))


def _require_free(command: Command, person: Person) -> None:
    """That no command runs, and nobody holds the lock but for one's own start that was killed."""
    process = running(command.records.running)
    if process is not None:
        raise CommandRunning(str(process))
    if take_over_unfinished_start(command, person) is not None:
        return
    if command.site.options.force and command.records.lock.holder() is not None:
        require_may_take_over(command)
        return
    command.records.lock.require_free(person.holding("start"))
