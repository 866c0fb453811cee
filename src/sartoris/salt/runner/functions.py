"""The runner's functions.

There is one for each action, which takes a compound expression and the fields of the order, and
those for programs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Optional

from sartoris.agent.actions import ACTIONS
from sartoris.salt.help import help_of
from sartoris.salt.runner.answers import Return
from sartoris.salt.runner.dispatch import FIND_JOB, Dispatch
from sartoris.salt.runner.master import JobCache, MasterWire, matching, return_in
from sartoris.salt.runner.records import SlotRecord, SlotRecords, record_of
from sartoris.salt.runner.vouching import Signers, Vouching, key_file

__load__ = (*ACTIONS, "minions", "publish", "returns", "desire", "desired", "converge")

MODULE = "git_deploy."
_PUBLISHED = (*(f"{MODULE}{name}" for name in (*ACTIONS, "beside")), FIND_JOB)
_RECORD_POLL = 1.0  # seconds


def minions(expression: str) -> list[str]:
    """
    Who matches a compound expression, up or not, by the master's keys and cache. Pillar is compared
    as a whole, without patterns.

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
    if function not in _PUBLISHED:
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
    opts = _opts()
    vouching = Vouching(lambda minion: key_file(opts, minion), Signers.of(opts))
    cache = JobCache(opts)
    ours = [jid for jid in jobs if cache.function(jid) in _PUBLISHED]
    heard: list[Return] = []
    with _listening() as event:
        while True:
            found = [*heard, *_new_returns(cache, ours, jobs)]
            left = until - time.monotonic()
            if found or left <= 0:
                return [_with_proof(one, vouching).to_json() for one in found]
            one = return_in(event.get_event(wait=min(left, 1.0), tag="salt/job/", full=True), ours)
            # The master keeps what came first in a minion's name, whoever wrote it: what it has
            # signed itself counts, also when it came later.
            if one and not one.waits and vouching.vouches(one):
                heard = [one]


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


_TARGETS = """\
tgt
    A compound expression
order
    The fields of the order: repository, slot, path, release, commit, url, ..."""


def _function(name: str) -> Callable[..., dict[str, Any]]:
    """The function for one action."""

    def function(tgt: str, **order: Any) -> dict[str, Any]:
        return _dispatch(name, tgt, order)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = help_of(name, f"salt-run git_deploy.{name} 'web*'", _TARGETS)
    return function


def _dispatch(action: str, target: str, order: Mapping[str, Any]) -> dict[str, Any]:
    """One order to all that match; the outcomes by minion, and by path if it names no slot."""
    fields = {name: value for name, value in order.items() if not name.startswith("__")}
    if fields:
        fields = {"version": 1, **fields, "action": action}
    wire = MasterWire(_opts())
    dispatch = Dispatch(wire, f"{MODULE}{action}", fields)
    outcomes = dispatch.to(wire.minions(target))
    return {outcome["target"]: outcome.get("slots", outcome) for outcome in outcomes}


def _new_returns(
    cache: JobCache, jids: Iterable[str], known: Mapping[str, Sequence[str]]
) -> Iterator[Return]:
    for jid in jids:
        yield from (one for one in cache.returns(jid) if one.minion not in known[jid])


def _with_proof(answer: Return, vouching: Vouching) -> Return:
    """For a deployment server, which has no minion's key."""
    cached = answer.cached and vouching.may_be_unsigned(answer)
    return replace(answer, vouched=vouching.vouches(answer), cached=cached)


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


globals().update({name: _function(name) for name in ACTIONS})
