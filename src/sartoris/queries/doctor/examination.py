"""All checks of one deployment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from sartoris.checkup import Check, Finding, look, ok, refused, unknown, wrong
from sartoris.config import ConfigError
from sartoris.errors import SartorisError
from sartoris.queries.doctor import (
    hooks,
    person,
    publishing,
    reporting,
    under_way,
    working_repository,
)
from sartoris.queries.doctor.disk import disk_space
from sartoris.queries.doctor.targets import target_checks, transport_of
from sartoris.rollout.deployment import Deployment
from sartoris.transports.source import require as require_source

_Look = Callable[[Deployment], Iterable[Finding]]

# Subject, name, what looks; in the order in which one would set a server up.
_WITHOUT_CONFIGURATION: tuple[tuple[str, str, _Look], ...] = (
    ("git", "version", person.version),
    ("git", "identity", person.identity),
)
_WITH_CONFIGURATION: tuple[tuple[str, str, _Look], ...] = (
    ("git", "umask", person.umask),
    ("working repository", "branch", working_repository.branch),
    ("working repository", "files", working_repository.files),
    ("working repository", "remote", working_repository.remote),
    ("rollouts", "lock", under_way.lock),
    ("rollouts", "block", under_way.block),
    ("rollouts", "journal", under_way.journal),
    ("releases", "publish repository", publishing.repository),
    ("releases", "disk", disk_space),
    ("hooks and reports", "hooks", hooks.found),
    ("hooks and reports", "mail", reporting.mail),
    ("hooks and reports", "log", reporting.log),
)
_WITH_SLOT: tuple[tuple[str, str, _Look], ...] = (
    ("releases", "newest release", publishing.newest),
    ("releases", "url", publishing.url),
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


def examine(d: Deployment) -> Examination:
    """Look at everything. Raises nothing: what cannot be looked at is a finding."""
    settings = list(_configuration(d))
    wrongs = {finding.name for finding in settings if finding.state == "wrong"}
    looks = _WITHOUT_CONFIGURATION
    looks += () if "values" in wrongs else _WITH_CONFIGURATION
    looks += () if wrongs else _WITH_SLOT
    checks = [Check(subject, name, partial(see, d)) for subject, name, see in looks]
    with transport_of(d, wanted=not wrongs) as transport:
        if transport is not None:
            checks += target_checks(d, transport)
        found = [*look(checks), *(("configuration", finding) for finding in settings)]
    order = list(dict.fromkeys(("git", "configuration", *(check.subject for check in checks))))
    return Examination(tuple(sorted(found, key=lambda one: order.index(one[0]))))


def _configuration(d: Deployment) -> Iterator[Finding]:
    try:
        config = d.config
    except ConfigError as error:
        for problem in error.problems:
            yield wrong("values", problem.line, *problem.next_steps)
        yield unknown("all else", "not looked at until the configuration can be read")
    except SartorisError as error:
        yield refused("values", error)
        yield unknown("all else", "not looked at until the configuration can be read")
    else:
        yield ok("values", f"of {config.repo_name}")
        if config.unknown:
            yield ok("other keys", f"left to the site's hooks: {', '.join(config.unknown)}")
        yield from _slot(d)


def _slot(d: Deployment) -> Iterator[Finding]:
    try:
        yield ok("prefix", d.prefix)
    except SartorisError as error:
        yield refused("prefix", error)
        yield unknown("targets", "not looked at without a prefix")
        return
    if not d.has_fleet:
        yield ok("path", "no targets: a sync hook synchronises, or people do")
        return
    try:
        yield ok("path", f"{d.config.release_path(d.prefix)}, the slot {d.slot}")
        require_source(d.source, d.config)
    except SartorisError as error:
        yield refused("path", error)
        yield unknown("targets", "not looked at without a place on them")
