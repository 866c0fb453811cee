"""The phases at which hooks run, and what a hook finds in its environment (docs/hooks.md)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sartoris.git.environment import without_repository


class Phase(StrEnum):
    """The points of a rollout at which hooks run."""

    PRE_START = "pre-start"
    POST_START = "post-start"
    PRE_PULL = "pre-pull"
    POST_PULL = "post-pull"
    POST_TREE_UPDATE = "post-tree-update"
    PRE_SYNC = "pre-sync"
    POST_TAG = "post-tag"
    POST_SYNC = "post-sync"
    POST_FINISH = "post-finish"
    POST_ABORT = "post-abort"
    POST_RESET = "post-reset"
    LOG = "log"


# Everything that a hook may find; what is not set for it must not come from a rollout around us.
VARIABLES = (
    "GIT_DEPLOY_ACTION",
    "GIT_DEPLOY_PHASE",
    "GIT_DEPLOY_PREFIX",
    "GIT_DEPLOY_HOOK_PREFIX",
    "GIT_DEPLOY_START_TAG",
    "GIT_DEPLOY_ROLLOUT_TAG",
    "GIT_DEPLOY_LOG_LEVEL",
    "GIT_DEPLOY_LOG_MESSAGE",
    "GIT_DEPLOY_LOG_ANNOUNCE",
    "GIT_DEPLOY_RESULT",
    "DEPLOY_ROLLOUT_TAG",
    "DEPLOY_ROLLBACK_TAG",
    "DEPLOY_DEPLOY_FILE",
    "DEPLOY_DEPLOY_TEXT",
    "DEPLOY_ROLLOUT_PREFIX",
    "GIT_DEPLOY_PROCESS",
    "GIT_DEPLOY_ADOPT",
    "GIT_DEPLOY_MAX_FAILED",
    "GIT_DEPLOY_WITHOUT",
    "GIT_DEPLOY_LEAVE",
)


@dataclass(frozen=True)
class HookContext:
    """What the hooks of one phase are told.

    The tags are "" while there are none: their variables are not set then. `extra` are more
    variables, such as those of the `log` phase.
    """

    action: str
    prefix: str
    start_tag: str = ""
    rollout_tag: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)

    def environment(self, phase: str, hook_prefix: str) -> dict[str, str]:
        """The whole environment of a hook of `hook_prefix` (`common`, or the prefix) in `phase`."""
        inherited = without_repository(os.environ)
        mine = {name: value for name, value in inherited.items() if name not in VARIABLES}
        variables = {
            "GIT_DEPLOY_ACTION": self.action,
            "GIT_DEPLOY_PHASE": str(phase),
            "GIT_DEPLOY_PREFIX": self.prefix,
            "GIT_DEPLOY_HOOK_PREFIX": hook_prefix,
        }
        tags = {
            "GIT_DEPLOY_START_TAG": self.start_tag,
            "GIT_DEPLOY_ROLLOUT_TAG": self.rollout_tag,
        }
        return {
            **mine,
            **variables,
            **{name: tag for name, tag in tags.items() if tag},
            **self.extra,
        }
