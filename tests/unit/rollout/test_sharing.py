"""`core.sharedRepository` opens to others what a command writes."""

from __future__ import annotations

import pytest

from sartoris.rollout.sharing import shared_umask


@pytest.mark.parametrize(
    ("shared", "umask", "expected"),
    [
        ("group", 0o022, 0o002),
        ("true", 0o077, 0o007),
        ("1", 0o022, 0o002),
        ("", 0o022, 0o002),
        ("group", 0o002, 0o002),
        ("all", 0o077, 0o002),
        ("world", 0o022, 0o002),
        ("2", 0o077, 0o002),
        ("0660", 0o022, 0o007),
        ("0640", 0o002, 0o027),
        ("umask", 0o022, 0o022),
        ("false", 0o022, 0o022),
        ("0", 0o077, 0o077),
    ],
)
def test_it_is_read_as_git_reads_it(shared: str, umask: int, expected: int) -> None:
    assert oct(shared_umask(shared, umask)) == oct(expected)
