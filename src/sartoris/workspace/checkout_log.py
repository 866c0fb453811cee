"""Where the work tree is on its way to, written down before git sets out.

A git that dies on its way leaves files of the commit that it went to, which nothing tells from a
person's own. So the next command has to know which commit that was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sartoris import atomic

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class CheckoutLog:
    """The moves of one work tree that did not come to their end, in the file at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def interrupted(self) -> list[str]:
        """The commits that files in the work tree may be of, because a move to them did not end."""
        try:
            known = self.path.read_bytes()
        except FileNotFoundError:
            return []
        # A file that was damaged must not be in the way of an abort.
        return [line for line in known.decode(errors="replace").split() if _COMMIT.fullmatch(line)]

    @contextmanager
    def to(self, commit: str) -> Iterator[None]:
        """While the body brings the work tree to `commit`. A body that fails has not ended."""
        destinations = [*self.interrupted, commit]
        atomic.write_text(self.path, "".join(f"{one}\n" for one in dict.fromkeys(destinations)))
        yield
        self.forget()

    def forget(self) -> None:
        """The work tree is known: a move has come to its end, or there is nothing in the tree."""
        self.path.unlink(missing_ok=True)
