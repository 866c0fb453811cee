"""States applied to a directory that stands for a machine's `/`, without a master."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sartoris.salt.formula import export
from tests.salt.cluster import program
from tests.salt.metadata import hide_sartoris


@dataclass(frozen=True)
class Applied:
    """What `state.apply` did: of each state whether it worked (None: it would), and its changes."""

    states: Mapping[str, Mapping[str, Any]]
    code: int

    @property
    def failed(self) -> list[str]:
        return [f"{key}: {one['comment']}" for key, one in self.states.items() if not _good(one)]

    @property
    def changed(self) -> list[str]:
        return [key for key, one in self.states.items() if one["changes"] or one["result"] is None]

    @property
    def in_order(self) -> list[str]:
        """The states in the order in which they ran."""
        return sorted(self.states, key=lambda key: self.states[key]["__run_num__"])


def _good(state: Mapping[str, Any]) -> bool:
    return state["result"] is not False


def applied(document: Any, code: int) -> Applied:
    """What was printed by `salt-call state.apply`."""
    states = document["local"]
    assert isinstance(states, dict), states
    return Applied(states, code)


class Scratch:
    """A machine: `root` stands for its `/`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root = directory / "root"
        self.root.mkdir(parents=True)
        export(directory / "files")
        (directory / "minion").write_text(
            json.dumps(
                {
                    "id": "scratch",
                    "root_dir": str(directory),
                    "file_client": "local",
                    "file_roots": {"base": [str(directory / "files")]},
                    "states_dirs": [str(directory / "files" / "_states")],
                    "git_deploy.root": str(self.root),
                    "log_level_logfile": "quiet",
                }
            )
        )

    def apply(self, state: str, pillar: Mapping[str, Any], test: bool = False) -> Applied:
        """`state.apply`; nothing of the machine itself counts, nor is it installed on."""
        return applied(*self._call("state.apply", state, pillar, f"test={test}"))

    def states(self, state: str, pillar: Mapping[str, Any]) -> Mapping[str, Any]:
        """What `state.apply` would have before it: for what must not be done to this machine."""
        document, _ = self._call("state.show_sls", state, pillar)
        states = document["local"]
        assert isinstance(states, dict), states
        return states

    def refusal(self, state: str, pillar: Mapping[str, Any]) -> str:
        """Why a state does not render with this pillar."""
        document, _ = self._call("state.show_sls", state, pillar)
        assert isinstance(document["local"], list), document
        return "\n".join(document["local"])

    def _call(
        self, function: str, state: str, pillar: Mapping[str, Any], *more: str
    ) -> tuple[Any, int]:
        ours = {"sartoris": {"packages": [], "services": False, **pillar}}
        command = [
            *(str(program("salt-call")), "--local", "--config-dir", str(self.directory)),
            *("--out=json", "--log-level=quiet", "--retcode-passthrough"),
            *(function, state, f"pillar={json.dumps(ours)}", *more),
        ]
        environment = hide_sartoris(self.directory / "hidden", dict(os.environ))
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, cwd="/"
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout), done.returncode

    def settle(self, state: str, pillar: Mapping[str, Any]) -> Applied:
        """Apply a state three times: as a test, for real, and again, which changes nothing."""
        before = sorted(self.root.rglob("*"))
        would = self.apply(state, pillar, test=True)
        assert would.failed == []
        assert sorted(self.root.rglob("*")) == before
        did = self.apply(state, pillar)
        assert did.failed == []
        again = self.apply(state, pillar)
        assert (again.failed, again.changed) == ([], [])
        return did

    def mode(self, path: str) -> str:
        """As `2775`, with the owner's and the group's names."""
        found = self.root / path
        return f"{found.stat().st_mode & 0o7777:o} {found.owner()} {found.group()}"
