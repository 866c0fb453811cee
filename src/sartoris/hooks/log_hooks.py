"""Runs the `log` hooks at each turn of a rollout that is announced."""

from __future__ import annotations

from collections.abc import Mapping

from sartoris.events import Announced, Event
from sartoris.hooks.phases import HookContext, Phase
from sartoris.hooks.run import Hooks


class LogHooks:
    """A listener. Hooks that fail are reported, and stop nothing.

    `variables` are what hooks find in their environment beside the turn itself; they may change.
    """

    def __init__(self, hooks: Hooks, variables: Mapping[str, str]) -> None:
        self._hooks = hooks
        self._variables = variables

    def __call__(self, event: Event) -> None:
        if isinstance(event, Announced):
            self._hooks.run_all(Phase.LOG, self._context(event))

    def _context(self, event: Announced) -> HookContext:
        turn = {
            "GIT_DEPLOY_LOG_LEVEL": event.level,
            "GIT_DEPLOY_LOG_MESSAGE": event.message,
            "GIT_DEPLOY_LOG_ANNOUNCE": str(int(event.announce)),
        }
        return HookContext(
            action=event.topic,
            prefix=event.prefix,
            start_tag=event.start_tag,
            rollout_tag=event.rollout_tag,
            extra={**self._variables, **turn},
        )
