"""What a start tells of what is live, and when it asks whether it is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from sartoris.actions.choice import NoSuchRelease, choose, release_before
from sartoris.actions.start import hotfix, start
from sartoris.events import ComparedToLive
from sartoris.rollout.asking import NotConfirmed
from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World


@pytest.fixture
def twice(world: World) -> World:
    """A world in which two releases were made; the second is live."""
    for _ in range(2):
        ship(world)
    return world


def ship(world: World) -> str:
    world.repository.commit()
    assert enter(world, "start").succeeded
    assert enter(world, "sync").succeeded
    assert world.desired is not None
    return world.desired.release


class Asked(list[str]):
    """Who is asked, and says no."""

    def __call__(self, question: str, *, instead: Sequence[str] = ()) -> None:
        self[:] = [question, *instead]
        raise NotConfirmed("no")


def said_no_to(world: World, action: object, **settings: object) -> list[str]:
    """The question that an action asked, and what it offered instead; [] if it asked nothing."""
    asked = Asked()
    world.config = replace(world.config, **settings)  # type: ignore[arg-type]
    try:
        with world.command("start") as command:
            (start if action == "start" else hotfix)(replace(command, ask=asked))
    except NotConfirmed:
        assert world.status().kind == "none", "a no leaves everything as it was"
    return asked


def compared(world: World) -> ComparedToLive:
    return next(one for one in reversed(world.events) if isinstance(one, ComparedToLive))


def test_it_tells_what_is_live_and_what_is_new(twice: World) -> None:
    twice.repository.commit_upstream()
    twice.repository.commit_upstream()
    assert enter(twice, "start").succeeded
    told, live = compared(twice), twice.desired
    assert live is not None
    assert (told.branch, told.release, told.base) == ("main", live.release, live.source)
    assert (told.by.split(" <")[0], told.new_count, told.gone_count) == ("Some Deployer", 2, 0)
    assert told.since == live.since


def test_where_nothing_is_live_it_tells_the_branch_and_asks_nothing(world: World) -> None:
    assert said_no_to(world, "start") == []
    assert (compared(world).branch, compared(world).release) == ("main", "")


def test_newer_commits_of_the_same_branch_are_no_question(twice: World) -> None:
    twice.repository.commit_upstream()
    assert said_no_to(twice, "start") == []


def test_commits_that_would_go_are_a_question_and_named(twice: World) -> None:
    twice.repository.checked_out = twice.repository.upstream_tip = "000000000002".ljust(40, "0")
    (question,) = said_no_to(twice, "start")
    assert "1 commit: commit 3 (live now) would go" in question


def test_another_branch_than_the_configured_one_is_a_question(twice: World) -> None:
    (question,) = said_no_to(twice, "start", branch="release")
    assert "this is branch main, and release is what is deployed" in question


def test_another_branch_than_that_of_the_last_release_is_a_question(
    twice: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twice.repository, "branch", lambda: "topic")
    (question,) = said_no_to(twice, "start")
    assert "this is branch topic, and main is what is deployed" in question
    assert said_no_to(twice, "start", branch="topic") == []


def test_a_hotfix_of_what_is_live_is_no_question(twice: World) -> None:
    assert said_no_to(twice, "hotfix") == []


def test_a_hotfix_of_anything_else_names_what_would_ship_and_the_way_to_what_is_live(
    twice: World,
) -> None:
    live = twice.desired
    assert live is not None
    twice.repository.commit()
    question, step = said_no_to(twice, "hotfix")
    assert "1 commit: commit 4 (not live) would ship with the fix" in question
    assert step.startswith(f"git reset --keep {live.source[:12]} ")


def test_what_was_never_pushed_is_kept_first(twice: World) -> None:
    twice.repository.commit(push=False)
    _, keep, _ = said_no_to(twice, "hotfix")
    assert keep.startswith(f"git branch not-live-{twice.repository.head()[:12]} ")


def test_the_sync_of_a_hotfix_says_what_it_carries_besides(twice: World) -> None:
    twice.repository.commit()
    enter(twice, "hotfix")
    twice.repository.commit()
    assert enter(twice, "sync").succeeded
    (said,) = [one for one in twice.warnings() if "besides the fix" in one]
    assert "1 commit" in said
    assert "commit 4" in said


def test_a_commit_that_was_reverted_is_told_also_below_others(twice: World) -> None:
    bad, good = twice.desired, next(iter(twice.published))
    assert bad is not None
    assert enter(twice, "revert", release=good).succeeded
    twice.repository.commit_upstream()
    assert enter(twice, "start").succeeded
    (said,) = [one for one in twice.warnings() if "found bad" in one]
    assert f"has {bad.release} ({bad.source[:12]}) in it" in said


def test_one_that_was_shipped_again_on_purpose_is_told_no_more(twice: World) -> None:
    assert enter(twice, "revert", release=next(iter(twice.published))).succeeded
    ship(twice)
    twice.events.clear()
    twice.repository.commit_upstream()
    assert enter(twice, "start").succeeded
    assert [one for one in twice.warnings() if "found bad" in one] == []


class TestANewPrefix:
    def test_one_that_was_never_used_where_others_were_is_refused(self, twice: World) -> None:
        refused = enter(twice, "start", prefix="slto0")
        assert refused.error is not None
        assert "slto0 was never deployed here; slot0 was" in refused.error.message
        assert refused.error.next_steps[0] == "git deploy start slot0"
        assert refused.error.next_steps[1].startswith("git deploy start slto0 --new-prefix")
        assert twice.status().kind == "none"

    def test_the_name_of_a_target_or_a_branch_is_no_prefix(self, twice: World) -> None:
        for action in ("start", "sync"):
            branch = twice.repository.branch()
            for name, what in (("web1", "target"), (branch, "branch")):
                refused = enter(twice, action, prefix=name)
                assert refused.error is not None
                assert f"{name} is a {what}, and what" in refused.error.message
            if action == "start":
                assert enter(twice, "start").succeeded

    def test_a_name_of_something_else_is_no_new_slot_and_says_how_to_have_it(
        self, twice: World
    ) -> None:
        twice.repository.other_branches["topic"] = twice.repository.head()
        for name, how in (
            ("web1", "all targets get it"),
            ("main", "it is checked out already"),
            ("topic", "`git checkout topic` chooses it"),
        ):
            refused = enter(twice, "start", prefix=name)
            assert refused.error is not None
            assert how in refused.error.message
            assert refused.error.next_steps == ("git deploy start slot0",)

    def test_a_branch_whose_name_cannot_be_a_prefix_is_said_to_be_one(self, twice: World) -> None:
        twice.repository.other_branches["feature/new"] = twice.repository.head()
        refused = enter(twice, "start", prefix="feature/new")
        assert refused.error is not None
        assert "`git checkout feature/new` chooses it" in refused.error.message

    def test_where_a_release_stands_it_is_no_release(self, twice: World) -> None:
        what = "web1 is a target, and what stands here is a release"
        with pytest.raises(NoSuchRelease, match=what), twice.command("revert") as command:
            choose(command, "web1")

    def test_nor_is_there_a_release_before(self, twice: World) -> None:
        what = "no release of web1 is live.\nweb1 is a target"
        with (
            pytest.raises(NoSuchRelease, match=what),
            twice.command("revert", prefix="web1") as command,
        ):
            release_before(command)

    def test_it_is_not_where_that_is_said(self, twice: World) -> None:
        assert enter(twice, "start", prefix="slot1", new_prefix=True).succeeded

    def test_nor_is_the_first_of_all(self, world: World) -> None:
        assert enter(world, "start", prefix="slot1").succeeded

    def test_nor_one_that_is_configured(self, twice: World) -> None:
        twice.config = replace(twice.config, tag_prefix="slot1")
        assert enter(twice, "start").succeeded
