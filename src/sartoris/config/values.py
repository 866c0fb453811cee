"""The kinds of value that a key can have: what each looks like, and how it is read.

A parser takes the text that git read and returns the typed value, or raises `BadValue` with what
is wrong and what was probably meant. Parsers know nothing of keys, files or sections.
"""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

PLACEHOLDERS = ("prefix", "repo")

# Patterns are compiled where they are used: most starts need few of them.
_NAME = r"[A-Za-z0-9_][A-Za-z0-9._+@=-]*"
_TARGET_NAME = r"[A-Za-z0-9_][A-Za-z0-9._+@-]*"
_USER = r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?"
_SERVICE = r"[A-Za-z0-9_][A-Za-z0-9:_.@-]{0,250}"
_OTHER_UNITS = (
    *("target", "socket", "mount", "automount", "device"),
    *("swap", "path", "timer", "slice", "scope"),
)
_ENDS_IN_DATE = r".*(?:^|[-_])[0-9]{8}(?:[-_]?[0-9]{4}(?:[0-9]{2})?)?"
_INTEGER = r"([+-]?)(0[xX][0-9a-fA-F]{1,15}|0[0-7]{0,18}|[1-9][0-9]{0,17})([kKmMgG]?)"
_SHARE = r"([0-9]{1,9})(%?)"
_CONTROL = r"[\x00-\x1f\x7f]"
_BRACED = r"\{([^{}]*)\}"

# As time goes on: over the end of a second, a minute, an hour, a month with more digits after it,
# noon, and a year.
_MOMENTS = (
    (2026, 9, 30, 9, 58, 59, 2, 273, 0),
    (2026, 9, 30, 9, 59, 0, 2, 273, 0),
    (2026, 9, 30, 9, 59, 1, 2, 273, 0),
    (2026, 9, 30, 10, 0, 0, 2, 273, 0),
    (2026, 10, 1, 10, 0, 0, 3, 274, 0),
    (2026, 10, 1, 13, 0, 0, 3, 274, 0),
    (2026, 12, 31, 23, 59, 0, 3, 365, 0),
    (2027, 1, 1, 0, 0, 0, 4, 1, 0),
)

_TRUE, _FALSE = frozenset({"true", "yes", "on"}), frozenset({"false", "no", "off", ""})
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


class BadValue(ValueError):
    """The text is not a value of this kind. `str()` says why, and what to write instead."""


class Kind(NamedTuple):
    """One kind of value.

    `words` completes "The value is ...". `commands`: a value in backticks is a command whose output
    is the value, as in git-deploy (there for strings and paths; git itself refuses backticks in
    numbers and booleans). `planned` are values that a later version will take.
    """

    words: str
    parse: Callable[[str], Any]
    commands: bool = False
    planned: tuple[str, ...] = ()


class CountOrPercent(NamedTuple):
    """A part of a group: a count, or a percentage of it."""

    amount: int
    percent: bool = False

    def of(self, total: int) -> int:
        """How many of `total` this is at most: rounded down, and never more than there are."""
        return min(total, total * self.amount // 100 if self.percent else self.amount)

    def at_least_one(self, total: int) -> int:
        """The same, but 1 where it would round down to nothing: the size of a batch."""
        return max(1, self.of(total))

    def __str__(self) -> str:
        return f"{self.amount}%" if self.percent else str(self.amount)


def check_prefix(text: str) -> str:
    """`text` if it is safe in front of a rollout tag and as a directory name.

    Raises `BadValue`. Prefixes from the command line go through the same check.
    """
    check_name(text)
    if re.fullmatch(_ENDS_IN_DATE, text):
        raise BadValue("ends like a rollout's date; tags could not be told apart")
    return text


def check_name(text: str, pattern: str = _NAME) -> str:
    """`text` if it is safe as a part of a ref name, a path and a command line; or `BadValue`."""
    allowed = "._+@=-" if pattern is _NAME else "._+@-"
    if not re.fullmatch(pattern, text):
        raise BadValue(
            f"is not a safe name: use ASCII letters, digits and {allowed}, "
            "with a letter, digit or _ first"
        )
    if ".." in text or text.endswith(".lock"):
        raise BadValue('is not a safe name: no "..", and not ".lock" at the end')
    return text


def check_target_path(text: str, placeholders: Iterable[str] = ()) -> str:
    """`text` if it is a path for a slot: absolute, plain, and with these placeholders at most.

    Returned without doubled and final slashes. Raises `BadValue`.
    """
    no_control_characters(text)
    _only_known_placeholders(text, tuple(placeholders))
    if not text.startswith("/"):
        raise BadValue("is not an absolute path; it must start with /")
    parts = [part for part in text.split("/") if part]
    if not parts:
        raise BadValue("is the root directory; name a directory below it")
    if ".." in parts or "." in parts:
        raise BadValue('has "." or ".." in it; write the path without')
    return "/" + "/".join(parts)


def _only_known_placeholders(text: str, known: tuple[str, ...]) -> None:
    braced = ", ".join(f"{{{name}}}" for name in known) or "none here"
    for name in re.findall(_BRACED, text):
        if name not in known:
            raise BadValue(f"has the unknown placeholder {{{name}}}; there are: {braced}")
    if re.search(r"[{}]", re.sub(_BRACED, "", text)):
        raise BadValue(f"has a single brace; placeholders are: {braced}")


def no_control_characters(text: str) -> None:
    if re.search(_CONTROL, text):
        raise BadValue("has a control character in it")


def parse_boolean(text: str) -> bool:
    """git's own spellings: true, yes, on; false, no, off, empty; and any integer."""
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    if re.fullmatch(_INTEGER, text):
        return _integer(text) != 0
    raise BadValue("is not a boolean; write true or false")


def _integer(text: str) -> int:
    """git's own spellings: 12, 0x1f, 017 (octal), and the units k, m and g."""
    match = re.fullmatch(_INTEGER, text)
    if not match:
        raise BadValue("is not a whole number")
    sign, digits, unit = match.groups()
    octal = digits[0] == "0" and digits[1:].isdigit()
    number = int(digits, 8) if octal else int(digits, 0)
    return (-1 if sign == "-" else 1) * number * _UNITS[unit.lower()]


_LARGEST = 1_000_000_000  # what clocks and counters of every kind can take


def _number(minimum: int, maximum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = _integer(text)
        if number < minimum:
            raise BadValue(f"is too small; {minimum} is the least")
        if number > maximum:
            raise BadValue(f"is too large; {maximum} is the most")
        return number

    return parse


def parse_umask(text: str) -> int:
    """git reads a leading 0 as octal, so `22` is another umask than the one people mean."""
    mask = _integer(text)
    if not 0 <= mask <= 0o777:
        raise BadValue("is not a umask; write it as 0022")
    if not text.startswith("0") and mask > 7:
        raise BadValue(f"is decimal, which is the umask {mask:04o}; write 0{text} for octal")
    return mask


def parse_share(text: str) -> CountOrPercent:
    match = re.fullmatch(_SHARE, text)
    if not match:
        raise BadValue("is not a number of targets; write N or N%, as in 2 or 10%")
    share = CountOrPercent(int(match[1]), bool(match[2]))
    if share.percent and share.amount > 100:
        raise BadValue("is more than all; 100% is the most")
    return share


def parse_batch(text: str) -> CountOrPercent:
    share = parse_share(text)
    if share.amount == 0:
        raise BadValue("would never switch a target; 1 is the least")
    return share


def parse_line(text: str) -> str:
    no_control_characters(text)
    return text


def parse_address(text: str) -> str | None:
    """A mail address, or git-deploy's two words for none."""
    return None if text in ("none", "silent") else parse_line(text)


def parse_local_path(text: str) -> Path:
    """A path on the deployment server, `~/` and `~user/` expanded as git's `--type=path` does."""
    if "\0" in text:
        raise BadValue("has a control character in it")
    expanded = os.path.expanduser(text)  # noqa: PTH111 - tells an unknown user by returning the same
    if text.startswith("~") and expanded == text:
        user = text.partition("/")[0]
        raise BadValue(f"names the home directory {user}, and there is none")
    return Path(expanded)


def parse_path_inside(text: str) -> str:
    """A path inside the release, relative to its top."""
    no_control_characters(text)
    parts = text.split("/")
    if text.startswith("/"):
        raise BadValue("is absolute; write it relative to the top of the release")
    if not all(parts) or "." in parts or ".." in parts:
        raise BadValue('has "..", "." or a doubled or final slash in it; write the plain path')
    if ".git" in (part.lower() for part in parts):
        raise BadValue("is inside .git")
    return text


def parse_shared(text: str) -> str:
    """A path inside the release, of a directory if it ends in a slash."""
    parse_path_inside(text.removesuffix("/"))
    return text


def parse_url(text: str) -> str:
    no_control_characters(text)
    if text.startswith("-"):
        raise BadValue("starts with a dash; git would take it for an option")
    return text


def parse_service(text: str) -> str:
    """The name of a service; systemd has other units, some of which halt the machine."""
    name, dot, kind = text.rpartition(".")
    if not re.fullmatch(_SERVICE, text):
        raise BadValue("is not the name of a service, such as php8.2-fpm")
    if dot and name and kind in _OTHER_UNITS:
        raise BadValue(f"is a {kind} of systemd; only services can be acted on")
    return text


def parse_program(text: str) -> tuple[str, ...]:
    """A command in words, quoted as for a shell, which does not run it."""
    import shlex

    no_control_characters(text)
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise BadValue(f"cannot be split into words: {error}") from error
    if not words:
        raise BadValue("names no program")
    return words


def parse_user(text: str) -> str:
    if not re.fullmatch(_USER, text):
        raise BadValue("is not the name of a user")
    return text


def check_target_name(text: str) -> str:
    return check_name(text, _TARGET_NAME)


def parse_date_format(text: str) -> str:
    """A strftime(3) format whose dates are safe in a tag and sort by time, to the second."""
    try:
        dates = [time.strftime(text, moment) for moment in _MOMENTS]
    except ValueError as error:
        raise BadValue("is not a date format") from error
    for date in dates:
        safe = re.fullmatch(r"[A-Za-z0-9._+=-]+", date) and ".." not in date
        if not safe or date.endswith((".", ".lock")):
            raise BadValue(f'gives "{date}", which is not safe in a tag')
        if not date[0].isdigit():
            raise BadValue(f'gives "{date}"; tags are known by the digit after their prefix')
    second, next_second = dates[1:3]
    if second == next_second and second < dates[-1]:
        raise BadValue(
            f'gives "{second}" again a second later; the tags of one rollout need seconds, '
            "as in %Y%m%d-%H%M%S"
        )
    for earlier, later in itertools.pairwise(dates):
        if not earlier < later:
            raise BadValue(f'gives "{earlier}", then "{later}"; tags would not sort by time')
    return text


def choice(*values: str, planned: tuple[str, ...] = ()) -> Kind:
    """The kind whose value is one of a few words."""

    def parse(text: str) -> str:
        if text in planned:
            raise BadValue(f"is not in this version yet; it has: {', '.join(values)}")
        if text not in values:
            raise BadValue(f"is not one of: {', '.join(values)}")
        return text

    return Kind("one of " + ", ".join(f"`{value}`" for value in values), parse, planned=planned)


def number(minimum: int, words: str = "a whole number", *, most: int = 0) -> Kind:
    """The kind of whole numbers. `most` is the largest, where it is one that people may reach."""
    bounds = f"from {minimum} to {most}" if most else f"{minimum} or more"
    return Kind(f"{words}, {bounds}", _number(minimum, most or _LARGEST))


BOOLEAN = Kind("a boolean", parse_boolean)
UMASK = Kind("a umask, in octal with a leading 0", parse_umask)
SHARE = Kind("a number of targets, `N` or `N%`", parse_share)
BATCH = Kind("a number of targets, `N` or `N%`, at least 1", parse_batch)
LINE = Kind("text on one line", parse_line, commands=True)
TEXT = Kind("text", str, commands=True)
ADDRESS = Kind("one or more mail addresses, or `none`", parse_address, commands=True)
LOCAL_PATH = Kind("a path on the deployment server", parse_local_path, commands=True)
TARGET_PATH = Kind(
    "an absolute path on the targets, with `{prefix}` and `{repo}` filled in",
    lambda text: check_target_path(text, PLACEHOLDERS),
    commands=True,
)
PATH_INSIDE = Kind("a path inside the release", parse_path_inside, commands=True)
SHARED = Kind(
    "a path inside the release, with a final `/` for a directory", parse_shared, commands=True
)
PREFIX = Kind("a name", check_prefix, commands=True)
URL = Kind("a URL, or a path", parse_url, commands=True)
DATE_FORMAT = Kind("a strftime(3) format", parse_date_format, commands=True)
PROGRAM = Kind("a command", parse_program)
USER = Kind("the name of a user", parse_user)
SERVICE = Kind("the name of a service", parse_service, commands=True)
TARGET_NAME = Kind("the name of a target", check_target_name)
