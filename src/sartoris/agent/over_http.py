"""Packs that a target gets by HTTP: from its zone's relay, a cache, or beside the url itself.

Whoever carries it is not trusted: the order says the hash. What was received of a pack when the
connection was cut is kept, and the rest is asked for.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Optional

from sartoris.agent.files import create, remove
from sartoris.agent.order import Order
from sartoris.agent.packs import BadPack, Brought
from sartoris.agent.parsing import without_password
from sartoris.agent.place import Place
from sartoris.agent.programs import Programs

_AT_ONCE = 1 << 16  # bytes
_SILENCE = 15.0  # seconds that a server may say nothing
_CUTS = 5  # times that a connection to one server may be cut with something received


class _Unavailable(Exception):
    """A server does not give the pack."""


class OverHttp:
    """Brings the order's release as one of the packs that the order names."""

    def __init__(self, order: Order, place: Place, programs: Programs) -> None:
        self._order, self._place, self._programs = order, place, programs

    def __call__(self, held: Sequence[str]) -> Optional[Brought]:
        """None when no pack is for who holds these. Raises BadPack, Failure, OSError."""
        named = self._named(held)
        if named is None:
            return None
        sha256, size = str(named["sha256"]), int(named["size"])
        here = self._place.own / f".pack-{self._order.slot}-{sha256}.part"
        for left in self._place.own.glob(f".pack-{self._order.slot}-*.part"):
            if left != here:
                remove(left)
        refused: list[str] = []
        problem = ""
        for base in self._bases():
            url = f"{base.rstrip('/')}/{sha256}.pack"
            try:
                found = _Download(url, sha256, size, here, self._programs).run()
            except _Unavailable as why:
                problem = f"{without_password(url)}: {why}"
                continue
            if found:
                return self._brought(named, here, url, refused)
            refused.append(without_password(url))
        problem = problem or f"{refused[-1]} gives other bytes than the order says"
        raise BadPack(f"no server gives the pack of the release: {problem}", refused)

    def _brought(
        self, named: Mapping[str, Any], here: Path, url: str, refused: Sequence[str]
    ) -> Brought:
        return Brought(
            sha256=str(named["sha256"]),
            size=int(named["size"]),
            base=str(named["from"]),
            open=lambda: here.open("rb"),
            came_from=without_password(url),
            path=here,
            passing=True,
            refused=tuple(refused),
        )

    def _named(self, held: Sequence[str]) -> Optional[dict[str, Any]]:
        """The pack for the newest release that is held; that of everything, where none is."""
        for commit in held or [""]:
            for one in self._order.packs:
                if one["from"] == commit:
                    return one
        return None

    def _bases(self) -> list[str]:
        own = [
            str(relay["url"])
            for relay in self._order.relays
            if self._order.target and self._order.target in relay["targets"]
        ]
        return list(dict.fromkeys([*own, *self._order.pack_urls]))


class _Download:
    """One pack from one server, into the file `here`, which may have its beginning already."""

    def __init__(self, url: str, sha256: str, size: int, here: Path, programs: Programs) -> None:
        self._url, self._sha256, self._size = url, sha256, size
        self._here, self._programs = here, programs
        # Who drips may not use up the time of all others.
        self._until = programs.left() / 2

    def run(self) -> bool:
        """Whether the file is the pack now; it is gone when the server has given other bytes.

        Raises _Unavailable, Failure when the time is up, OSError of what is `here`.
        """
        begun = self._have() > 0
        self._receive()
        if self._is_right():
            return True
        remove(self._here)
        if not begun:
            return False
        self._receive()  # the beginning may have been another server's
        if self._is_right():
            return True
        remove(self._here)
        return False

    def _have(self) -> int:
        try:
            return self._here.stat().st_size
        except FileNotFoundError:
            return 0

    def _is_right(self) -> bool:
        digest = hashlib.sha256()
        with self._here.open("rb") as file:
            while chunk := file.read(_AT_ONCE * 16):
                digest.update(chunk)
        return digest.hexdigest() == self._sha256

    def _receive(self) -> None:
        """Have all bytes, or as many as a server gives that is cut again and again."""
        why = ""
        for _ in range(_CUTS):
            before = self._have()
            if before > self._size:
                remove(self._here)
                before = 0
            if before == self._size:
                return
            why = self._ask(before)
            if self._have() == self._size:
                return
            if self._have() <= before:
                break
        raise _Unavailable(why)

    def _ask(self, begin: int) -> str:
        """Ask for what is from `begin` on; why not all of it came."""
        import urllib.error
        import urllib.request

        headers = {"User-Agent": "sartoris", "Accept-Encoding": "identity"}
        if begin:
            headers["Range"] = f"bytes={begin}-"
        request = urllib.request.Request(self._url, headers=headers)
        try:
            answer = urllib.request.urlopen(request, timeout=self._patience())
        except urllib.error.HTTPError as error:
            error.close()
            if begin and error.code == 416:  # it has less than that
                remove(self._here)
            return f"HTTP status {error.code}"
        except _troubles() as error:
            return _in_words(error)
        with answer:
            if answer.status == 206 and begin:
                said = answer.headers.get("Content-Range", "")
                if re.match(rf"bytes {begin}-", said) is None:
                    remove(self._here)
                    return "it gives another part than was asked for"
            elif answer.status == 200:
                begin = 0
            else:
                return f"HTTP status {answer.status}"
            with self._opened(begin) as file:
                return self._copy(answer, file, begin)

    def _opened(self, begin: int) -> BinaryIO:
        if not begin:
            remove(self._here)
            return create(self._here, 0o600)
        descriptor = os.open(self._here, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        file = os.fdopen(descriptor, "wb")
        file.seek(begin)
        return file

    def _copy(self, answer: Any, file: BinaryIO, have: int) -> str:
        while have < self._size:
            if self._programs.left() <= self._until:
                return "it is too slow"
            try:
                chunk = answer.read1(min(_AT_ONCE, self._size - have))
            except _troubles() as error:
                return _in_words(error)
            if not chunk:
                return f"it ended after {have} of {self._size} bytes"
            file.write(chunk)
            have += len(chunk)
        return ""

    def _patience(self) -> float:
        left = self._programs.left()
        if left <= 0:
            raise self._programs.too_late()
        return min(left, _SILENCE)


def _troubles() -> tuple[type[Exception], ...]:
    """What is raised for a network, or a server, that does not do what it should."""
    import http.client  # which takes longer than the rest of the agent together

    return (OSError, http.client.HTTPException, ValueError)


def _in_words(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", "") or reason or type(error).__name__)
