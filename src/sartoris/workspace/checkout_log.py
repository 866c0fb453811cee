"""Where the work tree is on its way to, written down before git sets out.

A git that dies on its way leaves files of the commit that it went to, which nothing tells from a
person's own. So the next command has to know which commit that was, and what was kept before: the
first one may not have said it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sartoris import atomic

_KEPT = "refs/sartoris/"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class CheckoutLog:
    """The moves of one work tree that did not come to their end, in the file at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def interrupted(self) -> list[str]:
        """The commits that files in the work tree may be of, because a move to them did not end."""
        return [word for word in self._words() if _COMMIT.fullmatch(word)]

    @property
    def kept(self) -> list[str]:
        """The refs under which such moves have kept what they would have lost."""
        return [word for word in self._words() if word.startswith(_KEPT)]

    def keep(self, ref: str) -> None:
        """Remember a ref until the move that it was made for has come to its end."""
        self._write([*self._words(), ref])

    @contextmanager
    def to(self, commit: str) -> Iterator[None]:
        """While the body brings the work tree to `commit`. A body that fails has not ended."""
        self._write([*self.interrupted, *self.kept, commit])
        yield
        self.forget()

    def forget(self) -> None:
        """The work tree is known: a move has come to its end, or there is nothing in the tree."""
        self.path.unlink(missing_ok=True)

    def _words(self) -> list[str]:
        # A file that was damaged must not be in the way of an abort.
        try:
            return self.path.read_bytes().decode(errors="replace").split()
        except FileNotFoundError:
            return []

    def _write(self, words: list[str]) -> None:
        atomic.write_text(self.path, "".join(f"{word}\n" for word in dict.fromkeys(words)))
