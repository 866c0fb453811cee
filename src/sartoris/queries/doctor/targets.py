"""The fleet, by its transport's own checks."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial

from sartoris.checkup import Check
from sartoris.journal.store import Journal, JournalUnusable
from sartoris.queries.doctor.answering import answers
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site
from sartoris.transports.base import Transport
from sartoris.transports.configured import configured


@contextmanager
def transport_of(site: Site | None) -> Iterator[Transport | None]:
    """The configured transport, if there is a site and a fleet; it makes no target new."""
    if site is None or not site.has_fleet:
        yield None
        return
    transport = configured(site.config, _known(site), make=False)
    try:
        yield transport
    finally:
        transport.close()


def _known(site: Site) -> Container[str]:
    """The targets that a command has known; a journal that cannot be read is told of elsewhere."""
    path = Records.of(site).journal
    if path.exists():
        with suppress(JournalUnusable), closing(Journal(path)) as journal:
            return journal.known_targets()
    return ()


def target_checks(site: Site, transport: Transport) -> list[Check]:
    return list(transport.checks(partial(answers, transport, site.order(site.slot(site.prefix)))))
