"""Commands as a person types them into a shell."""

from __future__ import annotations


def command(*arguments: str) -> str:
    """A command that can be pasted into a shell."""
    import shlex

    return shlex.join(arguments)
