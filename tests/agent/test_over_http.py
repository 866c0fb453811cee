"""Packs that a target gets by itself, from servers that are good, bad, slow or lie."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sartoris.agent import policy
from sartoris.agent.account import account_of
from sartoris.agent.outcome import perform
from sartoris.agent.parsing import parse
from sartoris.releases.packs import Packs
from tests.agent.conftest import Files, Target, entries, tree

FILES: Files = {f"file{number}": f"{number}\n" * 300 for number in range(60)}


@dataclass
class Server:
    """Serves what is in a directory; `behave` may do something else. `asked` are (path, Range)."""

    directory: Path
    asked: list[tuple[str, str]] = field(default_factory=list)
    behave: Callable[[BaseHTTPRequestHandler, bytes, int], None] | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/site.packs"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range", "")
        self.asked.append((request.path, wanted))
        file = self.directory / request.path.rpartition("/")[2]
        if not file.is_file():
            request.send_error(404)
            return
        content = file.read_bytes()
        begin = int(found[1]) if (found := re.match(r"bytes=(\d+)-", wanted)) else 0
        (self.behave or give)(request, content, begin)


def give(request: BaseHTTPRequestHandler, content: bytes, begin: int) -> None:
    head(request, content, begin)
    request.wfile.write(content[begin:])


def head(request: BaseHTTPRequestHandler, content: bytes, begin: int) -> None:
    request.send_response(206 if begin else 200)
    if begin:
        of = f"{begin}-{len(content) - 1}/{len(content)}"
        request.send_header("Content-Range", f"bytes {of}")
    request.send_header("Content-Length", str(len(content) - begin))
    request.end_headers()


def lie(request: BaseHTTPRequestHandler, content: bytes, begin: int) -> None:
    give(request, bytes(len(content)), begin)


def cut_after(count: int) -> Callable[[BaseHTTPRequestHandler, bytes, int], None]:
    """Each connection gives so many bytes."""

    def cut(request: BaseHTTPRequestHandler, content: bytes, begin: int) -> None:
        head(request, content, begin)
        request.wfile.write(content[begin : begin + count])
        request.close_connection = True

    return cut


def give_all(request: BaseHTTPRequestHandler, content: bytes, begin: int) -> None:
    """As servers that know no ranges do."""
    del begin
    give(request, content, 0)


def give_another_part(request: BaseHTTPRequestHandler, content: bytes, begin: int) -> None:
    head(request, content, max(begin - 7, 0))
    request.wfile.write(content[max(begin - 7, 0) :])


def refuse_ranges(request: BaseHTTPRequestHandler, content: bytes, begin: int) -> None:
    if begin:
        request.send_error(416)
    else:
        give(request, content, 0)


def fail(request: BaseHTTPRequestHandler, content: bytes, begin: int) -> None:
    del content, begin
    request.send_error(503)


def talk_nonsense(request: BaseHTTPRequestHandler, content: bytes, begin: int) -> None:
    del content, begin
    request.wfile.write(b"what?\r\n\r\n")


def end_early(request: BaseHTTPRequestHandler, content: bytes, begin: int) -> None:
    give(request, content[: len(content) // 2], begin)


def give_too_much(request: BaseHTTPRequestHandler, content: bytes, begin: int) -> None:
    give(request, content + b"more", begin)


@pytest.fixture
def serve(target: Target) -> Iterator[Callable[[], Server]]:
    running: list[ThreadingHTTPServer] = []

    def start() -> Server:
        served = Server(Packs(target.publisher.path).directory)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.answer(self)

            def log_message(self, *_: object) -> None:
                """Quietly."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        served.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        running.append(server)
        return served

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def server(serve: Callable[[], Server]) -> Server:
    return serve()


@dataclass
class Ordered:
    """Orders as they come over Salt, with packs for what is held at each base."""

    target: Target
    server: Server

    def fetch(
        self, tag: str, commit: str, bases: tuple[str, ...] = ("",), **more: Any
    ) -> dict[str, Any]:
        order = self.order(tag, commit, bases, **more)
        return perform(json.loads(json.dumps(order)), str(self.target.root))

    def order(self, tag: str, commit: str, bases: tuple[str, ...], **more: Any) -> dict[str, Any]:
        packs = Packs(self.target.publisher.path)
        made = [packs.to(commit, [base] if base else []) for base in bases]
        named = [{"from": p.base, "sha256": p.sha256, "size": p.size} for p in made if p]
        fields = {"packs": named, "pack_urls": [self.server.url], **more}
        return self.target.order("fetch", tag, commit, **fields)


@pytest.fixture
def ordered(target: Target, server: Server) -> Ordered:
    return Ordered(target, server)


def published(target: Target, tag: str, **changed: str) -> str:
    return target.publisher.release(tag, {**FILES, **changed})


def complete(target: Target, tag: str, **changed: str) -> bool:
    return tree(target.own / "releases" / tag) == entries({**FILES, **changed})


def left_over(target: Target) -> list[Path]:
    return list(target.own.glob(".pack*"))


def test_a_pack_is_got_and_nothing_is_fetched(ordered: Ordered, target: Target) -> None:
    first = published(target, "slot0-1")
    outcome = ordered.fetch("slot0-1", first, url="/nowhere.git")
    assert outcome["ok"], outcome
    assert outcome["came_by"] == "pack"
    assert outcome["came_from"].startswith(f"{ordered.server.url}/")
    second = published(target, "slot0-2", file3="x")
    outcome = ordered.fetch("slot0-2", second, ("", first), url="/nowhere.git")
    assert outcome["ok"], outcome
    assert outcome["came_bytes"] < 2000
    assert complete(target, "slot0-2", file3="x")
    assert left_over(target) == []
    assert len(ordered.server.asked) == 2


def test_who_holds_another_release_asks_git(ordered: Ordered, target: Target) -> None:
    ordered.fetch("slot0-1", published(target, "slot0-1"))
    other = published(target, "slot0-2", file3="x")
    third = published(target, "slot0-3", file3="y")
    outcome = ordered.fetch("slot0-3", third, ("", other))
    assert outcome["ok"], outcome
    assert (outcome["came_by"], outcome["came_refused"]) == ("fetch", [])
    assert len(ordered.server.asked) == 1


BAD = {
    "lies": (lie, True),
    "fails": (fail, False),
    "talks nonsense": (talk_nonsense, False),
    "ends early": (end_early, False),
}


@pytest.mark.parametrize("how", [*BAD, "is down", "has none"])
def test_where_a_server_gives_none_git_is_asked(ordered: Ordered, target: Target, how: str) -> None:
    commit = published(target, "slot0-1")
    ordered.server.behave, refused = BAD.get(how, (give, False))
    more: dict[str, Any] = {}
    if how == "is down":
        more["pack_urls"] = ["http://127.0.0.1:9/site.packs"]
    if how == "has none":
        more["pack_urls"] = [f"{ordered.server.url}/elsewhere"]
        ordered.server.directory = target.root
    outcome = ordered.fetch("slot0-1", commit, **more)
    assert outcome["ok"], outcome
    assert outcome["came_by"] == "fetch"
    assert bool(outcome["came_refused"]) is refused
    assert complete(target, "slot0-1")


@pytest.mark.parametrize("how", BAD)
def test_without_git_the_outcome_says_which_server_gives_none(
    ordered: Ordered, target: Target, how: str
) -> None:
    commit = published(target, "slot0-1")
    ordered.server.behave, refused = BAD[how]
    outcome = ordered.fetch("slot0-1", commit, url="")
    assert outcome["error"] == "fetch-failed"
    assert ordered.server.url in outcome["message"]
    assert bool(outcome["came_refused"]) is refused


def test_a_server_that_gives_more_than_the_pack_does_no_harm(
    ordered: Ordered, target: Target
) -> None:
    ordered.server.behave = give_too_much
    outcome = ordered.fetch("slot0-1", published(target, "slot0-1"), url="")
    assert outcome["ok"], outcome


def test_after_a_cut_the_rest_is_asked_for(ordered: Ordered, target: Target) -> None:
    commit = published(target, "slot0-1")
    order = ordered.order("slot0-1", commit, ("",))
    size = order["packs"][0]["size"]
    ordered.server.behave = cut_after(size // 3)
    outcome = perform(order, str(target.root))
    assert outcome["ok"], outcome
    assert outcome["came_by"] == "pack"
    third = size // 3
    assert [asked for _, asked in ordered.server.asked[:3]] == [
        "",
        f"bytes={third}-",
        f"bytes={2 * third}-",
    ]
    assert complete(target, "slot0-1")


def test_what_came_before_an_order_failed_is_not_asked_for_again(
    ordered: Ordered, target: Target
) -> None:
    commit = published(target, "slot0-1")
    order = ordered.order("slot0-1", commit, ("",), url="")
    ordered.server.behave = cut_after(100)
    assert perform(order, str(target.root))["error"] == "fetch-failed"
    ordered.server.behave = give
    assert perform(order, str(target.root))["ok"]
    assert ordered.server.asked[-1][1] == "bytes=500-"
    assert left_over(target) == []


def test_what_came_of_another_pack_is_removed(ordered: Ordered, target: Target) -> None:
    ordered.server.behave = cut_after(10)
    assert not ordered.fetch("slot0-1", published(target, "slot0-1"), url="")["ok"]
    assert len(left_over(target)) == 1
    ordered.server.behave = give
    assert ordered.fetch("slot0-2", published(target, "slot0-2", file1="x"), url="")["ok"]
    assert left_over(target) == []


@pytest.mark.parametrize("behave", [give_all, refuse_ranges])
def test_a_server_without_ranges_gives_all_of_it_again(
    ordered: Ordered,
    target: Target,
    behave: Callable[[BaseHTTPRequestHandler, bytes, int], None],
) -> None:
    commit = published(target, "slot0-1")
    order = ordered.order("slot0-1", commit, ("",), url="")
    ordered.server.behave = cut_after(50)
    perform(order, str(target.root))
    ordered.server.behave = behave
    outcome = perform(order, str(target.root))
    if behave is refuse_ranges:  # it says that it has less: then from the beginning, next time
        outcome = perform(order, str(target.root))
    assert outcome["ok"], outcome


def test_another_part_than_was_asked_for_is_not_taken(ordered: Ordered, target: Target) -> None:
    commit = published(target, "slot0-1")
    order = ordered.order("slot0-1", commit, ("",), url="")
    ordered.server.behave = cut_after(50)
    perform(order, str(target.root))
    ordered.server.behave = give_another_part
    assert perform(order, str(target.root))["error"] == "fetch-failed"
    assert perform(order, str(target.root))["ok"]


def test_a_beginning_of_somebody_s_that_lied_is_not_held_against_the_next(
    ordered: Ordered, target: Target, serve: Callable[[], Server]
) -> None:
    liar = serve()
    commit = published(target, "slot0-1")

    def lie_and_cut(request: BaseHTTPRequestHandler, content: bytes, begin: int) -> None:
        cut_after(40)(request, bytes(len(content)), begin)

    liar.behave = lie_and_cut
    urls = [liar.url, ordered.server.url]
    outcome = ordered.fetch("slot0-1", commit, url="", pack_urls=urls)
    assert outcome["ok"], outcome
    assert outcome["came_from"].startswith(ordered.server.url)
    assert outcome["came_refused"] == []


def test_a_relay_of_the_own_zone_is_asked_first(
    ordered: Ordered, target: Target, serve: Callable[[], Server]
) -> None:
    ours, others = serve(), serve()
    relays = [
        {"url": others.url, "targets": ["web2"]},
        {"url": ours.url, "targets": ["web1", "web3"]},
    ]
    commit = published(target, "slot0-1")
    outcome = ordered.fetch("slot0-1", commit, url="", relays=relays, target="web1")
    assert outcome["ok"], outcome
    assert outcome["came_from"].startswith(ours.url)
    assert (len(ours.asked), others.asked, ordered.server.asked) == (1, [], [])


def test_a_relay_that_lies_is_refused_and_named_and_the_origin_is_asked(
    ordered: Ordered, target: Target, serve: Callable[[], Server]
) -> None:
    liar = serve()
    liar.behave = lie
    relays = [{"url": liar.url, "targets": ["web1"]}]
    commit = published(target, "slot0-1")
    outcome = ordered.fetch("slot0-1", commit, url="", relays=relays, target="web1")
    assert outcome["ok"], outcome
    assert outcome["came_from"].startswith(ordered.server.url)
    (refused,) = outcome["came_refused"]
    assert refused.startswith(liar.url)
    assert complete(target, "slot0-1")


def test_a_relay_that_drips_does_not_use_up_all_the_time(
    ordered: Ordered, target: Target, serve: Callable[[], Server]
) -> None:
    slow = serve()

    def drip(request: BaseHTTPRequestHandler, content: bytes, begin: int) -> None:
        head(request, content, begin)
        with suppress(ConnectionError):  # when it is left
            for byte in content[begin:]:
                request.wfile.write(bytes([byte]))
                time.sleep(0.05)

    slow.behave = drip
    relays = [{"url": slow.url, "targets": ["web1"]}]
    commit = published(target, "slot0-1")
    outcome = ordered.fetch("slot0-1", commit, url="", relays=relays, target="web1", timeout=4)
    assert outcome["ok"], outcome
    assert outcome["came_from"].startswith(ordered.server.url)


def test_a_full_disk_is_said_to_be_one(
    ordered: Ordered, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sartoris.agent.over_http.create", full)
    outcome = ordered.fetch("slot0-1", published(target, "slot0-1"))
    assert outcome["error"] == "no-space"


@pytest.mark.parametrize(
    "fields",
    [
        {"packs": [{"from": "x", "sha256": "a" * 64, "size": 1}]},
        {"packs": [{"from": "", "sha256": "../x", "size": 1}]},
        {"packs": [{"from": "", "sha256": "a" * 64, "size": 0}]},
        {"packs": [{"from": "", "sha256": "a" * 64, "size": True}]},
        {"packs": [{"sha256": "a" * 64, "size": 1}]},
        {"packs": ["x"]},
        {"packs": "x"},
        {"pack_urls": ["file:///etc"]},
        {"pack_urls": ["http://a b/"]},
        {"pack_urls": ["http://a/\n"]},
        {"relays": [{"url": "ftp://x/", "targets": []}]},
        {"relays": [{"url": "http://x/"}]},
        {"relays": [{"targets": []}]},
    ],
)
def test_an_order_with_odd_packs_is_refused(target: Target, fields: dict[str, Any]) -> None:
    order = {**target.order("fetch", "slot0-1", "1" * 40), **fields}
    assert perform(order, str(target.root))["error"] == "bad-order"


LISTED = {"repository": "site", "path": "/srv/app/php-*", "user": "nobody"}


@pytest.mark.parametrize(
    ("packs", "used"),
    [
        ("", []),
        ("http://other/x.packs", []),
        ("http://other/x.packs URL/", ["URL"]),
        ("URL", ["URL"]),
    ],
)
def test_a_target_s_list_says_from_where_packs_may_come(
    target: Target, monkeypatch: pytest.MonkeyPatch, packs: str, used: list[str]
) -> None:
    nobody = account_of("nobody")
    assert nobody is not None
    monkeypatch.setattr(os, "geteuid", lambda: nobody.uid)
    listed = {**LISTED, "url": "https://deploy/site.git", **({"packs": packs} if packs else {})}
    path = target.root / "etc/sartoris/target.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"version": 1, "deployments": [listed]}))
    raw = target.order(
        "fetch",
        "slot0-1",
        "1" * 40,
        url="https://deploy/site.git",
        pack_urls=["https://deploy/site.packs", "URL".replace("URL", "http://relay/p")],
        relays=[{"url": "http://relay/p", "targets": ["web1"]}],
    )
    listed_packs = packs.replace("URL", "http://relay/p")
    listed["packs"] = listed_packs
    if packs:
        path.write_text(json.dumps({"version": 1, "deployments": [listed]}))
    order = parse(raw)
    found = policy.permitted(order, str(target.root))
    assert found.packs_from is not None
    kept, as_it_came = policy.with_packs_from(order, raw, found.packs_from)
    relays = [one.replace("URL", "http://relay/p") for one in used]
    assert kept.pack_urls == ("https://deploy/site.packs", *relays)
    assert [one["url"] for one in kept.relays] == relays
    assert parse(json.loads(json.dumps(as_it_came))).pack_urls == kept.pack_urls
