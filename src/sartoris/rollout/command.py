"""A command that changes something: what it works with, put together once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sartoris.rollout.asking import Ask, agreed
from sartoris.rollout.effects import Effects, Real
from sartoris.rollout.fleets import Fleets
from sartoris.rollout.records import Records
from sartoris.rollout.sharing import require_may_write, share_as_configured
from sartoris.rollout.site import Site, Slot
from sartoris.rollout.wanted import moved_from

if TYPE_CHECKING:
    from sartoris.events import EventStream
    from sartoris.hooks import Hooks
    from sartoris.journal.store import Journal
    from sartoris.transports.base import Transport


@dataclass(frozen=True, eq=False)
class Command:
    """`name` is what was typed. An action takes one, and gives its steps the parts they need.

    What an action changes, it changes through `effects` and `fleets`, and says through `events`. A
    rollout that it begins is `new_session`. Before what may not be meant it will `ask`.
    `hook_variables` are kept for all later hooks of this
    command, as git-deploy's environment does.
    """

    name: str
    site: Site
    records: Records
    events: EventStream
    journal: Journal
    effects: Effects
    fleets: Fleets
    hooks: Hooks
    new_session: str
    hook_variables: dict[str, str]
    ask: Ask = agreed

    @classmethod
    def open(cls, name: str, site: Site) -> Command:
        """A command that does what it says.

        Every event is recorded. Raises `MayNotWrite`, `JournalUnusable`.
        """
        from sartoris.events import EventStream
        from sartoris.journal.recorder import Recorder
        from sartoris.journal.store import Journal

        require_may_write(site)
        share_as_configured(site)
        journal = Journal(Records(site).journal)
        events = EventStream(Recorder(lambda: journal))

        def held(slot: Slot) -> Mapping[str, Sequence[str]]:
            return {name: one.held for name, one in journal.targets(slot.name).items()}

        def connect(site: Site) -> Transport:
            return _configured(site, journal)

        return cls._put_together(name, site, journal, events, Real, connect, held)

    @classmethod
    def look(cls, name: str, site: Site) -> Command:
        """A command that asks, for everybody. What targets answer is recorded where this user may
        write that down. Raises `JournalUnusable`.
        """
        from sartoris.journal.snapshot import may_write

        may = may_write(Records(site).journal)
        return cls.open(name, site) if may else cls.rehearse(name, site)

    @classmethod
    def rehearse(cls, name: str, site: Site) -> Command:
        """A command that only says what it would do. Targets are asked questions, and given no
        orders. Events are numbered, and not recorded.
        """
        from sartoris.events import EventStream
        from sartoris.journal.store import Journal
        from sartoris.rollout.dry_run import DryRun

        journal = Journal.read_only(Records(site).journal)
        return cls._put_together(name, site, journal, EventStream(), DryRun, _questions_only)

    @classmethod
    def _put_together(
        cls,
        name: str,
        site: Site,
        journal: Journal,
        events: EventStream,
        effects: Callable[[Site, Records, Hooks, EventStream], Effects],
        connect: Callable[[Site], Transport],
        held: Callable[[Slot], Mapping[str, Sequence[str]]] | None = None,
    ) -> Command:
        events.about(command=name, repository=site.config.repo_name)
        records, hooks = Records(site, events), hooks_of(site, events)
        return cls(
            name=name,
            site=site,
            records=records,
            events=events,
            journal=journal,
            effects=effects(site, records, hooks, events),
            fleets=Fleets(
                site,
                events,
                connect,
                lambda slot: moved_from(records.desired.slots(), slot),
                held,
            ),
            hooks=hooks,
            new_session=os.urandom(16).hex(),
            hook_variables={},
        )

    def in_slot(self, prefix: str) -> Command:
        """The same, with what is configured for the slot of a prefix."""
        return replace(self, site=self.site.in_slot(prefix))

    def exclusively(self) -> AbstractContextManager[None]:
        """Keep other commands on this repository out. Raises `CommandRunning`."""
        return self.effects.exclusively(self.site.user)

    def close(self) -> None:
        self.fleets.close()
        self.journal.close()


def hooks_of(site: Site, events: EventStream) -> Hooks:
    from sartoris.hooks import Hooks
    from sartoris.rollout.hook_reports import HookReports

    return Hooks(
        None if site.options.skip_hooks else site.config.hook_dir,
        site.repository.top,
        timeout=site.config.hook_timeout,
        listener=HookReports(events),
    )


def _configured(site: Site, journal: Journal) -> Transport:
    from sartoris.rollout.listed_targets import with_listed_targets
    from sartoris.transports.configured import configured

    return configured(with_listed_targets(site), site.publish_path, journal.known_targets())


def _questions_only(site: Site) -> Transport:
    from sartoris.rollout.listed_targets import with_listed_targets
    from sartoris.transports.configured import questions_only

    return questions_only(with_listed_targets(site), site.publish_path)
