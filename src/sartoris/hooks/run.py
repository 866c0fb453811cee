"""Run the hooks of a phase: the site's common ones, then those of the prefix."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from sartoris.hooks.finding import Found, find_hooks, is_missed, reason_to_skip
from sartoris.hooks.listener import HookListener
from sartoris.hooks.phases import HookContext, Phase
from sartoris.hooks.program import run_program
from sartoris.hooks.report import HookCannotRun, HookFailed, HookReport

SYNC = "sync"

# What runs between a start and its tag: nothing has changed yet, so nothing is passed over.
BEFORE_THE_TAG = (
    Phase.PRE_START,
    Phase.PRE_PULL,
    Phase.POST_PULL,
    Phase.POST_TREE_UPDATE,
    Phase.POST_START,
    Phase.PRE_SYNC,
)
AFTER_THE_TAG = (Phase.POST_TAG, Phase.POST_SYNC, Phase.POST_FINISH)
_WAYS_BACK = ("revert", "abort")  # which a hook that cannot run must not stop


class Hooks:
    """The hooks of one site, run in one work tree.

    `directory` is `deploy.hook-dir`: without one there are no hooks. `timeout` is in seconds, 0 for
    none. `listener` is told of all that hooks do.
    """

    def __init__(
        self,
        directory: Path | None,
        work_tree: Path,
        *,
        timeout: float,
        listener: HookListener,
    ) -> None:
        self._directory = directory and Path(os.path.abspath(directory))  # noqa: PTH100
        self._work_tree = work_tree
        self._timeout = timeout
        self._listener = listener
        self._warned = False

    def run(self, phase: Phase, context: HookContext) -> None:
        """Run the hooks of `phase`. The first that fails is the last: raises `HookFailed`.
        Ctrl-C in one that has the terminal raises `KeyboardInterrupt`.

        Before the tag one that is wanted and cannot run raises `HookCannotRun`, and none has run.
        """
        if phase in BEFORE_THE_TAG:
            self.require(context, phase)
        for report in self._reports(phase, context, stops=True):
            if report.interrupted:
                raise KeyboardInterrupt
            if not report.ok:
                raise HookFailed(report, action=context.action)

    def require(self, context: HookContext, *phases: Phase) -> None:
        """Raises `HookCannotRun` where a hook of these phases is wanted and cannot run."""
        if self._directory is None or context.action in _WAYS_BACK:
            return
        if not self._directory.is_dir():
            reason = "deploy.hook-dir names it, and there is no such directory"
            raise self._cannot_run(self._directory, phases[0], reason, context)
        for phase in phases:
            for found in find_hooks(self._directory, phase, context.prefix):
                if found.missed:
                    raise self._cannot_run(found.path, phase, found.reason, context)

    def require_sync_hook(self, context: HookContext) -> None:
        """Raises `HookCannotRun` where the sync hook is wanted and cannot run: another way would be
        gone without it.
        """
        if self._directory is None:
            return
        path = self._directory / SYNC / f"{context.prefix}.sync"
        reason = reason_to_skip(path) if os.path.lexists(path) else ""
        if is_missed(path, SYNC, reason):
            raise self._cannot_run(path, SYNC, reason, context)

    def _cannot_run(
        self, path: Path, phase: str, reason: str, context: HookContext
    ) -> HookCannotRun:
        return HookCannotRun(HookReport(path, phase, problem=reason), action=context.action)

    def run_all(self, phase: Phase, context: HookContext) -> list[HookReport]:
        """Run the hooks of `phase`, all of them, whatever fails: where a way back must not stop."""
        return list(self._reports(phase, context, stops=False))

    def found(self, phase: Phase, context: HookContext) -> list[Found]:
        """The hooks that `run` would run, in their order."""
        if self._directory is None:
            return []
        found = find_hooks(self._directory, phase, context.prefix)
        return [hook for hook in found if not hook.reason]

    def sync_hook(self, prefix: str) -> Path | None:
        """The program that replaces our own sync for `prefix`, if the site has one."""
        if self._directory is None:
            return None
        path = self._directory / SYNC / f"{prefix}.sync"
        if not os.path.lexists(path):
            return None
        reason = reason_to_skip(path)
        if reason:
            self._listener.ended(HookReport(path, SYNC, skipped_reason=reason))
            return None
        return path

    def run_sync_hook(
        self,
        path: Path,
        context: HookContext,
        environment: Mapping[str, str],
        *,
        meanwhile: Callable[[], None],
    ) -> HookReport:
        """Run the sync hook, with `environment` (`DEPLOY_...`) beside what every hook is told.

        `meanwhile` is called a few times a second until it has ended, and once more then.
        """
        variables = {**context.environment(SYNC, context.prefix), **environment}
        ran = self._run(path, SYNC, variables, meanwhile)
        report = self._reported(replace(ran, stops=True))
        if report.interrupted:
            raise KeyboardInterrupt
        return report

    def _reports(self, phase: Phase, context: HookContext, *, stops: bool) -> Iterator[HookReport]:
        if self._directory is None:
            return
        if not self._directory.is_dir():
            yield from self._missing_directory(self._directory, phase)
        for found in find_hooks(self._directory, phase, context.prefix):
            yield self._reported(replace(self._report(found, phase, context), stops=stops))

    def _report(self, found: Found, phase: Phase, context: HookContext) -> HookReport:
        if found.reason or found.problem:
            return HookReport(found.path, phase, skipped_reason=found.reason, problem=found.problem)
        return self._run(found.path, phase, context.environment(phase, found.prefix))

    def _run(
        self,
        path: Path,
        phase: str,
        environment: Mapping[str, str],
        meanwhile: Callable[[], None] | None = None,
    ) -> HookReport:
        self._listener.started(phase, path)
        ended = run_program(
            path,
            directory=self._work_tree,
            environment=environment,
            timeout=self._timeout,
            show=lambda output: self._listener.wrote(phase, path, output),
            meanwhile=meanwhile,
        )
        return HookReport(path, phase, **asdict(ended))

    def _missing_directory(self, directory: Path, phase: Phase) -> Iterator[HookReport]:
        """One warning, not one for each phase of the rollout."""
        if not self._warned:
            self._warned = True
            reason = "deploy.hook-dir names it, and there is no such directory"
            yield self._reported(HookReport(directory, phase, skipped_reason=reason))

    def _reported(self, report: HookReport) -> HookReport:
        self._listener.ended(report)
        return report
