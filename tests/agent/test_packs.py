"""Releases that are brought as packs."""

from __future__ import annotations

import hashlib
import io
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from sartoris.agent.outcome import perform
from sartoris.agent.packs import BadPack, Bring, Brought
from sartoris.releases.packs import Packs
from tests.agent.conftest import Files, Target, entries, tree

FILES: Files = {f"file{number}": f"{number}\n" * 200 for number in range(30)}
ABSENT = "1" * 40


@dataclass
class Carrier:
    """Brings packs of the publisher's releases, as a transport does. `asked` is who held what."""

    target: Target
    commit: str = ""
    asked: list[tuple[str, ...]] = field(default_factory=list)
    change: Callable[[Brought], Brought | None] = lambda brought: brought
    in_place: bool = False

    def __call__(self, held: Sequence[str]) -> Brought | None:
        self.asked.append(tuple(held))
        pack = Packs(self.target.publisher.path).to(self.commit, held)
        assert pack is not None
        content = pack.path.read_bytes()
        path = pack.path if self.in_place else None

        def opened() -> BinaryIO:
            return io.BytesIO(content) if path is None else path.open("rb")

        return self.change(
            Brought(pack.sha256, pack.size, pack.base, opened, came_from="a wire", path=path)
        )

    def ask(self, tag: str, commit: str, bring: Bring | None = None, **more: Any) -> dict[str, Any]:
        self.commit = commit
        order = self.target.order("fetch", tag, commit, **{"url": "", **more})
        return perform(order, str(self.target.root), bring=bring or self)


@pytest.fixture
def carrier(target: Target) -> Carrier:
    return Carrier(target)


def published(target: Target, tag: str, **changed: str) -> str:
    return target.publisher.release(tag, {**FILES, **changed})


def held_tree(target: Target, tag: str) -> dict[str, Any]:
    return tree(target.own / "releases" / tag)


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("mode", ["atomic", "in-place"])
def test_a_release_comes_as_a_pack_and_nothing_is_fetched(
    target: Target, carrier: Carrier, in_place: bool, mode: str
) -> None:
    carrier.in_place = in_place
    first = published(target, "slot0-1")
    outcome = carrier.ask("slot0-1", first, switch=mode)
    assert outcome["ok"], outcome
    assert (outcome["came_by"], outcome["came_from"]) == ("pack", "a wire")
    assert outcome["came_bytes"] > 1000
    assert outcome["held"] == ["slot0-1"]
    second = published(target, "slot0-2", file3="changed\n")
    outcome = carrier.ask("slot0-2", second, switch=mode)
    assert outcome["ok"], outcome
    assert outcome["came_bytes"] < 1200
    assert carrier.asked == [(), (first,)]
    target.ask("switch", "slot0-2", second, switch=mode)
    assert (
        tree(target.live if mode == "in-place" else target.live.resolve()).items()
        >= {**entries({**FILES, "file3": "changed\n"})}.items()
    )
    assert list(target.own.glob(".pack*")) == []
    subprocess.run(["git", f"--git-dir={target.store}", "fsck", "--full"], check=True)


def test_who_holds_it_already_is_brought_nothing(target: Target, carrier: Carrier) -> None:
    commit = published(target, "slot0-1")
    carrier.ask("slot0-1", commit)
    outcome = carrier.ask("slot0-1", commit)
    assert outcome["ok"]
    assert (outcome["came_by"], outcome["came_bytes"]) == ("", 0)
    target.publisher.git("update-ref", "refs/tags/slot0-2", commit)
    outcome = carrier.ask("slot0-2", commit)
    assert outcome["ok"]
    assert (outcome["came_by"], len(carrier.asked)) == ("", 1)


def test_the_newest_release_that_is_held_is_asked_for_first(
    target: Target, carrier: Carrier
) -> None:
    commits = [published(target, f"slot0-{n}", file1=f"{n}") for n in range(3)]
    for number, commit in enumerate(commits):
        carrier.ask(f"slot0-{number}", commit)
    assert carrier.asked[-1] == (commits[1], commits[0])


@pytest.mark.parametrize("action", ["switch", "status", "withdraw"])
def test_other_orders_are_brought_nothing(target: Target, carrier: Carrier, action: str) -> None:
    commit = published(target, "slot0-1")
    carrier.ask("slot0-1", commit)
    order = target.order(action, "slot0-1", commit)
    outcome = perform(order, str(target.root), bring=carrier)
    assert outcome["ok"], outcome
    assert (outcome["came_by"], len(carrier.asked)) == ("", 1)


class Cut(io.RawIOBase):
    """Gives a few bytes, and then fails."""

    def __init__(self) -> None:
        self._left = [b"PACK"]

    def read(self, _: int = -1) -> bytes:
        if not self._left:
            raise ConnectionResetError(104, "Connection reset by peer")
        return self._left.pop()


def _content(brought: Brought) -> bytes:
    with brought.open() as file:
        return file.read()


def _holding(brought: Brought, content: bytes) -> Brought:
    """The same, with other bytes."""
    if brought.path is None:
        return brought._replace(open=lambda: io.BytesIO(content))
    brought.path.write_bytes(content)
    return brought


def of_another_base(brought: Brought) -> Brought:
    return brought._replace(base=ABSENT)


def cut_short(brought: Brought) -> Brought:
    return _holding(brought, _content(brought)[:-30])


def swapped(brought: Brought) -> Brought:
    whole = bytearray(_content(brought))
    whole[30] ^= 1
    return _holding(brought, bytes(whole))


def interrupted(brought: Brought) -> Brought:
    return brought._replace(open=Cut, path=None)  # type: ignore[arg-type]


def gone(brought: Brought) -> Brought:
    path = Path("/nowhere/at/all.pack")
    return brought._replace(open=lambda: path.open("rb"))


def of_no_pack(brought: Brought) -> Brought:
    content = b"x" * 100
    digest = hashlib.sha256(content).hexdigest()
    return Brought(digest, 100, brought.base, lambda: io.BytesIO(content), "a wire")


def nothing(_: Brought) -> None:
    return None


BAD: dict[str, tuple[Callable[[Brought], Brought | None], str]] = {
    "cut short": (cut_short, "the pack ended after"),
    "swapped": (swapped, "the pack is another one"),
    "of another base": (of_another_base, f"for who holds {ABSENT}"),
    "interrupted": (interrupted, "Connection reset by peer"),
    "gone": (gone, "No such file"),
    "nothing": (nothing, "there is no pack"),
}


@pytest.fixture(params=[False, True])
def with_one_held(request: pytest.FixtureRequest, target: Target, carrier: Carrier) -> None:
    if request.param:
        assert carrier.ask("slot0-0", published(target, "slot0-0", file9="old"))["ok"]


@pytest.mark.usefixtures("with_one_held")
@pytest.mark.parametrize("what", [*BAD, "no pack at all"])
@pytest.mark.parametrize("in_place", [False, True])
def test_a_pack_that_is_not_what_was_said_is_not_taken_and_the_url_is_asked(
    target: Target, carrier: Carrier, what: str, in_place: bool
) -> None:
    commit = published(target, "slot0-1")
    carrier.change, carrier.in_place = BAD.get(what, (of_no_pack, ""))[0], in_place
    outcome = carrier.ask("slot0-1", commit, url=str(target.publisher.path))
    assert outcome["ok"], outcome
    assert outcome["came_by"] == "fetch"
    assert outcome["came_from"] == str(target.publisher.path)
    assert outcome["came_bytes"] > 0
    assert held_tree(target, "slot0-1") == entries(FILES)
    assert list(target.own.glob(".pack*")) == []


@pytest.mark.usefixtures("with_one_held")
@pytest.mark.parametrize("what", BAD)
def test_without_a_url_the_outcome_says_what_is_wrong_with_the_pack(
    target: Target, carrier: Carrier, what: str
) -> None:
    commit = published(target, "slot0-1")
    carrier.change, why = BAD[what]
    outcome = carrier.ask("slot0-1", commit)
    assert (outcome["ok"], outcome["error"]) == (False, "fetch-failed")
    assert why in outcome["message"]
    assert outcome["came_by"] == ""
    carrier.change = lambda brought: brought
    assert carrier.ask("slot0-1", commit)["ok"]


def test_a_pack_of_another_release_is_not_taken(target: Target, carrier: Carrier) -> None:
    other, wanted = published(target, "slot0-1"), published(target, "slot0-2", file1="x")
    carrier.commit = other
    bring: list[Brought | None] = [carrier(())]
    outcome = carrier.ask("slot0-2", wanted, lambda _: bring[0])
    assert outcome["error"] == "fetch-failed"
    assert f"does not bring {wanted}" in outcome["message"]


def test_a_carrier_may_say_why_it_brings_nothing(target: Target, carrier: Carrier) -> None:
    def refuses(_: Sequence[str]) -> Brought | None:
        raise BadPack("the connection is gone")

    outcome = carrier.ask("slot0-1", published(target, "slot0-1"), refuses)
    assert (outcome["error"], outcome["message"]) == ("fetch-failed", "the connection is gone")


class Slow(io.RawIOBase):
    def read(self, _: int = -1) -> bytes:
        time.sleep(0.4)
        return b"x"


def test_a_pack_that_takes_too_long_is_a_timeout(target: Target, carrier: Carrier) -> None:
    commit = published(target, "slot0-1")
    carrier.change = lambda brought: brought._replace(open=Slow)  # type: ignore[arg-type]
    outcome = carrier.ask("slot0-1", commit, timeout=1)
    assert outcome["error"] == "timeout"
    assert list(target.own.glob(".pack*")) == []


def test_a_damaged_store_without_a_url_is_brought_anew(target: Target, carrier: Carrier) -> None:
    carrier.ask("slot0-1", published(target, "slot0-1"))
    for pack in (target.store / "objects/pack").glob("*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(b"PACK" + b"x" * 40)
    second = published(target, "slot0-2", file3="changed\n")
    outcome = carrier.ask("slot0-2", second)
    assert outcome["ok"], outcome
    assert carrier.asked[-1] == ()
    assert held_tree(target, "slot0-2") == entries({**FILES, "file3": "changed\n"})
    subprocess.run(["git", f"--git-dir={target.store}", "fsck", "--full"], check=True)


@pytest.mark.parametrize("url", ["", "the publisher's"])
def test_a_pack_is_not_built_on_what_is_damaged(target: Target, carrier: Carrier, url: str) -> None:
    """In place the tree is made at the switch: what is wrong has to be seen before."""
    commit = published(target, "slot0-1")
    carrier.ask("slot0-1", commit, switch="in-place")
    for pack in (target.store / "objects/pack").glob("*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(b"nothing")
    where = str(target.publisher.path) if url else ""
    second = published(target, "slot0-2", file3="changed\n")
    outcome = carrier.ask("slot0-2", second, switch="in-place", url=where)
    assert outcome["ok"], outcome
    subprocess.run(["git", f"--git-dir={target.store}", "fsck", "--full"], check=True)


def test_what_a_killed_agent_had_received_is_in_nobody_s_way(
    target: Target, carrier: Carrier
) -> None:
    commit = published(target, "slot0-1")
    target.own.mkdir(parents=True)
    (target.own / ".pack-slot0").write_bytes(b"half")
    assert carrier.ask("slot0-1", commit)["ok"]
    assert list(target.own.glob(".pack*")) == []


def test_a_fetch_says_how_much_came_by_it(target: Target) -> None:
    commit = published(target, "slot0-1")
    outcome = target.ask("fetch", "slot0-1", commit)
    assert (outcome["came_by"], outcome["came_from"]) == ("fetch", str(target.publisher.path))
    packs = list((target.store / "objects/pack").glob("*.pack"))
    assert outcome["came_bytes"] == sum(pack.stat().st_size for pack in packs)
    assert 0 < outcome["came_seconds"] <= outcome["seconds"]
