"""What is written beside a file goes through no link, and has a name that nobody knows before."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sartoris import atomic
from sartoris.agent import files
from sartoris.agent.locks import locked
from sartoris.config import ConfigError
from sartoris.events import Warned
from sartoris.git.urls import has_secret
from sartoris.integrations.logfile import LogFile
from sartoris.rollout.lock import exclusively
from sartoris.transports.source import FetchedFrom, require

WRITES: dict[str, Callable[[Path], object]] = {
    "server": lambda path: atomic.write_json(path, {"a": 1}),
    "server, new": lambda path: atomic.create_text(path, "a"),
    "agent": lambda path: files.write_json(path, {"a": 1}),
    "agent, durable": lambda path: files.write_json(path, {"a": 1}, durable=True),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "place"
    place.mkdir()
    return place


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_name_that_is_used_once_is_not_used_again(
    place: Path, write: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, int]] = []
    real = os.open

    def watch(path: str, flags: int, *more: int) -> int:
        opened.append((os.fspath(path), flags))
        return real(path, flags, *more)

    monkeypatch.setattr(os, "open", watch)
    for _ in range(2):
        (place / "a.json").unlink(missing_ok=True)
        write(place / "a.json")
    new = [(path, flags) for path, flags in opened if path.endswith(".new")]
    assert len({path for path, _ in new}) == 2
    assert all(flags & os.O_EXCL and flags & os.O_NOFOLLOW for _, flags in new)
    assert [path.name for path in place.iterdir()] == ["a.json"]


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_even_a_name_that_was_foretold_overwrites_nothing(
    place: Path, write: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "urandom", lambda count: b"\0" * count)
    monkeypatch.setattr(files, "remove_if_possible", lambda *_: None)
    theirs = place.parent / "theirs"
    theirs.write_text("of root")
    (place / f".a.json.{'00' * 8}.new").symlink_to(theirs)
    with pytest.raises(FileExistsError):
        write(place / "a.json")
    assert theirs.read_text() == "of root"


def test_what_a_killed_agent_left_is_gone_after_the_next_write(place: Path) -> None:
    (place / ".a.json.0123.new").write_text("half")
    files.write_json(place / "a.json", {})
    assert [path.name for path in place.iterdir()] == ["a.json"]


@pytest.mark.parametrize("there", [True, False])
def test_locks_and_probes_follow_no_link(place: Path, there: bool) -> None:
    theirs = place.parent / "theirs"
    if there:
        theirs.write_text("of root")
    link = place / "link"
    link.symlink_to(theirs)
    with pytest.raises(OSError, match="symbolic links"), locked(link, 2, 0):
        pass
    with exclusively(link, "ann"):  # the link is set aside
        assert not link.is_symlink()
    link.unlink()
    link.symlink_to(theirs)
    files.reserve(link, 10)
    link.symlink_to(theirs)
    files.create_anew(link, b"ours")
    assert theirs.read_text() == "of root" if there else not theirs.exists()
    assert (link.read_text(), link.is_symlink()) == ("ours", False)


def test_a_log_is_written_through_a_link_of_ones_own_and_of_nobody_elses(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = place.parent / "elsewhere"
    (place / "git-deploy.log").symlink_to(elsewhere)
    LogFile(place, "ann", pytest.fail)(Warned(message="careful"))
    assert "careful" in elsewhere.read_text()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    os.chown(place / "git-deploy.log", 54321, -1, follow_symlinks=False)
    problems: list[str] = []
    LogFile(place, "ann", problems.append)(Warned(message="again"))
    assert "symbolic links" in problems[0]
    assert "again" not in elsewhere.read_text()


class _Site:
    repo_name = "wiki"


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://ann:s3cret@example.org:8443/wiki.git", "https://example.org:8443/wiki.git"),
        ("https://ann:s3@cret@example.org/wiki.git", "https://example.org/wiki.git"),
        ("https://ghp_s3cret@example.org/wiki.git", "https://example.org/wiki.git"),
        ("HTTPS://x-access-token:s3cret@example.org/w.git", "HTTPS://example.org/w.git"),
        ("ssh://ann:s3cret@example.org/wiki.git", "ssh://ann@example.org/wiki.git"),
    ],
)
def test_a_password_in_the_url_of_targets_is_refused_with_where_it_belongs(
    url: str, clean: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        require(FetchedFrom(url), _Site())  # type: ignore[arg-type]
    said = refused.value.message + "".join(refused.value.next_steps)
    assert "s3" not in said
    assert "cret@" not in said
    (step,) = refused.value.next_steps
    assert step.startswith(f"git config deploy.url {clean}   # ")


@pytest.mark.parametrize(
    "url",
    ["https://example.org:8443/a@b", "ssh://ann@example.org/x", "/srv/a:b@c", "ann@tin:wiki.git"],
)
def test_what_has_no_password_is_no_password(url: str) -> None:
    assert not has_secret(url)
