"""All checks of one deployment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from sartoris.config import ConfigError
from sartoris.diagnostics import Check, Finding, look, ok, refused, unknown, wrong
from sartoris.errors import SartorisError
from sartoris.git.repository import Repository
from sartoris.queries.doctor import (
    hooks,
    open_rollout,
    packs,
    person,
    publishing,
    reporting,
    working_repository,
)
from sartoris.queries.doctor.disk import disk_space
from sartoris.queries.doctor.shadowed import in_their_files, without_effect
from sartoris.queries.doctor.targets import away, target_checks, transport_of, without_targets
from sartoris.rollout.checks import require_place, require_source
from sartoris.rollout.options import Options
from sartoris.rollout.site import Site
from sartoris.shell import command

_Look = Callable[[Site], Iterable[Finding]]
_Earliest = Callable[[Repository], Iterable[Finding]]

# Subject, name, what looks; in the order in which one would set a server up.
_WITHOUT_CONFIGURATION: tuple[tuple[str, str, _Earliest], ...] = (
    ("git", "version", person.version),
    ("git", "identity", person.identity),
)
_WITH_CONFIGURATION: tuple[tuple[str, str, _Look], ...] = (
    ("git", "umask", person.umask),
    ("working repository", "branch", working_repository.branch),
    ("working repository", "files", working_repository.files),
    ("working repository", "kept work", working_repository.kept),
    ("working repository", "writing", working_repository.writing),
    ("working repository", "filters", working_repository.filters),
    ("working repository", "remote", working_repository.remote),
    ("rollouts", "lock", open_rollout.lock),
    ("rollouts", "block", open_rollout.block),
    ("rollouts", "journal", open_rollout.journal),
    ("releases", "publish repository", publishing.repository),
    ("releases", "disk", disk_space),
    ("hooks and reports", "hooks", hooks.found),
    ("hooks and reports", "mail", reporting.mail),
    ("hooks and reports", "log", reporting.log),
)
_WITH_SLOT: tuple[tuple[str, str, _Look], ...] = (
    ("releases", "newest release", publishing.newest),
    ("releases", "url", publishing.url),
    ("releases", "pack-url", packs.pack_url),
    ("releases", "pushed", working_repository.pushed),
)


@dataclass(frozen=True)
class Examination:
    """What was found, each with its subject, in the order in which it is shown."""

    findings: tuple[tuple[str, Finding], ...]

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong; what is only odd, or not known, is not wrong."""
        return not self.count("wrong")

    def count(self, state: str) -> int:
        return sum(finding.state == state for _, finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        checks = [{"subject": subject, **one.to_json()} for subject, one in self.findings]
        return {"ok": self.is_well, "checks": checks}


def examine(
    repository: Repository, options: Options, as_begun: Callable[[Site], Site]
) -> Examination:
    """Look at everything. Raises nothing: what cannot be looked at is a finding.

    `as_begun` gives the site with what the rollout in progress was begun with.
    """
    site, settings = _configuration(repository, options)
    site = as_begun(site) if site else None
    wrongs = {finding.name for finding in settings if finding.state == "wrong"}
    checks = [
        Check(subject, name, partial(see, repository))
        for subject, name, see in _WITHOUT_CONFIGURATION
    ]
    if site is not None:
        looks = _WITH_CONFIGURATION + (() if wrongs else _WITH_SLOT)
        checks += [Check(subject, name, partial(see, site)) for subject, name, see in looks]
    with transport_of(None if wrongs else site) as transport:
        if transport is not None and site is not None:
            checks += target_checks(site, transport)
            settings += away(site)
        found = [*look(checks), *(("configuration", finding) for finding in settings)]
    if site is not None:
        found = [(subject, in_their_files(site, finding)) for subject, finding in found]
    order = list(dict.fromkeys(("git", "configuration", *(check.subject for check in checks))))
    return Examination(tuple(sorted(found, key=lambda one: order.index(one[0]))))


def _configuration(repository: Repository, options: Options) -> tuple[Site | None, list[Finding]]:
    """The site, if its configuration can be read, and what is to be said of that."""
    rest = unknown("all else", "not looked at until the configuration can be read")
    try:
        site = Site.of(repository, options)
    except ConfigError as error:
        problems = [wrong("values", one.line, *one.next_steps) for one in error.problems]
        return None, [*problems, rest]
    except SartorisError as error:
        return None, [refused("values", error), rest]
    # Of several slots none is meant: one is looked at, and the others are named.
    if not options.prefix and not site.config.tag_prefix and site.config.slots:
        site = site.in_slot(site.config.slots[0])
    return site, list(_settings(site))


def _settings(site: Site) -> Iterator[Finding]:
    yield ok("values", f"of {site.config.repo_name}")
    yield from without_effect(site)
    if site.config.unknown:
        yield ok("other keys", f"left to the site's hooks: {', '.join(site.config.unknown)}")
    try:
        yield ok("prefix", site.prefix)
    except SartorisError as error:
        yield refused("prefix", error)
        yield unknown("targets", "not looked at without a prefix")
        return
    others = [name for name in site.config.slots if name != site.config.slot]
    if others:
        steps = ", ".join(command("git", "deploy", "doctor", name) for name in others)
        yield ok("slots", f"this is about {site.prefix}; the others: {steps}")
    yield from _slot(site)


def _slot(site: Site) -> Iterator[Finding]:
    if not site.has_fleet:
        yield without_targets(site)
        return
    try:
        slot = site.slot(site.prefix)
        require_place(site, site.prefix)
        yield ok("path", f"{slot.path}, the slot {slot.name}")
        require_source(site)
    except SartorisError as error:
        yield refused("path", error)
        yield unknown("targets", "not looked at without a place on them")
