"""What is read from git's index without git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sartoris.agent.index_file import has_file, number_of_entries, written_last

FILES = ("plain", "program", "deep/er/plain", "x" * 200)
LONG_AGO = 1_000_000_000.0  # seconds since the epoch


@pytest.fixture(params=["sha1", "sha256"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Of a repository with these files, all added in the second in which it was written."""
    top = tmp_path / "repository"
    for name in FILES:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name)
    (top / "program").chmod(0o755)
    (top / "link").symlink_to("plain")
    for words in (["init", "-q", f"--object-format={request.param}"], ["add", "."]):
        subprocess.run(["git", *words], cwd=top, check=True)
    index = top / ".git" / "index"
    changed = (top / FILES[-1]).lstat().st_ctime
    os.utime(index, (changed, changed))
    return index


def test_it_tells_how_many_entries_there_are_and_whether_a_file_of_a_name_may_be_there(
    index: Path,
) -> None:
    assert number_of_entries(index) == len(FILES) + 1
    assert has_file(index, "plain")
    assert not has_file(index, ".gitattributes")


def test_files_of_the_last_second_are_named_and_links_are_not(index: Path) -> None:
    size = 32 if b"sha256" in (index.parent / "config").read_bytes() else 20
    found = dict(written_last(index, size))
    second = int(index.stat().st_mtime)
    top = index.parent.parent
    expected = {name for name in FILES if int((top / name).lstat().st_ctime) == second}
    assert {name for name in found if name in FILES} == expected
    assert found.get("program", True) is True
    assert not found["x" * 200]
    assert "link" not in found


def test_of_an_older_index_and_of_none_nothing_is_named(index: Path, tmp_path: Path) -> None:
    os.utime(index, (LONG_AGO, LONG_AGO))
    assert list(written_last(index, 20)) == []
    assert list(written_last(tmp_path / "nowhere", 20)) == []
