"""The fleet, by its transport's own checks."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import TypeVar

from sartoris.checkup import Check, Finding, ok, warning
from sartoris.journal.store import Journal, JournalUnusable
from sartoris.queries.doctor.answering import answers
from sartoris.rollout.deployment import Deployment
from sartoris.transports.base import Transport
from sartoris.transports.configured import configured, how_to_configure_targets

T = TypeVar("T")


@contextmanager
def transport_of(d: Deployment, *, wanted: bool) -> Iterator[Transport | None]:
    """The configured transport, if it is wanted and there is a fleet; it makes no target new."""
    if not wanted or not d.has_fleet:
        yield None
        return
    transport = configured(d.config, _known(d), make=False)
    try:
        yield transport
    finally:
        transport.close()


def without_targets(d: Deployment) -> Finding:
    """Who brings releases to the servers then. A site that does so by hand has done so before."""
    hook = d.hooks.sync_hook(d.prefix)
    if hook is not None:
        return ok("path", f"no targets: the sync hook {hook} synchronises")
    if _asked(d, lambda journal: bool(journal.rollouts(prefix=d.prefix, limit=1)), False):
        return ok("path", "no targets, and no sync hook: people synchronise")
    text = "no targets, and no sync hook: a sync only tags, and people have to synchronise"
    return warning("path", text, how_to_configure_targets(d.config))


def _known(d: Deployment) -> Container[str]:
    """The targets that a command has known."""
    return _asked(d, Journal.known_targets, ())


def _asked(d: Deployment, question: Callable[[Journal], T], without: T) -> T:
    """What the journal answers; a journal that cannot be read is told of elsewhere."""
    path = d.directory / "journal.sqlite"
    if path.exists():
        with suppress(JournalUnusable), closing(Journal(path)) as journal:
            return question(journal)
    return without


def target_checks(d: Deployment, transport: Transport) -> list[Check]:
    return list(transport.checks(partial(answers, transport, d.order)))
