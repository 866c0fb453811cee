"""Peers that are no Varnish, or say nothing. (tests/system/test_varnish.py has real ones.)"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sartoris.config.caches import CacheServer
from sartoris.integrations.varnish import Caches


@contextmanager
def peer(says: bytes | None) -> Iterator[CacheServer]:
    """Something that listens, and to whoever comes says this and goes; None: says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):  # who is not understood is left at once
                connection.sendall(says or b"")
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1 << 16)

        if says is not None:
            threading.Thread(target=serve, daemon=True).start()
        yield CacheServer("127.0.0.1", server.getsockname()[1])


def error_of(server: CacheServer, patience: float = 10) -> str:
    (answer,) = Caches([server], Path("/nonexistent"), patience).ban("req.url ~ .")
    assert answer.cache == str(server)
    return answer.error


@pytest.mark.parametrize(
    ("says", "error"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "no Varnish's management interface"),
        (b"200 99999999\n", "no Varnish's management interface"),
        (b"", "closed the connection"),
        (b"200 12      \nshort", "closed the connection"),
        (b"400 4       \nbusy\n", "takes no commands (status 400): busy"),
        (b"400 4       \n\x1b[2m\n", r"takes no commands (status 400): \x1b[2m"),
    ],
)
def test_what_is_not_varnish_is_told_from_it(says: bytes, error: str) -> None:
    with peer(says) as server:
        assert error in error_of(server)


def test_a_varnish_without_a_secret_is_not_asked_for_one() -> None:
    with peer(b"200 2       \nhi\n200 0       \n\n") as server:
        assert error_of(server) == ""


def test_one_that_says_nothing_is_given_up_and_keeps_no_other_waiting() -> None:
    with peer(None) as silent, peer(b"200 2       \nhi\n200 0       \n\n") as good:
        caches = Caches([silent, good, silent], Path("/nonexistent"), patience=0.3)
        answers = list(caches.ban("req.url ~ ."))
    assert [answer.cache for answer in answers] == [str(good), str(silent)]
    assert "no answer within 0.3 seconds" in answers[1].error
    assert answers[1].seconds < 5


def test_a_name_that_cannot_be_one_is_told() -> None:
    assert error_of(CacheServer("a..b", 6082)) != ""


def test_a_ban_of_two_lines_is_never_sent() -> None:
    with pytest.raises(ValueError, match="one line"):
        list(Caches([], Path("/nonexistent")).ban("req.url ~ .\nvcl.use other"))
