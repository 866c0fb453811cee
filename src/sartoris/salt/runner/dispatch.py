"""One order to many minions: who has answered, who is still at it, and who is not there.

Salt tells when a minion returns, and nothing when it does not. A minion that is quiet is asked
whether the job is still running there (`saltutil.find_job`), which its main process answers at once
even while the job runs. Whoever is silent to that is down or cut off, and is named after seconds
and not after the time that an order may take.

Minions that have fetched may wait for the switch (`sartoris.salt.module.listening`). To those it is
sent under the id of the job that they have, in which they hear it; no minion takes a job twice.

What a minion has signed is believed at once (`sartoris.salt.signatures`). What is not signed may be
of another minion, of a module of an older release, or what Salt says where it could not run the
function. Then the minion is asked whether it is at it; and when it is not any more, and has signed
nothing meanwhile, what the master has in its job cache counts, if this minion never signs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional, Protocol

from sartoris.salt.runner.answers import Return, failed, not_its_own, outcome_of
from sartoris.salt.runner.waiting import STAND_BY, WaitingMinions

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
    """A way to the master. `gather_job_timeout` is Salt's setting: for how many seconds a minion
    may be silent to the question what it is at.
    """

    @property
    def gather_job_timeout(self) -> float: ...

    def publish(
        self, function: str, arguments: Sequence[Any], minions: Sequence[str], jid: str = ""
    ) -> Job:
        """Send a job to minions by name, under the id `jid` if given. Raises MasterSilent."""

    def returns(self, jids: Sequence[str], seconds: float) -> list[Return]:
        """The returns to these jobs that are new, after waiting for one at most `seconds`.

        Raises MasterSilent when the connection was lost.
        """

    def unsigned(self, jid: str, minion: str) -> Optional[Return]:
        """The return that the master has in its job cache, if this minion need not sign it."""


@dataclass(frozen=True)
class Timeouts:
    """How long is waited for what, in seconds.

    `ask_after`: a minion may be quiet before it is asked whether it is at it; twice as long each
    time that it says so, up to `ask_at_least`. `silence_each` of those asked is added to the time
    for which it may be silent to that. `look_again`: a return may be on its way from one that says
    it is done. `reconnect`: minions may take to find back to a master that was away.
    """

    ask_after: float = 2.0
    ask_at_least: float = 16.0
    silence_each: float = 0.04
    look_again: float = 1.0
    reconnect: float = 45.0
    retry: float = 0.5


@dataclass
class _Minion:
    """What is known of one that has not returned. `due` is when it is asked next.

    `listens`: the job is that of its fetch, and it hears the switch there, or gives up. `said`:
    something came in its name that was not signed.
    """

    jid: str
    due: float
    pause: float
    listens: bool = False
    sent: int = 1
    silent: int = 0
    denied: int = 0
    said: bool = False


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
        waiting: Optional[WaitingMinions] = None,
        timeouts: Timeouts = Timeouts(),
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._wire, self._function, self._order = wire, function, order
        self._waiting = waiting
        self._action = function.rpartition(".")[2]
        self._timeouts, self._clock, self._pause = timeouts, clock, pause
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
            self._open[name] = _Minion("", 0.0, self._timeouts.ask_after, sent=0)
        for jid, names in self._jobs(minions).items():
            try:
                unknown = self._send(names, jid)
            except MasterSilent as error:
                yield from self._close(names, "unreachable", str(error))
            else:
                message = "the master has no accepted key of it"
                yield from self._close(unknown, "unreachable", message)

    def _jobs(self, minions: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Who is sent the order under which id: that of a job that waits, "" for a new one."""
        if self._waiting is None or self._action != "switch":
            return {"": minions}
        return self._waiting.take(self._order, minions)

    def _send(self, names: Sequence[str], jid: str = "") -> list[str]:
        """Send the order; those that the master does not know. Raises MasterSilent."""
        waits = self._waiting is not None and self._action == "fetch"
        more = {"stand_by": STAND_BY} if waits else {}
        fields = {"__kwarg__": True, **self._order, **more}
        job = self._publish(self._function, [fields], names, jid)
        for name in names:
            minion = self._open[name]
            minion.jid, minion.listens, minion.said = job.jid, bool(jid), False
            minion.denied, minion.sent = 0, minion.sent + 1
            minion.due = self._clock() + self._timeouts.ask_after
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
                running = bool(answer.value)
                if running or answer.minion in self._question.unanswered:
                    self._note_answer(minion, running=running)
                self._question.unanswered.discard(answer.minion)
            elif answer.jid == minion.jid and answer.vouched:
                yield from self._end(answer, minion)
            elif answer.jid == minion.jid and not answer.waits:
                minion.said = True
                minion.due = min(minion.due, self._clock())

    def _end(self, answer: Return, minion: _Minion) -> Iterator[dict[str, Any]]:
        outcome = outcome_of(answer, self._action, of_slot=bool(self._order))
        if minion.listens and outcome.get("action") != self._action:
            self._try_again([answer.minion])  # it heard nothing
            return
        if answer.waits and self._waiting is not None:
            self._waiting.add(self._order, answer.minion, answer.jid)
        del self._open[answer.minion]
        yield outcome

    def _note_answer(self, minion: _Minion, *, running: bool) -> None:
        minion.silent = 0
        minion.denied = 0 if running else minion.denied + 1
        minion.pause = min(minion.pause * 2, self._timeouts.ask_at_least)
        wait = minion.pause if running else self._timeouts.look_again
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

        They were started anew, or the return got lost, as when another has answered in its name
        first: the master keeps one. An order may be carried out twice.
        """
        yield from self._take_unsigned()
        lost = [name for name, minion in self._open.items() if minion.denied >= 2]
        often = [name for name in lost if self._open[name].sent >= LOST_AT_MOST]
        forged = [name for name in often if self._open[name].said]
        for name in forged:
            del self._open[name]
            yield not_its_own(name, self._action)
        others = [name for name in often if name not in forged]
        yield from self._close(others, "unreachable", f"it lost the order {LOST_AT_MOST} times")
        again = [name for name in lost if name in self._open]
        if again:
            self._try_again(again)

    def _take_unsigned(self) -> Iterator[dict[str, Any]]:
        """Of minions that are not at it any more, and have signed nothing, what may be theirs."""
        for name, minion in list(self._open.items()):
            if minion.denied >= 2 and minion.said:
                answer = self._wire.unsigned(minion.jid, name)
                if answer:
                    yield from self._end(answer, minion)

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
        # It is asked twice: a question or its answer may get lost.
        wait = self._wire.gather_job_timeout / 2 + self._timeouts.silence_each * len(asked)
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
        return since is not None and self._clock() - since > self._timeouts.reconnect

    def _lose_master(self) -> None:
        """It is started anew, or overloaded. The minions go on, and find back to it by and by."""
        now = self._clock()
        if self._lost_since is None:
            self._lost_since = now
        self._patient_until = now + self._timeouts.reconnect
        self._question = None
        for minion in self._open.values():
            minion.due = now + self._timeouts.retry
        self._pause(self._timeouts.retry)

    def _close(self, names: Sequence[str], error: str, message: str) -> Iterator[dict[str, Any]]:
        for name in names:
            del self._open[name]
            yield failed(name, self._action, error, message)
