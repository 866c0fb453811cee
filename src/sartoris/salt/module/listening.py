"""The switch, heard by the job that has fetched.

A job costs a minion a process and 0.1 s of CPU time before its function runs, and after a fetch the
switch mostly follows within a second. So a fetch may stand by: it tells by an event that it has the
release, and listens to what the master publishes. When that is a switch to this minion under the id
of this job, it is carried out here, and its outcome is what the job returns. The minion's main
process passes over it, as over every job whose id it knows.

What is heard comes over Salt's authenticated channel, as every job, and the master has looked
whether who published it may send this function to this minion. With ZeroMQ everybody gets all
that is published; where that is not so (other transports, `zmq_filtering`), and with other Salts
than 3008 nobody waits, and the switch comes as a job of its own. So it does for who has not
heard it, whatever went wrong: that is never a reason to lose what the fetch has done.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

_FUNCTION = "git_deploy.switch"
_HEARD_BY_ALL = "zeromq"
_SALT = 3008  # whose channels these are; with 3006 the same calls never come back
_CONNECT_TIMEOUT = 2.0  # seconds for the connection


class CannotListen(Exception):
    """What the master publishes to others does not come here."""


@contextlib.contextmanager
def listening(opts: Mapping[str, Any]) -> Iterator[Publications | None]:
    """What the master publishes from now on; None where it cannot be heard."""
    with contextlib.ExitStack() as stack:
        publications = None
        with contextlib.suppress(Exception):
            publications = Publications(opts)
            stack.callback(publications.close)
        yield publications


class Publications:
    """What the master publishes to its minions. `opts`: the minion's. Raises CannotListen."""

    def __init__(self, opts: Mapping[str, Any]) -> None:
        import asyncio  # which takes longer than many an order; where Salt runs, it is there

        if opts.get("transport", _HEARD_BY_ALL) != _HEARD_BY_ALL or opts.get("zmq_filtering"):
            raise CannotListen
        self._loop = asyncio.new_event_loop()
        try:
            connecting = asyncio.wait_for(self._connect(opts), _CONNECT_TIMEOUT)
            self._channel = self._loop.run_until_complete(connecting)
        except BaseException:
            self._loop.close()
            raise

    async def _connect(self, opts: Mapping[str, Any]) -> Any:
        import asyncio

        import salt.channel.client
        import salt.crypt
        import salt.version

        if salt.version.__version_info__[0] != _SALT:
            raise CannotListen
        self._loads: Any = asyncio.Queue()  # of what was published, {} when the time is over
        auth = salt.crypt.AsyncAuth(opts, io_loop=self._loop)
        # A channel makes a token that ZeroMQ never sends; to read the minion's key for it takes
        # longer than all the rest.
        auth.gen_token = lambda _: b""
        channel = salt.channel.client.AsyncPubChannel.factory(opts, io_loop=self._loop)
        # `channel.connect` would tell the minion's main process that it has found a master.
        await channel.transport.connect(_port(opts, auth.creds))
        channel.on_recv(self._receive)
        return channel

    async def _receive(self, payload: Mapping[str, Any]) -> None:
        if payload["enc"] == "aes":  # the others are not from the master
            self._loads.put_nowait(payload["load"])

    def switch_for(self, jid: str, minion: str, seconds: float) -> dict[str, Any] | None:
        """The order to switch in this job; None if none comes within `seconds`."""
        self._loop.call_later(seconds, self._loads.put_nowait, {})
        with contextlib.suppress(Exception):
            return self._loop.run_until_complete(self._next_switch(jid, minion))
        return None

    async def _next_switch(self, jid: str, minion: str) -> dict[str, Any] | None:
        while load := await self._loads.get():
            order = switch_in(load, jid, minion)
            if order is not None:
                return order
        return None

    def close(self) -> None:
        """Let go of the connection."""
        with contextlib.suppress(Exception):
            self._channel.close()
            self._loop.call_soon(self._loop.stop)
            self._loop.run_forever()  # once, in which its tasks end
            self._loop.close()


def _port(opts: Mapping[str, Any], credentials: Mapping[str, Any]) -> int:
    """Where the master publishes: as configured, or as it tells who signs in (as Salt does)."""
    configured = int(opts.get("publish_port", 4506))
    return int(credentials["publish_port"]) if configured == 4506 else configured


def switch_in(load: Mapping[str, Any], jid: str, minion: str) -> dict[str, Any] | None:
    """The order in a publication, if it is a switch to this minion in this job; otherwise None.

    To this minion: who may publish to some minions must not be able to move others.
    """
    kind = (load.get("fun"), load.get("jid"), load.get("tgt_type"))
    if kind != (_FUNCTION, jid, "list") or minion not in list(load["tgt"]):
        return None
    orders = [one for one in load["arg"] if isinstance(one, dict) and one.get("__kwarg__")]
    return orders[0] if orders else None
