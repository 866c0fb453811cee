"""The programs that a release brings along for its targets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sartoris.agent.errors import Failure
from sartoris.agent.order import Order
from sartoris.agent.place import Place
from sartoris.agent.programs import Programs, inherited_environment, last_lines


def run_hooks(kind: str, tree: Path, order: Order, place: Place, programs: Programs) -> bool:
    """Run the release's deploy/target/KIND.* in name order; whether there were any."""
    hooks = hooks_in(tree, kind)
    environment = {
        **inherited_environment(),
        "GIT_DEPLOY_RELEASE": order.release,
        "GIT_DEPLOY_COMMIT": order.commit,
        "GIT_DEPLOY_SLOT": order.slot,
        "GIT_DEPLOY_REPOSITORY": order.repository,
        "GIT_DEPLOY_PATH": os.fspath(place.path),
    }
    for hook in hooks:
        _run_hook(hook, kind, tree, environment, programs)
    return bool(hooks)


def hooks_in(tree: Path, kind: str) -> list[Path]:
    """The deploy/target/KIND.* of the release in `tree`, in the order in which they run."""
    directory = tree / "deploy" / "target"
    if not directory.is_dir():
        return []
    return [hook for hook in sorted(directory.iterdir()) if _is_hook(hook, kind)]


def _is_hook(path: Path, kind: str) -> bool:
    named = path.name.startswith(f"{kind}.") and not path.name.endswith((".bak", "~"))
    return named and path.is_file() and os.access(path, os.X_OK)


def _run_hook(
    hook: Path, kind: str, tree: Path, environment: Mapping[str, str], programs: Programs
) -> None:
    shown = f"deploy/target/{hook.name}"
    try:
        # A live hook may start a service that stays: it must not keep the slot locked.
        command, hold = [os.fspath(hook)], kind == "prepare"
        code, output, _ = programs.run(command, cwd=tree, environment=environment, hold_lock=hold)
    except OSError as error:
        message = f"{shown} cannot be started: {os.strerror(error.errno or 0)}"
        raise Failure(f"{kind}-failed", message) from error
    if code != 0:
        ended = f"exited with {code}" if code > 0 else f"was ended by signal {-code}"
        raise Failure(f"{kind}-failed", f"{shown} {ended}", last_lines(output))
    if output.strip():
        text = last_lines(output).replace("\n", "\n  ")
        programs.told.append(f"{shown}:\n  {text}")
