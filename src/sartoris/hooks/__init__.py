"""Hooks: the site's own programs, run on the deployment server at each phase of a rollout."""

from sartoris.hooks.phases import HookContext, Phase
from sartoris.hooks.report import HookFailed, HookReport
from sartoris.hooks.run import Hooks

__all__ = ["HookContext", "HookFailed", "HookReport", "Hooks", "Phase"]
