"""How many connections may be being opened at once.

A server lets in only so many that are not logged in yet (`MaxStartups`, of which a bastion has one
for all that go through it), and a handshake costs this machine as much as all that follows it. So
connections through the same jump host are opened a few at a time, and all of them so many that the
processors are busy. One that takes long does not keep the others waiting.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from sartoris.config.targets import Host
from sartoris.transports.ssh_settings import settings

if TYPE_CHECKING:
    from sartoris.transports.ssh import Way

THROUGH_ONE = 8  # sshd turns people away from the tenth on
_LONG = 5.0  # seconds after which a start counts no more


class Starts:
    """`hops` are the jump hosts of the targets that have one, as far as it mattered."""

    def __init__(self, way: Way) -> None:
        self.hops: dict[str, str] = {}
        self._way = way
        self._all = _Limit(8 * (os.cpu_count() or 1))
        self._by_hop: dict[str, _Limit] = defaultdict(lambda: _Limit(THROUGH_ONE))

    async def of(self, host: Host, total: int) -> AbstractAsyncContextManager[None]:
        """Around the start of one of `total` connections; waits for its turn."""
        hop = ""
        if total > THROUGH_ONE and self._way.is_ssh:
            hop = await asyncio.get_running_loop().run_in_executor(None, self._hop, host)
            if hop:
                self.hops[host.name] = hop
        return self._turn(hop)

    @asynccontextmanager
    async def _turn(self, hop: str) -> AsyncIterator[None]:
        if hop:
            async with self._by_hop[hop].turn(), self._all.turn():
                yield
        else:
            async with self._all.turn():
                yield

    def _hop(self, host: Host) -> str:
        """What ssh goes through to reach it, by ssh's own reading of its configuration."""
        found = settings(self._way, host)
        # The last hop is reached through the first, which is where everybody meets.
        jump = found.get("proxyjump", "none").split(",")[0]
        command = found.get("proxycommand", "none")
        return next((one for one in (jump, command) if one != "none"), "")


class _Limit:
    """At most `most` at once, not counting those that take long; with those, twice as many."""

    def __init__(self, most: int) -> None:
        self._free, self._free_with_late = asyncio.Semaphore(most), asyncio.Semaphore(2 * most)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        async with self._free_with_late:
            await self._free.acquire()
            loop = asyncio.get_running_loop()
            late = loop.call_later(_LONG, self._free.release)
            try:
                yield
            finally:
                if loop.time() < late.when():
                    late.cancel()
                    self._free.release()
