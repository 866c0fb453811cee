"""Whether a rollout is in progress, and whether it can still be ended."""

from __future__ import annotations

import time
from collections.abc import Iterator

from sartoris.diagnostics import Finding, ok, refused, warning, wrong
from sartoris.journal.examining import examine_journal
from sartoris.permissions import closed, described, way_in
from sartoris.rollout import checks
from sartoris.rollout.lock import Holder, OtherRepository, running, was_killed
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site
from sartoris.rollout.state import Progress
from sartoris.rollout.transitions import say_rebuilt

_DAY = 24 * 3600


def lock(site: Site) -> Iterator[Finding]:
    records = Records(site)
    holder = records.lock.holder()
    if holder is None:
        yield from _free(records)
    elif not holder.session or not holder.is_known:
        steps = ("git deploy status", "git deploy --force abort   # ends the rollout")
        found = "cannot be read" if records.lock.written() else "is missing during a rollout"
        yield wrong("lock", f"{records.lock.path} {found}; it counts as held", *steps)
    elif not holder.is_of(str(site.repository.git_dir)):
        error = OtherRepository(holder)
        yield warning("lock", error.message, *error.next_steps)
    else:
        yield _held(records, holder)


def _free(records: Records) -> Iterator[Finding]:
    if running(records.running) is None and was_killed(records.running):
        text = "free; the last command was killed, and the next one clears up after it"
        yield warning("lock", text, "git deploy status")
    else:
        yield ok("lock", "free: no rollout is in progress")


def _held(records: Records, holder: Holder) -> Finding:
    state = records.state.read()
    text = f"a rollout is in progress: {holder.describe()}"
    process = running(records.running)
    if process is not None:
        return ok("lock", f"{text}; process {process} works on it")
    if state is not None and state.rebuilt:
        return warning("lock", f"{text}; {say_rebuilt(state)}", "git deploy status")
    if was_killed(records.running) or state is None or state.progress < Progress.STARTED:
        return warning("lock", f"{text}; its last command was killed", "git deploy status")
    if time.time() - holder.since > _DAY:
        return warning("lock", text, "git deploy status", "git deploy abort")
    return ok("lock", text)


def block(site: Site) -> Iterator[Finding]:
    reason = checks.blocked_reason(site)
    yield warning("block", f"deploys are blocked: {reason}") if reason else ok("block", "none")


def journal(site: Site) -> Iterator[Finding]:
    path = Records(site).journal
    if not path.exists():
        yield ok("journal", "none yet: the first rollout begins it")
        return
    if found := closed([path.parent, path]):
        text = f"you may not write to {described(found)}: you may look, and not deploy"
        yield wrong("journal", text, way_in(found[0]))
        return
    error = examine_journal(path)
    yield refused("journal", error) if error else ok("journal", "whole, and writable")
