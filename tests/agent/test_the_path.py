"""What stands at the path before the first deployment, and who may replace it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import LIVE, Target, link


def _occupy(target: Target, kind: str) -> None:
    target.live.parent.mkdir(parents=True)
    if kind == "directory":
        target.live.mkdir()
        (target.live / "precious").write_text("precious")
    elif kind == "file":
        target.live.write_text("precious")
    else:
        target.live.symlink_to(kind)


CASES = [
    ("directory", "path-is-directory"),
    ("file", "path-is-file"),
    ("/etc", "path-is-foreign-link"),
    ("nowhere", "path-is-foreign-link"),
    (".sartoris/releases/../../etc", "path-is-foreign-link"),
]


@pytest.mark.parametrize(("kind", "error"), CASES)
def test_what_is_not_ours_stops_the_fetch_and_stays(target: Target, kind: str, error: str) -> None:
    _occupy(target, kind)
    commit = target.publisher.release("t1", {"a": "1"})

    outcome = target.ask("fetch", "t1", commit)

    assert (outcome["error"], outcome["held"]) == (error, [])
    assert LIVE in outcome["message"]
    assert str(target.root) not in outcome["message"]
    assert target.live.is_symlink() or target.live.exists()


def test_adopt_moves_a_directory_aside_and_keeps_it(target: Target) -> None:
    _occupy(target, "directory")
    target.release("t1", {"a": "1"}, adopt=True)

    assert (target.live / "a").read_text() == "1"
    (kept,) = (target.own / "adopted").iterdir()
    assert (kept / "precious").read_text() == "precious"


def test_adopt_replaces_a_link_of_somebody_else_and_records_it(target: Target) -> None:
    _occupy(target, "/etc")
    target.release("t1", {"a": "1"}, adopt=True)

    assert (target.live / "a").read_text() == "1"
    assert target.ask("status")["adopted"] == "-> /etc"


def test_adopt_does_not_reach_a_plain_file(target: Target) -> None:
    _occupy(target, "file")
    commit = target.publisher.release("t1", {"a": "1"})

    assert target.ask("fetch", "t1", commit, adopt=True)["error"] == "path-is-file"


def test_a_path_that_got_occupied_between_the_stages_stops_the_switch(target: Target) -> None:
    commit = target.publisher.release("t1", {"a": "1"})
    target.ask("fetch", "t1", commit)
    target.live.mkdir()

    assert target.ask("switch", "t1", commit)["error"] == "path-is-directory"


def test_a_directory_above_the_path_may_be_a_link(target: Target, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (target.root / "srv").symlink_to(tmp_path / "data")

    target.release("t1", {"a": "1"})

    assert (tmp_path / "data/app/php-slot0/a").read_text() == "1"


@pytest.mark.parametrize("link", ["srv", "srv/app/.sartoris", "srv/app/.sartoris/shared"])
def test_a_link_above_that_leads_to_nothing_is_named(target: Target, link: str) -> None:
    commit = target.publisher.release("t1", {"a": "1"})
    (target.root / link).parent.mkdir(parents=True, exist_ok=True)
    (target.root / link).symlink_to("/nowhere/at-all")
    outcome = target.ask("fetch", "t1", commit)
    assert (outcome["error"], outcome["held"]) == ("io-error", [])
    assert f"/{link}" in outcome["message"]


@pytest.mark.parametrize(
    "more",
    [{"deploy_text": "x", "deploy_file": "lib/.deploy"}, {"shared": ("lib/uploads",)}],
    ids=["deploy file", "shared path"],
)
def test_nothing_is_written_through_a_link_in_the_release(
    target: Target, tmp_path: Path, more: dict[str, object]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    commit = target.publisher.release("t1", {"lib": link(str(outside))})

    outcome = target.ask("fetch", "t1", commit, **more)

    assert (outcome["error"], outcome["held"]) == ("release-refused", [])
    assert list(outside.iterdir()) == []


def test_a_deploy_file_that_the_release_has_as_a_link_is_replaced(
    target: Target, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("untouched")
    target.release("t1", {".deploy": link(str(outside))}, deploy_text="commit: x\n")

    assert (target.live / ".deploy").read_text() == "commit: x\n"
    assert outside.read_text() == "untouched"
