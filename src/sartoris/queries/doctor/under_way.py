"""Whether a rollout is under way, and whether it can still be ended."""

from __future__ import annotations

import time
from collections.abc import Iterator

from sartoris.checkup import Finding, ok, refused, warning, wrong
from sartoris.journal.examining import examine_journal
from sartoris.rollout import checks
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.explanations import rebuilt
from sartoris.rollout.lock import Holder, OtherRepository, running, was_killed
from sartoris.rollout.state import Progress

_DAY = 24 * 3600


def lock(d: Deployment) -> Iterator[Finding]:
    holder = d.lock.holder()
    if holder is None:
        yield from _free(d)
    elif not holder.session:
        steps = ("git deploy --force abort   # ends the rollout", "git deploy status")
        yield wrong("lock", f"{d.lock.path} cannot be read; it counts as held", *steps)
    elif not holder.is_of(str(d.repository.git_dir)):
        error = OtherRepository(holder)
        yield warning("lock", error.message, *error.next_steps)
    else:
        yield _held(d, holder)


def _free(d: Deployment) -> Iterator[Finding]:
    if d.state_file.read() is not None:
        text = "free, and the state of a rollout is there: an end that was cut short"
        yield warning("lock", text, "git deploy start   # clears it away")
    elif running(d.running_path) is None and was_killed(d.running_path):
        text = "free; the last command was killed, and the next one clears up after it"
        yield warning("lock", text, "git deploy status")
    else:
        yield ok("lock", "free: no rollout is under way")


def _held(d: Deployment, holder: Holder) -> Finding:
    state = d.state_file.read()
    told = f"a rollout is under way: {holder.describe()}"
    process = running(d.running_path)
    if process is not None:
        return ok("lock", f"{told}; process {process} works on it")
    if state is not None and state.rebuilt:
        return warning("lock", f"{told}; {rebuilt(state)}", "git deploy status")
    if was_killed(d.running_path) or state is None or state.progress < Progress.STARTED:
        return warning("lock", f"{told}; its last command was killed", "git deploy status")
    if time.time() - holder.since > _DAY:
        return warning("lock", told, "git deploy status", "git deploy abort")
    return ok("lock", told)


def block(d: Deployment) -> Iterator[Finding]:
    reason = checks.blocked_reason(d)
    yield warning("block", f"deploys are blocked: {reason}") if reason else ok("block", "none")


def journal(d: Deployment) -> Iterator[Finding]:
    path = d.directory / "journal.sqlite"
    if not path.exists():
        yield ok("journal", "none yet: the first rollout begins it")
        return
    error = examine_journal(path)
    yield refused("journal", error) if error else ok("journal", "whole, and writable")
