"""Shows what hooks write, as it comes and byte by byte, on standard error."""

from __future__ import annotations

from sartoris.events import Event, HookOutput
from sartoris.hooks.listener import to_standard_error


class HookText:
    """For people, and beside `--json` too, whose standard output is for programs."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, HookOutput):
            to_standard_error(event.text.encode(errors="surrogateescape"))
