"""Which releases were live, which is, which was before, and by which numbers they are known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sartoris.cli.releases import release_lines
from sartoris.fleet.desired import Desired
from sartoris.journal.rows import MadeLive
from sartoris.queries.past_releases import PastRelease, numbered


def story(*said: str) -> list[MadeLive]:
    """`A B >A`: A is shipped, then B, then A is reverted to."""
    return [
        MadeLive(
            release=word.lstrip(">"),
            source=f"commit of {word.lstrip('>')}",
            at=float(at),
            by="Some Deployer <deployer@example.org>",
            rollout=f"rollout-{at}",
            is_revert=word.startswith(">"),
        )
        for at, word in enumerate(said, 1)
    ]


def live(release: str) -> Desired:
    return Desired(
        slot="slot0",
        prefix="slot0",
        path="/srv/slot0",
        release=release,
        commit="c",
        source=f"commit of {release}",
        rollout="rollout",
        since=99.0,
    )


def told(made: list[MadeLive], release: str) -> list[str]:
    return [
        f"{one.number} {one.release} {one.now}".strip() for one in numbered(made, live(release))
    ]


def test_what_is_live_is_0_and_the_one_before_is_1() -> None:
    assert told(story("A", "B", "C"), "C") == ["0 C live", "1 B before", "2 A"]


def test_a_release_that_was_reverted_is_bad_and_not_the_one_before() -> None:
    assert told(story("A", "B", "C", ">B"), "B") == ["2 C bad", "0 B live", "1 A before"]


def test_each_release_has_one_row_however_often_it_was_live() -> None:
    made = story("A", "B", ">A", ">B", ">A")
    assert told(made, "A") == ["1 B bad", "0 A live"]
    assert numbered(made, live("A"))[1].rollouts == ("rollout-1", "rollout-3", "rollout-5")


def test_one_that_is_live_again_is_bad_no_more() -> None:
    assert told(story("A", "B", ">A", ">B"), "B") == ["0 B live", "1 A bad"]
    assert told(story("A", "B", ">A", ">B", "C"), "C") == ["0 C live", "1 B before", "2 A bad"]


def test_one_that_was_passed_over_is_newer_and_not_before() -> None:
    assert told(story("A", "B", "C", ">A"), "A") == ["2 C bad", "1 B", "0 A live"]


def test_the_release_of_an_open_rollout_is_live_as_far_as_the_fleet_should_have_it() -> None:
    assert told(story("A", "B"), "C") == ["0 C live", "1 B before", "2 A"]


def test_where_nothing_is_live_numbers_begin_at_1() -> None:
    found = numbered(story("A", "B"), None)
    assert [(one.number, one.release, one.now) for one in found] == [(1, "B", ""), (2, "A", "")]


_NAMES = st.sampled_from("ABCDE")


@given(st.lists(st.tuples(_NAMES, st.booleans()), min_size=1, max_size=12), _NAMES)
def test_numbers_are_distinct_and_at_most_one_is_live_or_before(
    said: list[tuple[str, bool]], release: str
) -> None:
    made = story(*(f">{name}" if revert else name for name, revert in said))
    found = numbered(made, live(release))
    assert sorted(one.number for one in found) == list(range(len(found)))
    assert [one.release for one in found if one.number == 0] == [release]
    assert [one.release for one in found if one.now == "live"] == [release]
    assert [one.number for one in found if one.now == "before"] in ([], [1])
    assert {one.release for one in found} == {one.release for one in made} | {release}


def row(release: str, subject: str, by: str = "Some Deployer <d@example.org>") -> PastRelease:
    return PastRelease(
        number=1,
        release=release,
        source="c",
        at=0.0,
        by=by,
        now="before",
        subject=subject,
    )


def test_a_row_fits_into_80_columns() -> None:
    long = row(
        "slot0-20261129-154020", "A subject that says all " * 5, "Somebody With A Long Name <>"
    )
    lines = release_lines([long], now=200_000.0)
    assert all(len(line) < 80 for line in lines)
    assert "Somebody Wit\N{HORIZONTAL ELLIPSIS}" in lines[1]
    assert "2 d ago" in lines[1]
    assert "A subject" in lines[1]


def test_a_long_prefix_leaves_room_for_a_subject_all_the_same() -> None:
    lines = release_lines([row("a-very-long-prefix-of-a-wiki-20261129-154020", "Fix it")], now=60.0)
    assert lines[1].endswith("Fix it")
