"""The `log` hooks run at each turn that is announced."""

from __future__ import annotations

from sartoris.events import Announced, Noted
from sartoris.hooks.log_hooks import LogHooks

from .conftest import HookSite


def test_they_get_the_turn_and_the_rollout_in_their_environment(site: HookSite) -> None:
    site.add("apps/slot0/log.1", "env | grep DEPLOY_ | sort >> ran")
    turn = Announced(
        message="slot0 is at slot0-2 now",
        level="warning",
        announce=False,
        topic="sync",
        prefix="slot0",
        start_tag="slot0-1",
        rollout_tag="slot0-2",
    )

    LogHooks(site.hooks(), {"DEPLOY_ROLLOUT_TAG": "slot0-2"})(turn)

    assert set(site.ran) >= {
        "DEPLOY_ROLLOUT_TAG=slot0-2",
        "GIT_DEPLOY_ACTION=sync",
        "GIT_DEPLOY_LOG_ANNOUNCE=0",
        "GIT_DEPLOY_LOG_LEVEL=warning",
        "GIT_DEPLOY_LOG_MESSAGE=slot0 is at slot0-2 now",
        "GIT_DEPLOY_PHASE=log",
        "GIT_DEPLOY_PREFIX=slot0",
        "GIT_DEPLOY_ROLLOUT_TAG=slot0-2",
        "GIT_DEPLOY_START_TAG=slot0-1",
    }


def test_one_that_fails_is_reported_and_stops_nothing(site: HookSite) -> None:
    site.add("apps/common/log.1", "exit 3")
    site.add("apps/common/log.2", "echo 2 >> ran")

    LogHooks(site.hooks(), {})(Announced(message="m", topic="sync", prefix="slot0"))

    assert [report.exit_code for report in site.told] == [3, 0]
    assert site.ran == ["2"]


def test_nothing_else_runs_them(site: HookSite) -> None:
    site.add("apps/common/log.1", "echo 1 >> ran")

    LogHooks(site.hooks(), {})(Noted(message="m"))

    assert site.ran == []
