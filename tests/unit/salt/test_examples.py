"""The examples in the documentation of Salt's functions, as `salt` and `salt-run` show it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest

from sartoris.agent.parsing import parse
from sartoris.salt import runner
from sartoris.salt.module import functions as module_functions
from sartoris.salt.runner import functions

_SHOWN = [
    (module.__name__, name, getattr(module, name).__doc__ or "")
    for module in (module_functions, functions)
    for name in module.__load__
]
_SHOWN.append((runner.__name__, "", runner.__doc__ or ""))


def _orders() -> Iterator[tuple[str, dict[str, str]]]:
    """The function and the fields of each example that is an order to a slot."""
    for _, _, text in _SHOWN:
        for line in re.findall(r"^ *(salt(?:-run)? .*)$", _joined(text), re.MULTILINE):
            words = shlex.split(line)
            fields = dict(word.split("=", 1) for word in words if "=" in word)
            if fields:
                yield next(word for word in words if word.startswith("git_deploy.")), fields


def _joined(text: str) -> str:
    """With the lines that go on as a shell reads them."""
    return text.replace("\\\n", "")


@pytest.mark.parametrize(("module", "name", "text"), _SHOWN)
def test_a_line_that_goes_on_is_shown_as_two(module: str, name: str, text: str) -> None:
    del module, name
    # Python takes away a backslash before the end of a line, unless it is written twice.
    assert not re.search(r"\S {4,}\S", text)


@pytest.mark.parametrize(("function", "order"), list(_orders()))
def test_an_example_is_an_order_that_the_agent_takes(function: str, order: dict[str, str]) -> None:
    action = function.rpartition(".")[2]
    given = {**order, "commit": order.get("commit", "").replace("COMMIT", "a" * 40)}
    assert parse({"version": 1, **given, "action": action}).action == action
