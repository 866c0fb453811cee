"""The fleet, by its transport's own checks."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial

from sartoris.checkup import Check
from sartoris.journal.store import Journal, JournalUnusable
from sartoris.queries.doctor.answering import answers
from sartoris.rollout.deployment import Deployment
from sartoris.transports.base import HasChecks, Transport
from sartoris.transports.configured import configured


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


def _known(d: Deployment) -> Container[str]:
    """The targets that a command has known; a journal that cannot be read is told of elsewhere."""
    path = d.directory / "journal.sqlite"
    if path.exists():
        with suppress(JournalUnusable), closing(Journal(path)) as journal:
            return journal.known_targets()
    return ()


def target_checks(d: Deployment, transport: Transport) -> list[Check]:
    if not isinstance(transport, HasChecks):
        return []
    return list(transport.checks(partial(answers, transport, d.order)))
