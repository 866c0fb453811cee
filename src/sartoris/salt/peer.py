"""The wire of a deployment server that is only a minion: the runner on the master, through peers.

The master's `peer_run` says which runner functions this minion may call.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sartoris.salt.runner.answers import Return
from sartoris.salt.runner.dispatch import Job, MasterSilent
from sartoris.salt.runner.master import NotPermitted

_ANSWER = 15  # seconds that a runner function may take beside the time that it waits

# The runner's functions that are needed, with arguments with which they do nothing. A record
# without its fields is refused by the runner itself.
_IDLE: dict[str, dict[str, Any]] = {
    "minions": {"expression": "L@"},
    "publish": {"function": "git_deploy.status", "arguments": [], "names": []},
    "returns": {"jobs": {}, "seconds": 0},
    "desire": {"record": {}},
}


class PeerWire:
    """`opts` is the minion's configuration, as Salt loads it."""

    tells_progress = False  # the master's job cache has only what jobs returned
    gather_job_timeout = 10.0  # Salt's default: a minion does not know what its master has

    def __init__(self, opts: dict[str, Any]) -> None:
        from salt.minion import resolve_dns

        opts = {**opts, "master": _first(opts["master"])}
        self._opts = {**opts, **resolve_dns(opts)}
        self._known: dict[str, set[str]] = {}
        self._unsigned: dict[tuple[str, str], Return] = {}

    def minions(self, expression: str) -> list[str]:
        """Who matches a compound expression, up or not."""
        return [str(name) for name in self._call("minions", expression=expression)]

    def publish(
        self, function: str, arguments: Sequence[Any], minions: Sequence[str], jid: str = ""
    ) -> Job:
        """Send a job to minions by name. Raises MasterSilent, NotPermitted."""
        del jid  # of those that stand by, which nobody does here
        sent = self._call(
            "publish", function=function, arguments=list(arguments), names=list(minions)
        )
        return Job(sent["jid"], frozenset(sent["minions"]))

    def returns(self, jids: Sequence[str], seconds: float) -> list[Return]:
        """The returns to these jobs that are new, after waiting for one at most `seconds`."""
        jobs = {jid: sorted(self._known.setdefault(jid, set())) for jid in jids}
        found = [Return.from_json(one) for one in self._call("returns", jobs=jobs, seconds=seconds)]
        for one in found:
            self._known[one.jid].add(one.minion)
            if one.cached and not one.vouched:
                self._unsigned[one.jid, one.minion] = one
        return found

    def unsigned(self, jid: str, minion: str) -> Return | None:
        """The return that the master has in its job cache, if this minion need not sign it."""
        return self._unsigned.get((jid, minion))

    def desire(self, record: Mapping[str, Any]) -> None:
        """Have the master write down what a slot should have."""
        self._call("desire", record=dict(record))

    def facts(self) -> dict[str, Any]:
        """As who the master is spoken to."""
        return {"mode": "minion", "who": str(self._opts["id"]), "desired": ""}

    def refused(self) -> list[str]:
        """What the master does not let this minion do, each asked so that nothing is done."""
        return [
            f"git_deploy.{function}"
            for function, arguments in _IDLE.items()
            if self._answer(function, **arguments) == {}
        ]

    def _call(self, function: str, /, **arguments: Any) -> Any:
        return self._checked(function, self._answer(function, **arguments))

    def _answer(self, function: str, /, **arguments: Any) -> Any:
        import salt.channel.client
        from salt.exceptions import SaltClientError, SaltReqTimeoutError

        load = {
            "cmd": "minion_runner",
            "fun": f"git_deploy.{function}",
            # By name, since the master takes text that stands alone for YAML.
            "arg": [{"__kwarg__": True, **arguments}],
            "tmo": _ANSWER,
            "id": self._opts["id"],
            "no_parse": [],
        }
        try:
            with salt.channel.client.ReqChannel.factory(self._opts) as channel:
                return channel.send(load, timeout=_ANSWER + arguments.get("seconds", 0))
        except (SaltClientError, SaltReqTimeoutError) as error:
            raise MasterSilent("the salt-master does not answer") from error

    def _checked(self, function: str, answer: Any) -> Any:
        """The master answers {} to whom it does not let, and text when the function failed."""
        if answer == {}:
            raise NotPermitted(
                f"the master does not let the minion {self._opts['id']} run git_deploy.{function}"
            )
        if isinstance(answer, str):
            raise NotPermitted(f"git_deploy.{function} failed on the master: {_last(answer)}")
        return answer


def _first(master: str | Iterable[str]) -> str:
    return master if isinstance(master, str) else next(iter(master))


def _last(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else "it says nothing"


def may_use(opts: Mapping[str, Any]) -> bool:
    """Whether this user can speak for the minion: its key is for root, or who it runs as."""
    return os.access(Path(opts["pki_dir"]) / "minion.pem", os.R_OK)
