"""Commands as a person types them into a shell."""

from __future__ import annotations

from sartoris.formatting import shown_on_one_line


def command(*arguments: str) -> str:
    """A command that can be pasted into a shell, and shown."""
    return " ".join(map(_quoted, arguments))


def _quoted(argument: str) -> str:
    import shlex

    if shown_on_one_line(argument) == argument:
        return shlex.quote(argument)
    # bash, zsh, ksh and the newest POSIX read escapes in such quotes, and a terminal obeys none.
    safe = argument.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{shown_on_one_line(safe)}'"
