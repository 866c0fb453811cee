"""An interrupt in the moment in which a program starts is late, and not lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from sartoris.interrupts import interrupts_held_back


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """The tests may have been started with SIGINT ignored, as a background job of a script is."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_waits_until_it_is_let_go_and_comes_once() -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), interrupts_held_back() as let_go:  # noqa: PT012 - steps
        signal.raise_signal(signal.SIGINT)
        steps.append("held back")
        let_go()
        steps.append("not reached")

    assert steps == ["held back"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_that_nobody_let_go_comes_at_the_end() -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - steps
        with interrupts_held_back():
            signal.raise_signal(signal.SIGINT)
            steps.append("held back")
        steps.append("not reached")

    assert steps == ["held back"]


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_held_back() as let_go:
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            let_go()
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_nothing_is_held_back_and_nothing_breaks() -> None:
    done = []

    def work() -> None:
        with interrupts_held_back() as let_go:
            let_go()
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert done == [True]
