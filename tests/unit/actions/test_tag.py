"""`git deploy tag` in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.actions.tag import tag
from sartoris.errors import Refused
from sartoris.rollout.checks import TagsNotAllowed
from tests.unit.actions.world import World


@pytest.fixture
def allowed(tmp_path: Path) -> World:
    return World(tmp_path, settings={"can_make_tags": True})


def test_it_tags_and_pushes_outside_of_any_rollout(allowed: World) -> None:
    with allowed.command("tag") as command:
        name = tag(command)
    assert allowed.repository.names == {name: allowed.repository.head()}
    assert allowed.repository.pushed == {name}
    assert allowed.did == [f"make-tag {name}", "hook post-tag", f"push-tags {name}"]
    assert allowed.status().kind == "none"


@pytest.mark.parametrize("what", ["make-tag", "post-tag", "push-tags"])
def test_what_fails_leaves_no_tag(allowed: World, what: str) -> None:
    allowed.broken = {what}
    with allowed.command("tag") as command, pytest.raises(Refused):
        tag(command)
    assert allowed.repository.names == {}


def test_it_needs_a_permission(world: World) -> None:
    with world.command("tag") as command, pytest.raises(TagsNotAllowed):
        tag(command)
    assert world.did == []
