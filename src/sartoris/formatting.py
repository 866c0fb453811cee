"""Numbers, times and strange text as a person reads them."""

from __future__ import annotations

import re
import signal
import time

# What moves a cursor, sets a title, hides text, or has letters stand in another order than they
# are read: C0 but tab and newline, DEL, C1, the separators that some take for a newline, the
# controls of writing direction; and halves of letters, which no file can hold. Letters of every
# language, and what joins them, stay as they are.
_HALVES = "\ud800-\udc7f\udd00-\udfff"
_CONTROLS = re.compile(
    f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069{_HALVES}]",
)
_BREAKS = re.compile(f"{_CONTROLS.pattern[:-1]}\n]")


def plural(count: int, noun: str) -> str:
    """`1 target`, `2 targets`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def duration(seconds: float) -> str:
    """`3 min`, `2 h 5 min`, `4 d 1 h`: two units at most, days included."""
    whole = int(max(seconds, 0))
    minutes, _ = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{whole} s"


def minute(at: float) -> str:
    """`2026-11-30 03:00`, of this machine's zone; `at` is in seconds since the epoch."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def size(count: int) -> str:
    """`512 bytes`, `3.4 MiB`, `12 GiB`."""
    amount, unit = float(count), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.0f} {unit}" if amount >= 10 or unit == "bytes" else f"{amount:.1f} {unit}"


def signal_name(number: int) -> str:
    """`SIGINT`."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def how_it_ended(exit_code: int | None) -> str:
    """`exit code 3`, `killed by SIGINT`; None is for what did not end by itself."""
    if exit_code is None:
        return "did not end"
    return f"exit code {exit_code}" if exit_code >= 0 else f"killed by {signal_name(-exit_code)}"


def shown(text: str) -> str:
    """`text`, whosever it is, as a terminal or a file for people may have it: lines and tabs."""
    return _CONTROLS.sub(_escaped, text)


def shown_on_one_line(text: str) -> str:
    """As `shown`; a newline is escaped, too, so that nobody makes a line of their own."""
    return _BREAKS.sub(_escaped, text)


def without_bytes(text: str) -> str:
    """With question marks for the bytes of a name that are no text."""
    if text.isascii():
        return text
    whole = re.sub(f"[{_HALVES}]", "\ufffd", text)
    return whole.encode(errors="surrogateescape").decode(errors="replace")


def hanging(text: str) -> str:
    """A text of several lines, where only the first can stand at the left edge, as ours do."""
    first, *more = text.split("\n")
    return "\n".join([first, *(one if one[:1] in ("", " ") else f"  {one}" for one in more)])


def _escaped(found: re.Match[str]) -> str:
    return repr(found[0])[1:-1]


def on_one_line(text: object) -> str:
    """`text` on one line and printable, whatever is in it."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in str(text))


def name_of(person: str) -> str:
    """`Some Deployer` of `Some Deployer <deployer@example.org>`."""
    return person.split(" <", 1)[0]


def quoted(value: str, longest: int = 200) -> str:
    """`value` on one line in double quotes, its beginning if it is longer than `longest`."""
    text = on_one_line(value)
    return f'"{text if len(text) <= longest else text[:longest] + "..."}"'
