"""The fleet, by its transport's own checks."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import TypeVar

from sartoris.diagnostics import Check, Finding, Remedy, ok, warning
from sartoris.events import EventStream
from sartoris.journal.store import Journal, JournalUnusable
from sartoris.queries.doctor import working_repository
from sartoris.queries.doctor.answering import answers, shared
from sartoris.rollout.command import hooks_of
from sartoris.rollout.listed_targets import with_listed_targets
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site
from sartoris.rollout.wanted import moved_from
from sartoris.shell import command
from sartoris.transports.base import HasChecks, Transport
from sartoris.transports.configured import configured, how_to_configure_targets

T = TypeVar("T")


@contextmanager
def transport_of(site: Site | None) -> Iterator[Transport | None]:
    """The configured transport, if there is a site and a fleet; it makes no target new."""
    if site is None or not site.has_fleet:
        yield None
        return
    transport = configured(with_listed_targets(site), site.publish_path, _known(site), make=False)
    try:
        yield transport
    finally:
        transport.close()


def without_targets(site: Site) -> Finding:
    """Who brings releases to the servers then. A site that does so by hand has done so before."""
    hook = hooks_of(site, EventStream()).sync_hook(site.prefix)
    if hook is not None:
        return ok("path", f"no targets: the sync hook {hook} synchronises")
    if _asked(site, lambda journal: bool(journal.rollouts(prefix=site.prefix, limit=1)), False):
        return ok("path", "no targets, and no sync hook: people synchronise")
    text = "no targets, and no sync hook: a sync only tags, and people have to synchronise"
    return warning("path", text, how_to_configure_targets(site.config))


def _known(site: Site) -> Container[str]:
    """The targets that a command has known."""
    return _asked(site, Journal.known_targets, ())


def _asked(site: Site, question: Callable[[Journal], T], without: T) -> T:
    """What the journal answers; a journal that cannot be read is told of elsewhere."""
    path = Records(site).journal
    if path.exists():
        with suppress(JournalUnusable), closing(Journal.read_only(path)) as journal:
            return question(journal)
    return without


def away(site: Site) -> list[Finding]:
    """Those that rollouts leave alone."""
    found = Records(site).away.read()
    return [
        warning("away", f"{name} is {one.describe()}", command("git", "deploy", "back", name))
        for name, one in found.items()
    ]


def target_checks(site: Site, transport: Transport) -> list[Check]:
    if not isinstance(transport, HasChecks):
        return []
    slot = site.slot(site.prefix)
    order, out = site.order(slot), Records(site).away.read()

    def answering(targets: Sequence[str], remedy: Remedy) -> Iterator[Finding]:
        sized = order._replace(size=working_repository.size_of_files(site))
        return answers(transport, sized, [name for name in targets if name not in out], remedy)

    checks = list(transport.checks(answering))
    if site.config.shared:
        moved = order._replace(moved_from=moved_from(Records(site).desired.slots(), slot))
        names = [name for name in transport.fleet() if name not in out]
        checks.append(Check("targets", "shared", partial(shared, transport, moved, names)))
    return checks
