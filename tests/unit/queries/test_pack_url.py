"""Whether packs can be had at deploy.pack-url, as doctor sees it."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sartoris.diagnostics import Finding
from sartoris.queries.doctor import packs
from sartoris.transports.source import FetchedFrom


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Serves `packs` of the directory below this URL."""
    (tmp_path / "www" / "packs").mkdir(parents=True)
    handler = partial(Quiet, directory=str(tmp_path / "www"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}/packs/"
        found.shutdown()
        thread.join()


def look(tmp_path: Path, url: str, configured: str | None = None) -> list[Finding]:
    site: Any = SimpleNamespace(
        source=FetchedFrom("https://deploy/site.git", (url,)),
        config=SimpleNamespace(pack_url=url if configured is None else configured),
        publish_path=tmp_path / "publish.git",
    )
    return list(packs.pack_url(site))


def with_a_pack(tmp_path: Path) -> str:
    (tmp_path / "publish.packs").mkdir()
    (tmp_path / "publish.packs" / "ab.pack").write_text("PACK")
    return "ab.pack"


def test_one_that_has_the_newest_pack_is_well(tmp_path: Path, server: str) -> None:
    name = with_a_pack(tmp_path)
    (tmp_path / "www" / "packs" / name).write_text("PACK")
    (found,) = look(tmp_path, server)
    assert (found.state, found.text) == ("ok", f"{server} answers this machine")


def test_one_that_answers_before_there_is_a_pack_is_well(tmp_path: Path, server: str) -> None:
    assert [one.state for one in look(tmp_path, server)] == ["ok"]


def test_one_that_lacks_the_newest_pack_is_named_with_where_it_should_be_from(
    tmp_path: Path, server: str
) -> None:
    with_a_pack(tmp_path)
    (found,) = look(tmp_path, server)
    assert found.state == "warning"
    assert "does not have the newest pack (HTTP status 404)" in found.text
    assert f"is it {tmp_path}/publish.packs?" in found.text
    assert found.next_steps == (f"curl -I {server}ab.pack",)


def test_one_that_nobody_is_at_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    (found,) = look(tmp_path, f"http://127.0.0.1:{port}/packs")
    assert found.state == "warning"
    assert "does not answer this machine: Connection refused; targets that get no" in found.text


def test_one_that_says_nothing_is_not_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "_PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (found,) = look(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}/packs")
    assert found.state == "warning"
    assert "does not answer this machine: nothing came within 0.1 s;" in found.text


def test_where_none_is_configured_nothing_is_said(tmp_path: Path) -> None:
    assert not look(tmp_path, "http://127.0.0.1:9/packs", configured="")
