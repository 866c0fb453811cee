"""The service that runs what is deployed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from sartoris.agent.errors import Failure
from sartoris.agent.order import Order
from sartoris.agent.programs import Ended, Programs, inherited_environment, last_lines

_STATES = {0: "active", 1: "failed", 2: "failed", 3: "inactive"}  # of an init script, by the LSB
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Service:
    """The order's service on this target: systemd's where that runs, else an init script.

    Where `root` is not /, this machine's services are not the target's: it has init scripts only.
    """

    def __init__(self, order: Order, root: str) -> None:
        self._name, self._action = order.service, order.service_action
        self._programs = Programs(order.timeout)
        self._whole_machine = root == "/"
        script = self._name.removesuffix(".service")
        self._script = Path(root) / "etc/init.d" / script

    def act(self) -> dict[str, Any]:
        """Do what the order says; more fields for the outcome. Raises Failure."""
        systemd = self._whole_machine and Path("/run/systemd/system").is_dir()
        if not systemd and not self._script.is_file():
            raise self._failed("there is no such service on the target")
        if self._action == "status":
            return self._systemd_state() if systemd else self._script_state()
        code, output, _ = self._run(
            ["systemctl", "--quiet", "--no-ask-password", self._action, "--", self._name]
            if systemd
            else self._by_script()
        )
        if code != 0:
            ended = f"exit code {code}" if code > 0 else f"ended by signal {-code}"
            raise self._failed(f"{self._action} failed, {ended}", last_lines(output))
        return {}

    def _systemd_state(self) -> dict[str, Any]:
        properties = "--property=LoadState,ActiveState"
        show = ["systemctl", "show", properties, "--", self._name]
        code, output, errors = self._run(show, errors=subprocess.PIPE)
        lines = output.decode(errors="replace").splitlines()
        found = dict(line.partition("=")[::2] for line in lines)
        if code != 0 or found.get("LoadState") != "loaded":
            raise self._failed("there is no such service on the target", last_lines(errors))
        return {"message": found.get("ActiveState", "unknown")}

    def _script_state(self) -> dict[str, Any]:
        code, output, _ = self._run(self._by_script())
        if code not in _STATES:
            raise self._failed(f"its state is not known, exit code {code}", last_lines(output))
        return {"message": _STATES[code], "output": last_lines(output) if code else ""}

    def _by_script(self) -> list[str]:
        # Debian's `service` gives the script the environment that it has when the machine starts.
        if self._whole_machine:
            return ["service", self._script.name, self._action]
        return [os.fspath(self._script), self._action]

    def _run(self, command: list[str], errors: int = subprocess.STDOUT) -> Ended:
        path = ":".join(filter(None, (os.environ.get("PATH"), _SYSTEM_PATH)))
        environment = {**inherited_environment(), "PATH": path}
        try:
            return self._programs.run(
                command, cwd=Path("/"), environment=environment, errors=errors
            )
        except OSError as error:
            raise self._failed(os.strerror(error.errno or 0)) from error

    def _failed(self, why: str, output: str = "") -> Failure:
        return Failure("service-failed", f"service {self._name}: {why}", output)
