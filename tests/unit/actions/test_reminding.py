"""What was done in an emergency is not forgotten: changes that did not ship, commits to push."""

from __future__ import annotations

import time

import pytest

from sartoris.display.reporting import report_lines
from sartoris.queries.not_pushed import not_pushed, tag_is_not_pushed
from sartoris.queries.report import report
from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World


@pytest.fixture
def emergency(world: World) -> World:
    """A commit that is live, and nowhere but here."""
    world.repository.commit(push=False)
    enter(world, "start", remote=False)
    assert enter(world, "sync", remote=False).succeeded
    return world


def push_of(world: World) -> str:
    assert world.desired is not None
    release, source = world.desired.release, world.desired.source[:12]
    return f"git push origin {source}:main {release}"


def test_the_sync_names_the_push_of_commit_and_tag(emergency: World) -> None:
    assert push_of(emergency) in emergency.warnings()[-1]
    assert "is live, and not pushed" in emergency.warnings()[-1]


def test_a_later_start_reminds_until_the_remote_has_it(emergency: World) -> None:
    for is_pushed in (False, True):
        emergency.events.clear()
        if is_pushed:
            emergency.repository.upstream_tip = emergency.repository.head()
        enter(emergency, "start", remote=is_pushed)
        reminded = any(push_of(emergency) in line for line in emergency.warnings())
        assert reminded is not is_pushed
        enter(emergency, "abort")


def test_a_report_names_it(emergency: World) -> None:
    with emergency.command("report") as command:
        text = "\n".join(one.text for one in report_lines(report(command), time.time()))
    assert f"Next: {push_of(emergency)}" in text


def test_of_a_commit_that_is_pushed_the_tag_is_named(world: World) -> None:
    enter(world, "start", remote=False)
    enter(world, "sync", remote=False)
    assert world.desired is not None
    tag = world.desired.release
    assert world.warnings()[-1] == f"{tag} is not pushed:\ngit push origin {tag}"
    assert tag_is_not_pushed(world.records, tag)


def test_an_ordinary_sync_reminds_of_nothing(world: World) -> None:
    enter(world, "start")
    enter(world, "sync")
    assert world.warnings() == []
    assert world.desired is not None
    assert not_pushed(world.site(), world.records, "slot0") is None
    assert not tag_is_not_pushed(world.records, world.desired.release)


def test_what_is_not_committed_and_so_not_in_the_release_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.repository, "changes", lambda **_: [" M a.css", "?? b.css"])
    enter(world, "start", check_clean=False)
    world.events.clear()
    assert enter(world, "sync", check_clean=False).succeeded
    assert any("not in it: 2 changes" in line and " M a.css" in line for line in world.warnings())
