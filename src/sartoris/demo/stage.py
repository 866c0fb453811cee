"""Where the demo plays: a directory, and a narrator that prints each command as it runs it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from sartoris.errors import SartorisError


class DemoFailed(SartorisError):
    """A command of the demo did not do what it does on every machine."""


@dataclass
class Stage:
    """Runs commands in `directory` and below, with a git configuration of its own."""

    directory: Path

    def say(self, text: str) -> None:
        click.secho(f"\n# {text}", bold=True)

    def run(self, *command: str, at: str = "", expect: int = 0) -> None:
        """Print and run one command. Raises `DemoFailed` if it does not exit with `expect`."""
        where = self.directory / at
        click.secho(f"$ {shlex.join(command)}", fg="green")
        sys.stdout.flush()
        code = subprocess.run(command, cwd=where, env=self.environment(), check=False).returncode
        if code != expect:
            raise DemoFailed(
                f"`{shlex.join(command)}` exited with {code}; {expect} was expected",
                next_steps=[f"cd {shlex.quote(str(where))}", shlex.join(command)],
            )
        if expect:
            click.echo(f"(exit code {code})")

    def quietly(self, *command: str, at: str = "") -> None:
        """Run a command of the set-up, which is not worth printing."""
        done = subprocess.run(
            command,
            cwd=self.directory / at,
            env=self.environment(),
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise DemoFailed(f"`{shlex.join(command)}` failed:\n{done.stderr.rstrip()}")

    def write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def edit(self, name: str, text: str) -> None:
        """Print an edit, and make it."""
        click.secho(f"$ echo {shlex.quote(text)} > {name.split('/', 1)[1]}", fg="green")
        self.write(name, text + "\n")

    def environment(self) -> dict[str, str]:
        """This process's, with the executables of this installation first, and no user's git
        configuration: the demo is the same for everyone.
        """
        kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        return {
            **kept,
            "PATH": os.pathsep.join([str(executables()), os.environ.get("PATH", os.defpath)]),
            "GIT_CONFIG_GLOBAL": str(self.directory / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
        }


def executables() -> Path:
    """Where this installation's `git-deploy` is."""
    return Path(sys.executable).parent


def fresh_directory(path: Path) -> Path:
    """An empty directory, made if it is not there. Raises `DemoFailed` if something is in it."""
    path.mkdir(parents=True, exist_ok=True)
    if any(path.iterdir()):
        raise DemoFailed(
            f"{path} is not empty, and the demo wants a place of its own",
            next_steps=["sartoris demo NEW-DIRECTORY"],
        )
    return path.resolve()
