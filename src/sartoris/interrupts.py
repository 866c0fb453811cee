"""Hold an interrupt back for the moment in which a program has started and is not yet watched."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupts_held_back() -> Iterator[Callable[[], None]]:
    """SIGINT and SIGTERM wait until the function that this gives is called, or until the end.

    Only signals with a handler in Python are held back, and only in the main thread, where those
    run. A program that is started inside does not inherit any of this.
    """
    came: list[tuple[int, FrameType | None]] = []
    handlers = _handlers_in_python()

    def let_go() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        while came:
            number, frame = came.pop(0)
            handlers[number](number, frame)

    for number in handlers:
        signal.signal(number, lambda number, frame: came.append((number, frame)))
    try:
        yield let_go
    finally:
        let_go()


def _handlers_in_python() -> dict[int, Callable[[int, FrameType | None], object]]:
    if threading.current_thread() is not threading.main_thread():
        return {}
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    return {number: handler for number, handler in handlers.items() if callable(handler)}
