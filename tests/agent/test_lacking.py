"""What a release would not find on a target, told before there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sartoris.agent import lacking

from .conftest import Target


def programs(monkeypatch: pytest.MonkeyPatch, directory: Path, **texts: str) -> None:
    """Have these programs, and no others."""
    directory.mkdir()
    for name, text in texts.items():
        (directory / name).write_text(f"#!/bin/sh\n{text}\n")
        (directory / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(directory))


def test_a_target_that_is_new_and_well_lacks_nothing_and_is_left_as_it_is(target: Target) -> None:
    before = sorted(target.root.rglob("*"))
    outcome = target.ask("status", examine=True)
    assert (outcome["ok"], outcome["lacks"]) == (True, [])
    assert outcome["git"][0].isdecimal()
    assert sorted(target.root.rglob("*")) == before


def test_a_status_looks_only_where_it_is_asked_to(target: Target) -> None:
    outcome = target.ask("status", size=1 << 50)
    assert (outcome["git"], outcome["lacks"]) == ("", [])


def test_a_target_without_git_says_so(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(monkeypatch, tmp_path / "bin")
    outcome = target.ask("status", examine=True)
    assert (outcome["ok"], outcome["git"], outcome["lacks"]) == (True, "", ["git-missing"])


@pytest.mark.parametrize(
    ("said", "lacks"),
    [
        ("git version 2.28.1", ["git-too-old 2.29 2.28.1"]),
        ("git version 1.8.3.1", ["git-too-old 2.29 1.8.3.1"]),
        ("git version 2.29.0", []),
        ("git version 3.0.rc1 (somebody's)", []),
        ("something else", []),
    ],
)
def test_a_git_that_is_too_old_is_told_with_its_version(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, lacks: list[str]
) -> None:
    programs(monkeypatch, tmp_path / "bin", git=f'echo "{said}"; echo trace >&2')
    outcome = target.ask("status", examine=True)
    assert outcome["lacks"] == lacks
    assert outcome["git"] == said.removeprefix("git version ")


@pytest.mark.parametrize(
    ("closed", "switch", "named"),
    [
        ("", "atomic", "/"),
        ("srv/app", "atomic", "/srv/app"),
        ("srv/app", "in-place", "/srv/app"),
        ("srv/app/php-slot0", "in-place", "/srv/app/php-slot0"),
        ("srv/app/.sartoris", "atomic", "/srv/app/.sartoris"),
        ("srv/app/.sartoris/site.git", "atomic", "/srv/app/.sartoris/site.git"),
    ],
)
def test_a_place_that_may_not_be_written_to_is_named(
    target: Target, monkeypatch: pytest.MonkeyPatch, closed: str, switch: str, named: str
) -> None:
    place = target.root / closed
    place.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != place)
    monkeypatch.setattr(lacking, "_own_name", lambda: "deploy")
    outcome = target.ask("status", examine=True, switch=switch)
    assert outcome["lacks"] == [f"permission deploy {named}"]


def test_a_disk_with_less_room_than_a_release_needs_is_told(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = target.ask("status", examine=True, size=1 << 50)["lacks"]
    word, free, needed, path = line.split(" ")
    assert (word, int(needed), path) == ("no-space", 1 << 50, "/")
    assert 0 < int(free) < 1 << 50
    monkeypatch.setattr(lacking, "LEAST_ROOM", 1 << 59)
    (line,) = target.ask("status", examine=True)["lacks"]
    assert f" {1 << 59} " in line, "whatever the release is"


def test_a_disk_that_takes_hardly_more_files_is_told(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lacking, "_LEAST_FILES", 1 << 62)
    found = os.statvfs(target.root)
    lacks = target.ask("status", examine=True)["lacks"]
    assert [line.split(" ")[0] for line in lacks] == (["no-files"] if found.f_files else [])
