"""What Salt shows of a function that sends orders: what it does, and a line to type."""

from __future__ import annotations

from collections.abc import Sequence

from sartoris.agent.actions import ACTIONS

_SLOT = ("repository", "slot", "path")
_EXAMPLES = {
    "repository": "mediawiki",
    "slot": "slot0",
    "path": "/srv/php-slot0",
    "release": "slot0-20261123-140200",
    "commit": "COMMIT",
    "url": "http://deploy/mediawiki.git",
    "service": "php8.2-fpm",
    "service_action": "reload",
}
_ON_A_LINE = 3  # fields


def help_of(name: str, command: str, *more: str) -> str:
    """The docstring of the function for the action `name`, in the form that Salt wants.

    `command` is how it is called, `more` are paragraphs about its other arguments.
    """
    action = ACTIONS[name]
    fields = () if action.looks else (*_SLOT, *(action.example or action.needs))
    said = [f"{field}={_EXAMPLES[field]}" for field in fields]
    example = " \\\n        ".join([command, *_lines(said)])
    kind = "CLI Example:\n\n.. code-block:: bash"
    return "\n\n".join(["\n" + action.meaning, *more, kind, f"    {example}\n"])


def _lines(words: Sequence[str]) -> list[str]:
    starts = range(0, len(words), _ON_A_LINE)
    return [" ".join(words[start : start + _ON_A_LINE]) for start in starts]
