"""The bridge's way on the master's own machine."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import types
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from sartoris.agent.actions import ACTIONS
from sartoris.salt.runner.master import MasterWire, NotPermitted
from sartoris.salt.runner.records import SlotRecords, record_of

_ANSWER = 15  # seconds
_FUNCTIONS = tuple(f"git_deploy.{action}" for action in ACTIONS)


class LocalMasterClient(MasterWire):
    """The master's wire, and what else is asked of the master."""

    tells_progress = True  # by the event bus

    @property
    def is_for_us(self) -> bool:
        """Whether this user may read the minions' keys; the others may at best publish."""
        keys = Path(self._opts["pki_dir"]) / "minions"
        return os.geteuid() == 0 or os.access(keys, os.R_OK | os.X_OK)

    @classmethod
    def of(cls, file: Path) -> LocalMasterClient:
        """As the master's configuration file says."""
        import salt.config

        _import_event_bus()
        # Without a name for the master Salt would look for one on all interfaces and in DNS.
        defaults = {**salt.config.DEFAULT_MASTER_OPTS, "id": socket.gethostname()}
        return cls(salt.config.client_config(str(file), defaults=defaults))

    def facts(self) -> dict[str, Any]:
        """As who the master is spoken to, and a directory that this user may not write to."""
        directory = SlotRecords.of(self._opts).directory
        may = os.access(directory, os.W_OK | os.X_OK)
        who = str(self._client.salt_user)
        return {"mode": "master", "who": who, "desired": "" if may else str(directory)}

    def _key_of(self, minion: str) -> bytes:
        try:
            return super()._key_of(minion)
        except PermissionError:
            return self._told_keys.get(minion, b"")

    @cached_property
    def _told_keys(self) -> dict[str, bytes]:
        """The accepted keys as the master tells them to who may publish; {} when it does not."""
        import salt.channel.client
        from salt.exceptions import SaltException

        # Arguments apart: else Salt takes `who` for arguments of the function, too.
        question = {"cmd": "wheel", "fun": "key.print", "arg": ["*"], "kwarg": {}}
        who = {"user": self._client.salt_user, "key": self._client.key}
        master = f"tcp://{_address(self._opts['interface'])}:{self._opts['ret_port']}"
        try:
            with salt.channel.client.ReqChannel.factory(
                self._opts, crypt="clear", master_uri=master
            ) as channel:
                answer = channel.send({**question, **who}, timeout=_ANSWER)
            keys = answer["data"]["return"]["minions"]
        except (SaltException, OSError, LookupError, TypeError):
            return {}  # then nobody is believed
        return {str(name): str(key).encode() for name, key in keys.items()}

    def refused(self) -> list[str]:
        """What the master does not let this user do, each asked of no minion.

        Raises NotPermitted when it does not even let them listen.
        """
        return [function for function in _FUNCTIONS if not self._may(function)]

    def _may(self, function: str) -> bool:
        self._listen()
        try:
            self._publish([], "list", function, [])
        except NotPermitted:
            return False
        return True

    def desire(self, record: Mapping[str, Any]) -> None:
        SlotRecords.of(self._opts).write(record_of(record))


def _address(interface: str) -> str:
    """As in a URL."""
    return f"[{interface}]" if ":" in interface else interface


def _import_event_bus() -> None:
    """Import what listens to the master, without the master.

    The module for it imports `salt.master`, uses nothing of it, and takes thereby as long as all
    else of Salt that a client needs.
    """
    if "salt.master" in sys.modules:
        return
    sys.modules["salt.master"] = types.ModuleType("salt.master")
    # A Salt that does use it imports the module again, when it connects.
    with contextlib.suppress(ImportError, AttributeError):
        import salt.transport.tcp  # noqa: F401
    del sys.modules["salt.master"]
