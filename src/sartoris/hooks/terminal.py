"""Lend the terminal to a hook, as a shell does.

A hook runs in a process group of its own, so that all of it can be stopped. But only one process
group may read from a terminal and gets its Ctrl-C; without this, a hook that asks a question would
hang.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def terminal_to_lend() -> Iterator[Callable[[int], bool]]:
    """A function that lends the terminal to a process group, and says whether it could; it comes
    back at the end.

    Programs have to be started inside. Without a terminal, or in its background, nothing is lent.
    """
    terminal = _own_terminal()
    if terminal is None:
        yield _nothing_to_lend
        return
    # Ctrl-Z would stop the hook alone, and nobody would wake it: hooks inherit that it is ignored.
    before = {signal.SIGTSTP: signal.signal(signal.SIGTSTP, signal.SIG_IGN)}

    def lend(group: int) -> bool:
        # While it is lent we are in the background, where writing may stop a process.
        before[signal.SIGTTOU] = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        with suppress(OSError):  # it may have ended already
            os.tcsetpgrp(terminal, group)
            os.killpg(group, signal.SIGCONT)  # it may have tried to read too early
        return True

    try:
        yield lend
    finally:
        with suppress(OSError):
            os.tcsetpgrp(terminal, os.getpgrp())
        os.close(terminal)
        for number, handler in before.items():
            signal.signal(number, handler)


def _nothing_to_lend(group: int) -> bool:
    """Stands in for `lend`."""
    del group
    return False


def _own_terminal() -> int | None:
    """The controlling terminal, if we are in its foreground and may change signal handlers."""
    if threading.current_thread() is not threading.main_thread():
        return None
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    with suppress(OSError):
        if os.tcgetpgrp(terminal) == os.getpgrp():
            return terminal
    os.close(terminal)
    return None
