# Made from the modules of sartoris/salt/runner by `make docs`; changes belong there.
"""The Salt runner `git_deploy`: send orders to minions, and tell what came of them.

On the master it is one file (`sartoris.salt.runner.joined`), which needs nothing but Salt. By hand:

    salt-run git_deploy.status 'web*'
    salt-run git_deploy.service 'web*' repository=mediawiki slot=slot0 path=/srv/php-slot0 \\
        service=php8.2-fpm service_action=reload

The other functions are for programs: a deployment server that is only a minion reaches the fleet
through them (`publish.runner`, the master's `peer_run`), and the master's reactor calls `converge`
when a minion starts.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
import types
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Optional, Protocol

# Salt's loader gives a module its name in sys.modules only after it has run.
sys.modules.setdefault(__name__, types.ModuleType(__name__))


# --- What a minion returned, as an outcome (docs/orders.md) ---------------------------------------

_OUTPUT_LINES = 20
SYNC = "type: salt '*' saltutil.sync_modules"


@dataclass(frozen=True)
class Return:
    """What one minion returned to one job.

    `ran` is False when Salt could not run the function, and when an outcome is not ok. With
    `stands_by` it told so by an event, and the job goes on (`sartoris.agent.standing_by`).
    """

    jid: str
    minion: str
    value: Any
    ran: bool = True
    stands_by: bool = False


def outcome_of(answer: Return, action: str, *, of_slot: bool = True) -> dict[str, Any]:
    """The agent's own outcome; or why it is not one.

    Without `of_slot` the order named none, and the outcomes of all slots, by path, are `slots`.
    """
    if isinstance(answer.value, dict) and "ok" in answer.value:
        return {**_with_way_out(answer.value), "target": answer.minion}
    if not of_slot and _is_of_every_slot(answer.value) and (answer.ran or answer.value):
        good = all(one["ok"] for one in answer.value.values())
        return {"action": action, "target": answer.minion, "ok": good, "slots": answer.value}
    if answer.ran:
        error, message = "crashed", "the module answered with something that is not an outcome"
    else:
        # Salt has no word for it that a program could read. The agent itself never raises.
        error, message = "agent-missing", f"the minion has no such function in git_deploy; {SYNC}"
    text = answer.value if isinstance(answer.value, str) else repr(answer.value)
    output = "\n".join(text.strip().splitlines()[-_OUTPUT_LINES:])
    return failed(answer.minion, action, error, message, output)


def _is_of_every_slot(value: Any) -> bool:
    """Whether it is what a minion answers that was asked of all its slots: outcomes by path."""
    return isinstance(value, dict) and all(
        isinstance(one, dict) and "ok" in one for one in value.values()
    )


def _with_way_out(outcome: dict[str, Any]) -> dict[str, Any]:
    if outcome.get("error") not in ("agent-too-old", "unknown-version"):
        return outcome
    return {**outcome, "message": f"{outcome['message']}; {SYNC}"}


def failed(target: str, action: str, error: str, message: str, output: str = "") -> dict[str, Any]:
    """An outcome that no agent gave."""
    return {
        "version": 1,
        "action": action,
        "target": target,
        "ok": False,
        "error": error,
        "message": message,
        "seconds": 0.0,
        "output": output,
    }


# --- Minions that have fetched, and hear the switch in that job (`sartoris.agent.standing_by`) ----

STAND_BY = 10.0  # seconds
_MARGIN = 1.0  # seconds; what is published later may come too late


class StandingBy:
    """Who stands by for which release, as long as it can be relied on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[tuple[str, ...], tuple[str, float]] = {}

    def add(self, order: Mapping[str, Any], minion: str, jid: str) -> None:
        """The minion has carried out this order to fetch in job `jid`, and stands by."""
        self._known[_key(order, minion)] = (jid, self._clock() + STAND_BY - _MARGIN)

    def take(self, order: Mapping[str, Any], minions: Iterable[str]) -> dict[str, list[str]]:
        """These by the job in which they hear an order to switch, "" for those in none.

        Each is taken to hear it only once.
        """
        jobs: dict[str, list[str]] = {}
        for name in minions:
            jid, until = self._known.pop(_key(order, name), ("", 0.0))
            jobs.setdefault(jid if self._clock() < until else "", []).append(name)
        return jobs


def _key(order: Mapping[str, Any], minion: str) -> tuple[str, ...]:
    names = ("repository", "slot", "release", "commit")
    return (minion, *(str(order.get(name)) for name in names))


# --- One order to many minions: who has answered, who is still at it, and who is not there --------

FIND_JOB = "saltutil.find_job"
LOST_AT_MOST = 3  # times that an order is sent to one minion


@dataclass(frozen=True)
class Job:
    """A job that was sent out. `minions` are those that the master expects an answer from."""

    jid: str
    minions: frozenset[str]


class MasterSilent(Exception):
    """The master does not take a job: it is down, or does not answer."""


class Wire(Protocol):
    """A way to the master."""

    def publish(
        self, function: str, arguments: Sequence[Any], minions: Sequence[str], jid: str = ""
    ) -> Job:
        """Send a job to minions by name, under the id `jid` if given. Raises MasterSilent."""

    def returns(self, jids: Sequence[str], seconds: float) -> list[Return]:
        """The returns to these jobs that are new, after waiting for one at most `seconds`.

        Raises MasterSilent when the connection was lost.
        """


@dataclass(frozen=True)
class Patience:
    """How long is waited for what, in seconds.

    `ask_after`: a minion may be quiet before it is asked whether it is at it; twice as long each
    time that it says so, up to `ask_at_least`. `silence` and `silence_each` of those asked: it may
    be silent to that, twice, before it is given up. `look_again`: a return may be on its way from
    one that says it is done. `reconnect`: minions may take to find back to a master that was away.
    """

    ask_after: float = 2.0
    ask_at_least: float = 16.0
    silence: float = 2.5
    silence_each: float = 0.04
    look_again: float = 1.0
    reconnect: float = 45.0
    retry: float = 0.5


@dataclass
class _Minion:
    """What is known of one that has not returned. `due` is when it is asked next.

    `listens`: the job is that of its fetch, and it hears the switch there, or gives up.
    """

    jid: str
    due: float
    pause: float
    listens: bool = False
    sent: int = 1
    silent: int = 0
    denied: int = 0


@dataclass(frozen=True)
class _Question:
    jid: str
    until: float
    unanswered: set[str]


class Dispatch:
    """One order, for `function` of the execution module; every minion gets an outcome."""

    def __init__(
        self,
        wire: Wire,
        function: str,
        order: Mapping[str, Any],
        *,
        standing_by: Optional[StandingBy] = None,
        patience: Patience = Patience(),
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._wire, self._function, self._order = wire, function, order
        self._standing_by = standing_by
        self._action = function.rpartition(".")[2]
        self._patience, self._clock, self._pause = patience, clock, pause
        self._open: dict[str, _Minion] = {}
        self._question: Optional[_Question] = None
        self._lost_since: Optional[float] = None
        self._patient_until = 0.0  # while minions find back to a master that was away

    def to(self, minions: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Send the order, and yield an outcome for each minion as it comes. Raises nothing."""
        # Above the time that the agent itself allows: it can say better what took so long.
        until = self._clock() + float(self._order.get("timeout", 600)) + 30
        yield from self._begin(minions)
        while self._open:
            yield from self._take(self._returns())
            yield from self._judge()
            if self._clock() >= until:
                yield from self._close(list(self._open), "timeout", "no answer within its timeout")
            self._ask_the_quiet()
            if self._is_lost():
                yield from self._close(list(self._open), "unreachable", "the master went away")

    def _begin(self, minions: Sequence[str]) -> Iterator[dict[str, Any]]:
        for name in minions:
            self._open[name] = _Minion("", 0.0, self._patience.ask_after, sent=0)
        for jid, names in self._jobs(minions).items():
            try:
                unknown = self._send(names, jid)
            except MasterSilent as error:
                yield from self._close(names, "unreachable", str(error))
            else:
                message = "the master has no accepted key of it"
                yield from self._close(unknown, "unreachable", message)

    def _jobs(self, minions: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Who is sent the order under which id: that of a job that stands by, "" for a new one."""
        if self._standing_by is None or self._action != "switch":
            return {"": minions}
        return self._standing_by.take(self._order, minions)

    def _send(self, names: Sequence[str], jid: str = "") -> list[str]:
        """Send the order; those that the master does not know. Raises MasterSilent."""
        stands_by = self._standing_by is not None and self._action == "fetch"
        more = {"stand_by": STAND_BY} if stands_by else {}
        fields = {"__kwarg__": True, **self._order, **more}
        job = self._publish(self._function, [fields], names, jid)
        for name in names:
            minion = self._open[name]
            minion.jid, minion.listens = job.jid, bool(jid)
            minion.denied, minion.sent = 0, minion.sent + 1
            minion.due = self._clock() + self._patience.ask_after
        return [name for name in names if name not in job.minions]

    def _returns(self) -> list[Return]:
        """What is new, after waiting until something has to be decided."""
        jids = {minion.jid for minion in self._open.values()}
        wake = min(minion.due for minion in self._open.values())
        if self._question:
            jids.add(self._question.jid)
            wake = self._question.until
        try:
            return self._wire.returns(sorted(jids), max(0.02, min(wake - self._clock(), 5.0)))
        except MasterSilent:
            self._lose_master()
            return []

    def _take(self, returns: Iterable[Return]) -> Iterator[dict[str, Any]]:
        for answer in returns:
            minion = self._open.get(answer.minion)
            if minion is None:
                continue
            if self._question and answer.jid == self._question.jid:
                self._question.unanswered.discard(answer.minion)
                self._hear(minion, running=bool(answer.value))
            elif answer.jid == minion.jid:
                yield from self._end(answer, minion)

    def _end(self, answer: Return, minion: _Minion) -> Iterator[dict[str, Any]]:
        outcome = outcome_of(answer, self._action, of_slot=bool(self._order))
        if minion.listens and outcome["action"] != self._action:
            self._try_again([answer.minion])  # it heard nothing
            return
        if answer.stands_by and self._standing_by is not None:
            self._standing_by.add(self._order, answer.minion, answer.jid)
        del self._open[answer.minion]
        yield outcome

    def _hear(self, minion: _Minion, *, running: bool) -> None:
        minion.silent = 0
        minion.denied = 0 if running else minion.denied + 1
        minion.pause = min(minion.pause * 2, self._patience.ask_at_least)
        wait = minion.pause if running else self._patience.look_again
        minion.due = self._clock() + wait

    def _judge(self) -> Iterator[dict[str, Any]]:
        """When the time for answers is over: who is not there, and who has lost the order?"""
        question = self._question
        if question is None:
            return
        silent = question.unanswered & set(self._open)
        if silent and self._clock() < question.until:
            return
        self._question = None
        for name in silent:
            self._open[name].silent += 1
        if self._clock() >= self._patient_until:
            gone = [name for name, minion in self._open.items() if minion.silent >= 2]
            yield from self._close(gone, "unreachable", "the minion is down or cut off")
        yield from self._send_again()

    def _send_again(self) -> Iterator[dict[str, Any]]:
        """To minions that are there, do not have the job, and did not return it.

        They were started anew, or the return got lost. An order may be carried out twice.
        """
        lost = [name for name, minion in self._open.items() if minion.denied >= 2]
        often = [name for name in lost if self._open[name].sent >= LOST_AT_MOST]
        yield from self._close(often, "unreachable", f"it lost the order {LOST_AT_MOST} times")
        again = [name for name in lost if name in self._open]
        if again:
            self._try_again(again)

    def _try_again(self, names: Sequence[str]) -> None:
        try:
            self._send(names)
        except MasterSilent:
            self._lose_master()

    def _ask_the_quiet(self) -> None:
        now = self._clock()
        due = [name for name, minion in self._open.items() if minion.due <= now]
        if self._question or not due:
            return
        jid = self._open[due[0]].jid
        asked = [name for name in due if self._open[name].jid == jid]
        try:
            job = self._publish(FIND_JOB, [jid], asked)
        except MasterSilent:
            self._lose_master()
            return
        wait = self._patience.silence + self._patience.silence_each * len(asked)
        self._question = _Question(job.jid, now + wait, set(asked))

    def _publish(
        self, function: str, arguments: Sequence[Any], names: Sequence[str], jid: str = ""
    ) -> Job:
        job = self._wire.publish(function, arguments, names, jid)
        self._lost_since = None
        return job

    def _is_lost(self) -> bool:
        """Whether the master was away for longer than one that is started anew."""
        since = self._lost_since
        return since is not None and self._clock() - since > self._patience.reconnect

    def _lose_master(self) -> None:
        """It is started anew, or overloaded. The minions go on, and find back to it by and by."""
        now = self._clock()
        if self._lost_since is None:
            self._lost_since = now
        self._patient_until = now + self._patience.reconnect
        self._question = None
        for minion in self._open.values():
            minion.due = now + self._patience.retry
        self._pause(self._patience.retry)

    def _close(self, names: Sequence[str], error: str, message: str) -> Iterator[dict[str, Any]]:
        for name in names:
            del self._open[name]
            yield failed(name, self._action, error, message)


# --- The wire on the master's own machine: Salt's Python client and the master's event bus --------


class NotPermitted(Exception):
    """The master does not let this user, or this minion, do that."""


class MasterWire:
    """`opts` is the master's configuration, as Salt loads it."""

    def __init__(self, opts: dict[str, Any]) -> None:
        import salt.client

        self._opts = opts
        self._client = salt.client.LocalClient(mopts=opts)
        # Every return is kept until it is asked for, whatever is waited for at the moment.
        self._client.event.subscribe("salt/job/")
        self._bus = Path(opts["sock_dir"]) / "master_event_pub.ipc"
        self._listening_to: Optional[tuple[int, int]] = None

    def minions(self, expression: str) -> list[str]:
        """Who matches a compound expression, whether up or not. Raises what `publish` does."""
        self._listen()
        if os.access(self._opts["pki_dir"], os.R_OK | os.X_OK) and os.geteuid() == 0:
            return matching(self._opts, expression)
        # An ordinary user may not read the keys and the cache. The master tells whom it sends a job
        # to, and this is a job that everybody may send.
        return sorted(self._publish(expression, "compound", FIND_JOB, ["0"]).minions)

    def publish(
        self, function: str, arguments: Sequence[Any], minions: Sequence[str], jid: str = ""
    ) -> Job:
        """Send a job to minions by name. Raises MasterSilent, NotPermitted."""
        self._listen()
        return self._publish(list(minions), "list", function, arguments, jid)

    def returns(self, jids: Sequence[str], seconds: float) -> list[Return]:
        """The returns to these jobs that are new, after waiting for one at most `seconds`."""
        until = time.monotonic() + seconds
        found: list[Return] = []
        while True:
            self._check_bus()
            left = until - time.monotonic()
            # Salt waits for ever when it is told to wait for 0 seconds.
            event = self._client.event.get_event(
                wait=max(0.01, min(left, 1.0)), tag="salt/job/", full=True, no_block=bool(found)
            )
            one = _return_in(event, jids)
            if one:
                found.append(one)
            elif (event is None and found) or left <= 0:
                return found

    def _listen(self) -> None:
        if self._listening_to is not None and self._listening_to == self._identity():
            return
        self._client.event.close_pub()
        self._try_bus()
        self._client.event.connect_pub(timeout=5)
        self._listening_to = self._identity()

    def _try_bus(self) -> None:
        """Salt itself goes on without a connection, and then sees no return."""
        if self._opts.get("ipc_mode") == "tcp":
            return
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self._bus))
        except PermissionError as error:
            raise NotPermitted(
                f"{self._client.salt_user} may not listen to the master's events, {self._bus}"
            ) from error
        except OSError as error:
            raise MasterSilent(f"the salt-master does not answer ({self._bus})") from error

    def _check_bus(self) -> None:
        """A master that was started anew has another socket: nobody tells those who listen."""
        if self._listening_to != self._identity():
            self._listening_to = None
            self._client.event.close_pub()
            raise MasterSilent("the master was started anew")

    def _identity(self) -> Optional[tuple[int, int]]:
        if self._opts.get("ipc_mode") == "tcp":
            return (0, 0)
        try:
            status = self._bus.stat()
        except OSError:
            return None
        return status.st_ino, status.st_ctime_ns

    def _publish(
        self, target: Any, kind: str, function: str, arguments: Sequence[Any], jid: str = ""
    ) -> Job:
        from salt.exceptions import (
            AuthenticationError,
            AuthorizationError,
            PublishError,
            SaltClientError,
            SaltReqTimeoutError,
        )

        try:
            sent = self._client.pub(target, function, list(arguments), kind, jid=jid, timeout=10)
        except (AuthenticationError, AuthorizationError) as error:
            raise self._not_permitted(function) from error
        except PublishError:
            return Job("", frozenset())  # nobody matches
        except (SaltClientError, SaltReqTimeoutError) as error:
            raise MasterSilent("the salt-master does not answer") from error
        if not sent:
            # Without a key of one's own the answer is empty, and no exception.
            raise self._not_permitted(function)
        return Job(str(sent["jid"]), frozenset(sent["minions"]))

    def _not_permitted(self, function: str) -> NotPermitted:
        return NotPermitted(f"the master does not let {self._client.salt_user} do {function}")


def matching(opts: dict[str, Any], expression: str) -> list[str]:
    """Who matches, by the keys and the cache of the master; for whoever may read them."""
    from salt.utils.minions import CkMinions

    return sorted(CkMinions(opts).check_minions(expression, "compound")["minions"])


def _return_in(event: Optional[dict[str, Any]], jids: Sequence[str]) -> Optional[Return]:
    """The return in an event `salt/job/JID/ret/MINION`, if it is of one of these jobs.

    Or what its fetch tells before it stands by, `salt/job/JID/prog/MINION/git_deploy`. Whose event
    it is, the master knows better than the tag.
    """
    if event is None:
        return None
    parts, data = event["tag"].split("/"), event["data"]
    if len(parts) < 5 or parts[2] not in jids:
        return None
    jid, kind, minion = parts[2], parts[3], str(data.get("id", ""))
    if kind == "ret":
        return Return(jid, minion, data.get("return"), bool(data.get("success", True)))
    if kind == "prog" and parts[5:] == ["git_deploy"]:
        return Return(jid, minion, data.get("data"), stands_by=True)
    return None


# --- What each slot should have, as the master knows it, for minions that come back by themselves -

RECORD_VERSION = 1
DEFAULT_DIRECTORY = "/var/lib/sartoris/desired"


@dataclass(frozen=True)
class SlotRecord:
    """`targets` is the compound expression of the slot's fleet; the orders are as for a switch.

    `server` is the minion that the deployment server is, "" for the master itself, and `origin` the
    git directory there that the slot is deployed from.
    """

    repository: str
    slot: str
    targets: str
    settled: Optional[dict[str, Any]] = None
    coming: Optional[dict[str, Any]] = None
    server: str = ""
    origin: str = ""
    version: int = RECORD_VERSION


class NewerRecord(Exception):
    """A record is of a version that this runner would misunderstand."""


class BadRecord(ValueError):
    """It is no record of a slot."""


class Conflict(Exception):
    """A slot of this name is deployed from another server, or another repository there."""


class SlotRecords:
    """The files in `directory`, which whoever deploys can write to."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def of(cls, opts: dict[str, Any]) -> SlotRecords:
        """Where the master's configuration says: `git_deploy.desired`."""
        return cls(Path(opts.get("git_deploy.desired") or DEFAULT_DIRECTORY))

    def write(self, record: SlotRecord) -> None:
        """Raises OSError, NewerRecord, and Conflict: servers do not take each other's slots."""
        path = self._path(record)
        before = _read(path)
        if before and (before.server, before.origin) != (record.server, record.origin):
            raise Conflict(
                f"{record.slot} of {record.repository} is deployed from {before.origin} on"
                f" {before.server or 'the master'}; if it is yours now, remove {path} on the master"
            )
        new = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            new.write_text(json.dumps(asdict(record), indent=1))
            new.chmod(0o644)  # the master reads it, whatever the umask of who deploys
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)

    def all(self) -> Iterator[SlotRecord]:
        """Those that can be read; a damaged or a newer one counts as none: nothing is deployed by
        guess.
        """
        if self.directory.is_dir():
            found = (_known(path) for path in sorted(self.directory.glob("*.json")))
            yield from (record for record in found if record)

    def again(self, record: SlotRecord) -> Optional[SlotRecord]:
        """What the same slot's record says now."""
        return _known(self._path(record))

    def _path(self, record: SlotRecord) -> Path:
        names = (urllib.parse.quote(name, safe="") for name in (record.repository, record.slot))
        return self.directory / f"{'@'.join(names)}.json"


def record_of(content: Mapping[str, Any]) -> SlotRecord:
    """The record in a JSON object; fields of a later version are ignored.

    Raises NewerRecord, BadRecord.
    """
    version = content.get("version", 1)
    if not isinstance(version, int) or isinstance(version, bool):
        raise BadRecord("the version is no number")
    if version > RECORD_VERSION:
        raise NewerRecord(
            f"the record of a slot was written by a newer Sartoris (version {version}; this runner"
            f" reads up to {RECORD_VERSION}); upgrade Sartoris on the master"
        )
    known = {one.name: content[one.name] for one in fields(SlotRecord) if one.name in content}
    for name, value in known.items():
        if not isinstance(value, _KINDS.get(name, str)):
            raise BadRecord(f"{name} is not as expected")
    try:
        return SlotRecord(**known)
    except TypeError as error:
        raise BadRecord(str(error)) from error


_KINDS: dict[str, Any] = {
    "settled": (dict, type(None)),
    "coming": (dict, type(None)),
    "version": int,
}


def _read(path: Path) -> Optional[SlotRecord]:
    """None if there is none, or none that can be read. Raises NewerRecord."""
    try:
        content = json.loads(path.read_text())
        return record_of(content) if isinstance(content, dict) else None
    except (OSError, ValueError):
        return None


def _known(path: Path) -> Optional[SlotRecord]:
    try:
        return _read(path)
    except NewerRecord:
        return None


# --- The runner's functions -----------------------------------------------------------------------

__load__ = (
    "fetch", "switch", "withdraw", "status", "verify", "service",
    "minions", "publish", "returns", "desire", "desired", "converge",
)  # fmt: skip

MODULE = "git_deploy."
_RECORD_POLL = 1.0  # seconds


def fetch(tgt: str, **order: Any) -> dict[str, Any]:
    """
    Get a release onto minions, complete, beside what is live.

    tgt
        A compound expression
    order
        The fields of the order: repository, slot, path, release, commit, url, ...

    CLI Example:

    .. code-block:: bash

        salt-run git_deploy.fetch 'web*' repository=mediawiki slot=slot0 path=/srv/php-slot0 \\
            release=slot0-20261123-140200 commit=COMMIT url=http://deploy/mediawiki.git
    """
    return _dispatch("fetch", tgt, order)


def switch(tgt: str, **order: Any) -> dict[str, Any]:
    """
    Make a release live on minions that hold it. For the arguments see `fetch`.

    CLI Example:

    .. code-block:: bash

        salt-run git_deploy.switch 'web*' repository=mediawiki slot=slot0 path=/srv/php-slot0 \\
            release=slot0-20261123-140200 commit=COMMIT
    """
    return _dispatch("switch", tgt, order)


def withdraw(tgt: str, **order: Any) -> dict[str, Any]:
    """
    Make nothing live where a release is, as before the slot's first rollout.

    CLI Example:

    .. code-block:: bash

        salt-run git_deploy.withdraw 'web*' repository=mediawiki slot=slot0 path=/srv/php-slot0 \\
            release=slot0-20261123-140200
    """
    return _dispatch("withdraw", tgt, order)


def status(tgt: str, **order: Any) -> dict[str, Any]:
    """
    Tell what is live and what is held on minions; of every slot when none is named.

    CLI Example:

    .. code-block:: bash

        salt-run git_deploy.status 'web*'
    """
    return _dispatch("status", tgt, order)


def verify(tgt: str, **order: Any) -> dict[str, Any]:
    """
    As status, and compare the live tree with its release on each minion's disk.

    CLI Example:

    .. code-block:: bash

        salt-run git_deploy.verify 'web*'
    """
    return _dispatch("verify", tgt, order)


def service(tgt: str, **order: Any) -> dict[str, Any]:
    """
    Restart or reload the service of a repository, or ask how it is.

    CLI Example:

    .. code-block:: bash

        salt-run git_deploy.service 'web*' repository=mediawiki slot=slot0 path=/srv/php-slot0 \\
            service=php8.2-fpm service_action=reload
    """
    return _dispatch("service", tgt, order)


def minions(expression: str) -> list[str]:
    """
    Who matches a compound expression, up or not, by the master's keys and cache.

    CLI Example:

    .. code-block:: bash

        salt-run git_deploy.minions 'G@deployment_target:mediawiki'
    """
    return matching(_opts(), expression)


def publish(function: str, arguments: Sequence[Any], names: Sequence[str]) -> dict[str, Any]:
    """
    Send a job to minions by name: one of this module's functions, or the question whether a job is
    running. For deployment servers that are only minions.

    CLI Example:

    .. code-block:: bash

        salt-run git_deploy.publish git_deploy.status '[]' '[web1]'
    """
    if not function.startswith(MODULE) and function != FIND_JOB:
        raise ValueError(f"not a function of git_deploy: {function}")
    job = MasterWire(_opts()).publish(function, arguments, names)
    return {"jid": job.jid, "minions": sorted(job.minions)}


def returns(jobs: Mapping[str, Sequence[str]], seconds: float = 0) -> list[dict[str, Any]]:
    """
    The returns to jobs of this module, after waiting for one at most `seconds`.

    jobs
        The minions whose returns are known already, by job

    CLI Example:

    .. code-block:: bash

        salt-run git_deploy.returns '{"20261123140200123456": ["web1"]}' 2
    """
    until = time.monotonic() + min(seconds, 10.0)
    with _listening() as event:
        while True:
            found = list(_new_returns(jobs))
            left = until - time.monotonic()
            if found or left <= 0:
                return [vars(one) for one in found]
            event.get_event(wait=min(left, 1.0), tag="salt/job/", full=True)


def desire(record: Mapping[str, Any]) -> bool:
    """
    Write down what a slot should have, for minions that come back by themselves. For programs.

    CLI Example:

    .. code-block:: bash

        salt-run git_deploy.desire '{"repository": ..., "slot": ..., "targets": ..., ...}'
    """
    SlotRecords.of(_opts()).write(record_of({**record, "server": _caller()}))
    return True


def desired(minion: str = "") -> list[dict[str, Any]]:
    """
    The orders that bring a minion to what its slots should have; a minion that asks gets its own.
    Not those of slots that a rollout is switching now.

    CLI Example:

    .. code-block:: bash

        salt-run git_deploy.desired web1
    """
    name = _caller() or minion
    return [one.settled for one in _records_of(name) if one.settled and not one.coming]


def converge(minion: str, wait: float = 1800) -> dict[str, Any]:
    """
    Bring a minion to what its slots should have, each once no rollout is switching it.

    wait
        Seconds to wait for the end of a rollout

    CLI Example:

    .. code-block:: bash

        salt-run git_deploy.converge web1
    """
    until = time.monotonic() + wait
    outcomes = {}
    # Nothing else waits for a rollout.
    for record in sorted(_records_of(minion), key=lambda record: record.coming is not None):
        order = _settled(record, until)
        if order:
            dispatch = Dispatch(MasterWire(_opts()), f"{MODULE}converge", order)
            for outcome in dispatch.to([minion]):
                outcomes[f"{record.repository} {record.slot}"] = outcome
    return outcomes


def _settled(record: SlotRecord, until: float) -> Optional[dict[str, Any]]:
    """The slot's order when its rollout is over. A rollout that stays open decides later."""
    now: Optional[SlotRecord] = record
    while now and now.coming:
        if time.monotonic() > until:
            return None
        time.sleep(_RECORD_POLL)
        now = SlotRecords.of(_opts()).again(record)
    return now.settled if now else None


def _records_of(minion: str) -> list[SlotRecord]:
    """The slots that are this minion's own, by what the master knows of it."""
    records = SlotRecords.of(_opts()).all()
    return [record for record in records if minion in matching(_opts(), record.targets)]


def _dispatch(action: str, target: str, order: Mapping[str, Any]) -> dict[str, Any]:
    """One order to all that match; the outcomes by minion, and by path if it names no slot."""
    fields = {name: value for name, value in order.items() if not name.startswith("__")}
    if fields:
        fields = {"version": 1, **fields, "action": action}
    wire = MasterWire(_opts())
    dispatch = Dispatch(wire, f"{MODULE}{action}", fields)
    outcomes = dispatch.to(wire.minions(target))
    return {outcome["target"]: outcome.get("slots", outcome) for outcome in outcomes}


def _new_returns(jobs: Mapping[str, Sequence[str]]) -> Iterator[Return]:
    """From the master's job cache. Jobs of other modules are nobody's business."""
    import salt.loader

    cache = salt.loader.returners(_opts(), {})
    store = _opts()["master_job_cache"]
    for jid, known in jobs.items():
        function = str(cache[f"{store}.get_load"](jid).get("fun", ""))
        if not function.startswith(MODULE) and function != FIND_JOB:
            continue
        for name, answer in cache[f"{store}.get_jid"](jid).items():
            if name not in known:
                yield Return(jid, name, answer.get("return"), bool(answer.get("success", True)))


def _listening() -> Any:
    import salt.utils.event

    event = salt.utils.event.get_event("master", opts=_opts(), listen=True)
    event.subscribe("salt/job/")
    event.connect_pub(timeout=5)
    return event


def _opts() -> dict[str, Any]:
    """The master's configuration, which Salt puts here."""
    opts: dict[str, Any] = globals()["__opts__"]
    return opts


def _caller() -> str:
    """The minion that asked through the peer system; "" on the master itself.

    For a minion that asks, Salt puts its id where the master's own is otherwise.
    """
    import salt.config

    name = str(_opts()["id"])
    return "" if name == salt.config.master_config(_opts()["conf_file"])["id"] else name
