"""The wire on the master's own machine: Salt's Python client and the master's event bus.

Whoever `publisher_acl` (or being root) allows to publish can use it.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

from sartoris.salt.runner.answers import Return
from sartoris.salt.runner.dispatch import FIND_JOB, Job, MasterSilent
from sartoris.salt.runner.vouching import Signers, Vouching, key_file

# A compound expression in which pillar is compared as a whole, as Salt has it for what minions
# publish: with patterns, whoever may ask who matches could read every minion's secrets bit by bit.
COMPOUND = "compound_pillar_exact"


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
        self._vouching = Vouching(self._key_of, Signers.of(opts))

    @property
    def gather_job_timeout(self) -> float:
        return float(self._opts["gather_job_timeout"])

    def minions(self, expression: str) -> list[str]:
        """Who matches a compound expression, whether up or not. Raises what `publish` does."""
        self._listen()
        if os.access(self._opts["pki_dir"], os.R_OK | os.X_OK) and os.geteuid() == 0:
            return matching(self._opts, expression)
        # An ordinary user may not read the keys and the cache. The master tells whom it sends a job
        # to, and this is a job that everybody may send.
        return sorted(self._publish(expression, COMPOUND, FIND_JOB, ["0"]).minions)

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
            one = return_in(event, jids)
            if one:
                found.append(replace(one, vouched=self._vouching.vouches(one)))
            if (event is None and found) or left <= 0:
                return found

    def unsigned(self, jid: str, minion: str) -> Optional[Return]:
        """The return that the master has in its job cache, if this minion need not sign it."""
        try:
            cached = {one.minion: one for one in JobCache(self._opts).returns(jid)}
        except OSError:
            return None  # it is for the master's own user
        found = cached.get(minion)
        return found if found and self._vouching.may_be_unsigned(found) else None

    def _key_of(self, minion: str) -> bytes:
        return key_file(self._opts, minion)

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
            raise MasterSilent("the master was restarted")

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

    return sorted(CkMinions(opts).check_minions(expression, COMPOUND)["minions"])


class JobCache:
    """The returns that the master keeps. `opts` is its configuration."""

    def __init__(self, opts: dict[str, Any]) -> None:
        import salt.loader

        self._cache = salt.loader.returners(opts, {})
        self._store = opts["master_job_cache"]

    def function(self, jid: str) -> str:
        """What the job was to do."""
        return str(self._cache[f"{self._store}.get_load"](jid).get("fun", ""))

    def returns(self, jid: str) -> Iterator[Return]:
        for name, answer in self._cache[f"{self._store}.get_jid"](jid).items():
            ran = bool(answer.get("success", True))
            yield Return(jid, name, answer.get("return"), ran, cached=True)


def return_in(event: Optional[dict[str, Any]], jids: Sequence[str]) -> Optional[Return]:
    """The return in an event `salt/job/JID/ret/MINION`, if it is of one of these jobs.

    Or what its fetch says before it waits, `salt/job/JID/prog/MINION/git_deploy`. Whose event
    it is, neither the tag nor the name in it tells: any minion can write both.
    """
    if event is None:
        return None
    parts, data = event["tag"].split("/"), event["data"]
    if len(parts) < 5 or parts[2] not in jids or not isinstance(data, dict):
        return None
    jid, kind, minion = parts[2], parts[3], str(data.get("id", ""))
    if kind == "ret":
        return Return(jid, minion, data.get("return"), bool(data.get("success", True)))
    if kind == "prog" and parts[5:] == ["git_deploy"]:
        return Return(jid, minion, data.get("data"), waits=True)
    return None
