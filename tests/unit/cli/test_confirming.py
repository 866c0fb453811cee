"""Who is asked on a terminal, and what is said where there is none."""

from __future__ import annotations

import io
import sys

import pytest

from sartoris.cli.confirming import Asking
from sartoris.rollout.asking import NotConfirmed

TYPED = ("start", "slot0")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("answer", ["y\n", "Yes\n"])
def test_a_yes_goes_on(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    Asking(TYPED, yes=False)("Really?")


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "yess\n"])
def test_anything_else_does_not(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    with pytest.raises(NotConfirmed):
        Asking(TYPED, yes=False)("Really?")


def test_without_a_terminal_the_option_is_named_and_nothing_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(NotConfirmed, match="no terminal") as refused:
        Asking(TYPED, yes=False)("Really?", instead=["git status"])
    assert list(refused.value.next_steps) == ["git status", "git deploy start slot0 --yes"]
    Asking(TYPED, yes=True)("Really?")
