"""What each exit code means: those of the error classes, and the three that have no class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sartoris.display.ending import EX_SOFTWARE, INTERRUPTED
from sartoris.errors import SartorisError

_WITHOUT_CLASS = {
    0: "done; for a sync also when targets were left behind within `deploy.max-failed`, and the"
    " output names them",
    EX_SOFTWARE: "a bug in Sartoris; the message names a file with the details",
    INTERRUPTED: "interrupted from the keyboard; `git deploy status` tells where the rollout"
    " stands",
}


class ExitCode(NamedTuple):
    """`kind` is the class of `sartoris.errors` that has the code, "" for none."""

    code: int
    means: str
    kind: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.means[0].upper()}{self.means[1:]}."


def exit_codes() -> list[ExitCode]:
    """All of them, in order."""
    plain = [ExitCode(code, means) for code, means in _WITHOUT_CLASS.items()]
    return sorted([*plain, *_of_classes(SartorisError)])


def _of_classes(parent: type[SartorisError]) -> Iterator[ExitCode]:
    for kind in parent.__subclasses__():
        if "exit_code" in vars(kind):
            yield ExitCode(kind.exit_code, kind.means, kind.__name__)
        yield from _of_classes(kind)
