"""The site's hooks: which would run, and which would be skipped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sartoris.diagnostics import Finding, ok, warning, wrong
from sartoris.formatting import plural
from sartoris.hooks import Phase
from sartoris.hooks.finding import COMMON, Found, find_hooks, is_missed, reason_to_skip
from sartoris.hooks.report import HookCannotRun, HookReport
from sartoris.permissions import how_to_make, let
from sartoris.rollout.site import Site
from sartoris.shell import command


def found(site: Site) -> Iterator[Finding]:
    directory = site.config.hook_dir
    if directory is None:
        yield ok("hooks", "none: deploy.hook-dir is not set")
        return
    directory = site.repository.top / directory
    if not directory.is_dir():
        place = directory if os.path.lexists(directory) else directory / "apps" / COMMON
        step = how_to_make(place)
        yield wrong("hooks", f"deploy.hook-dir is {directory}: there is no such directory", step)
        return
    hooks = [*_of_phases(directory), *_of_sync(directory)]
    count = sum(not (hook.reason or hook.problem) for hook in hooks)
    yield ok("hooks", f"{plural(count, 'hook')} in {directory}")
    yield from (_finding(hook) for hook in hooks if hook.reason or hook.problem)
    yield from _of_no_phase(directory)


def _finding(hook: Found) -> Finding:
    if hook.problem:
        step = command("ls", "-ld", str(hook.path))
        return wrong("hooks", f"{hook.path} {hook.problem}: no rollout gets past it", step)
    fix = command("ls", "-l", str(hook.path))
    if hook.missed:
        error = HookCannotRun(
            HookReport(hook.path, hook.prefix, problem=hook.reason), action="start"
        )
        return wrong("hooks", f"{error.message}: no rollout gets past it", *error.next_steps[:-1])
    if hook.path.is_file() and not hook.path.name.endswith((".bak", "~")):
        fix = let(hook.path.stat().st_uid, command("chmod", "+x", str(hook.path)))
    return warning("hooks", f"{hook.path} is skipped: {hook.reason}", fix)


def _of_phases(directory: Path) -> list[Found]:
    """The hooks of every prefix that has a directory, and of every phase."""
    prefixes = [COMMON, *(place.name for place in _places(directory) if place.name != COMMON)]
    hooks = {
        hook.path: hook
        for prefix in prefixes
        for phase in Phase
        for hook in find_hooks(directory, phase, prefix)
    }
    return list(hooks.values())


def _of_sync(directory: Path) -> list[Found]:
    paths = sorted((directory / "sync").glob("*.sync"))
    return [_sync_hook(path) for path in paths]


def _sync_hook(path: Path) -> Found:
    reason = reason_to_skip(path)
    return Found(path, "sync", reason, missed=is_missed(path, "sync", reason))


def _of_no_phase(directory: Path) -> Iterator[Finding]:
    phases = tuple(f"{phase}." for phase in Phase)
    for place in _places(directory):
        for path in _listed(place):
            if path.is_file() and not path.name.startswith((*phases, ".")):
                known = ", ".join(Phase)
                text = (
                    f"{path} never runs: its name does not begin with a phase and a dot ({known})"
                )
                yield warning("hooks", text, command("ls", str(path.parent)))


def _places(directory: Path) -> list[Path]:
    apps = directory / "apps"
    return [place for place in _listed(apps) if place.is_dir()]


def _listed(directory: Path) -> list[Path]:
    """What is in a directory; nothing where it cannot be read, which is told elsewhere."""
    try:
        return sorted(directory.iterdir())
    except OSError:
        return []
