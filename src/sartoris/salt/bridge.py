"""A process of its own that speaks Salt, for `sartoris.transports.salt`.

It reads requests from standard input and writes answers to standard output, JSON, one a line:

    {"ask": "fleet", "targets": EXPRESSION}            {"fleet": [NAME, ...]}
    {"ask": "order", "order": {...}, "minions": [...]}  {"outcome": {...}} for each
    {"ask": "beside", "minions": [...]}                 {"outcome": {...}} for each
    {"ask": "desire", "record": {...}}
    {"ask": "facts"}                                    {"facts": {...}}
    {"ask": "refused"}                                  {"refused": [FUNCTION, ...]}

and {"done": true} at the end, or {"failed": MESSAGE, "kind": ERROR} when it cannot.

It is a process, because Salt takes its time to be imported, which passes while the release is
composed and published; because it sets up logging, signals and event loops to its own liking; and
because on a deployment server that is only a minion it may have to run as another user (`sudo`),
who can read the minion's key.
"""

from __future__ import annotations

import getpass
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn, Protocol, TextIO

from sartoris.agent.actions import ACTIONS
from sartoris.salt.on_master import LocalMasterClient
from sartoris.salt.peer import PeerWire, may_use
from sartoris.salt.runner.dispatch import Dispatch, MasterSilent, Wire
from sartoris.salt.runner.master import NotPermitted
from sartoris.salt.runner.records import Conflict, NewerRecord
from sartoris.salt.runner.waiting import WaitingMinions


class MasterClient(Wire, Protocol):
    """A wire, and what else is asked of the master."""

    tells_progress: bool  # whether `returns` also has who waits for the switch

    def minions(self, expression: str) -> list[str]: ...
    def desire(self, record: Mapping[str, Any]) -> None: ...
    def facts(self) -> dict[str, Any]: ...
    def refused(self) -> list[str]: ...


class NoSalt(Exception):
    """Neither a master nor a minion is set up here."""


def master_client(directory: Path) -> MasterClient:
    """The master's own client where a master is, the peer system where only a minion is."""
    if (directory / "master").is_file():
        client = LocalMasterClient.of(directory / "master")
        if not client.is_for_us and _sudo_allows(directory):
            _become_root(directory)
        return client
    if (directory / "minion").is_file():
        import salt.config

        opts = salt.config.minion_config(str(directory / "minion"))
        if not may_use(opts):
            _become_root(directory)
        return PeerWire(opts)
    raise NoSalt(f"{directory} has the configuration of neither a master nor a minion")


def _sudo_allows(directory: Path) -> bool:
    command = ["sudo", "-n", "-l", *_bridge(directory)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _bridge(directory: Path) -> list[str]:
    """The command of the rule in sudoers, exactly; `-I` keeps the caller's files out of it."""
    # Not sys.executable, which is called as whoever installed a script wrote into its first line.
    python = str(Path(sys.prefix) / "bin" / "python3")
    return [python, "-I", "-m", "sartoris.salt.bridge", str(directory)]


def _become_root(directory: Path) -> NoReturn:
    """Start this program anew as a user who can read the keys, where sudo allows it."""
    command = ["sudo", "-n", *_bridge(directory)]
    try:
        os.execvp(command[0], command)
    except OSError as error:
        raise NotPermitted(
            f"the key of this minion is not for {getpass.getuser()}, and there is no sudo"
        ) from error


def answers(
    salt: MasterClient, waiting: WaitingMinions | None, request: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """What is answered to one request. `waiting` is kept from one to the next."""
    if request["ask"] == "fleet":
        yield {"fleet": salt.minions(request["targets"])}
    elif request["ask"] == "facts":
        from salt.version import __version__ as version

        yield {"facts": {**salt.facts(), "salt": str(version), "python": sys.executable}}
    elif request["ask"] == "refused":
        yield {"refused": salt.refused()}
    elif request["ask"] == "order":
        order = request["order"]
        if order["action"] not in ACTIONS:
            raise NotPermitted(f"no action of git_deploy: {order['action']}")
        function = f"git_deploy.{order['action']}"
        dispatch = Dispatch(salt, function, order, waiting=waiting)
        for outcome in dispatch.to(request["minions"]):
            yield {"outcome": outcome}
    elif request["ask"] == "beside":
        for outcome in Dispatch(salt, "git_deploy.beside", {}).to(request["minions"]):
            yield {"outcome": outcome}
    else:
        salt.desire(request["record"])
    yield {"done": True}


def main() -> int:
    """`python -m sartoris.salt.bridge DIRECTORY`, Salt's configuration directory."""
    logging.disable(logging.WARNING)  # Salt keeps every line until it is told where to write it
    # Salt prints some of its errors; they are not to stand between the answers.
    say, sys.stdout = _answers_to(sys.stdout), sys.stderr
    try:
        salt = master_client(Path(sys.argv[1]))
    except (ImportError, NoSalt, MasterSilent, NotPermitted, OSError) as error:
        say(_failure(error))
        return 1
    waiting = WaitingMinions() if salt.tells_progress else None
    for line in sys.stdin:
        try:
            for answer in answers(salt, waiting, json.loads(line)):
                say(answer)
        except (MasterSilent, NotPermitted, Conflict, NewerRecord, OSError) as error:
            say(_failure(error))
    return 0


def _answers_to(stream: TextIO) -> Callable[[Mapping[str, Any]], None]:
    def say(answer: Mapping[str, Any]) -> None:
        stream.write(json.dumps(answer) + "\n")
        stream.flush()

    return say


def _failure(error: Exception) -> dict[str, Any]:
    return {"failed": str(error), "kind": type(error).__name__}


if __name__ == "__main__":
    sys.exit(main())
