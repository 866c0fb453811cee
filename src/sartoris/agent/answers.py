"""Whether what somebody answered is an outcome: it may be anything, of any size."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

_WORD = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_LONGEST_LINE, _LONGEST_TEXT, _LONGEST_LIST = 1 << 13, 1 << 18, 1 << 22
_MOST_LINES = 10_000
_LONGEST_RELEASE = 255


class NoOutcome(ValueError):
    """It is none; `str()` says why."""


def outcome_in(said: Any) -> dict[str, Any]:
    """The fields of an outcome that are known, each as it has to be. Raises NoOutcome."""
    if not isinstance(said, dict):
        raise NoOutcome("it is no JSON object")
    if not isinstance(said.get("ok"), bool):
        raise NoOutcome("its field ok is missing, or neither true nor false")
    found = {name: said[name] for name in _FIELDS if name in said}
    for name, value in found.items():
        what, fits = _FIELDS[name]
        if not fits(value):
            raise NoOutcome(f"its field {name} is not {what}")
    if found["ok"] == bool(found.get("error")):
        raise NoOutcome("it is ok with an error, or is not without one")
    return found


def _is_text(value: Any, longest: int) -> bool:
    if not isinstance(value, str) or len(value) > longest:
        return False
    try:
        value.encode("utf-8", "surrogateescape")  # as the bytes of a file's name are kept
    except UnicodeEncodeError:
        return False
    return True


def _is_line(value: Any) -> bool:
    return _is_text(value, _LONGEST_LINE)


def _is_release(value: Any) -> bool:
    return _is_text(value, _LONGEST_RELEASE) and value.isprintable() and "/" not in value


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and (not value or _WORD.fullmatch(value) is not None)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return 0 <= value < 1 << 40 and math.isfinite(value)


def _all_are(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def are(value: Any) -> bool:
        few = isinstance(value, (list, tuple)) and len(value) <= _MOST_LINES
        return few and all(map(fits, value)) and sum(map(len, value)) <= _LONGEST_LIST

    return are


_FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "action": ("a word", _is_word),
    "ok": ("true or false", lambda value: isinstance(value, bool)),
    "error": ("a word", _is_word),
    "message": ("a text", _is_line),
    "seconds": ("a number of seconds", _is_number),
    "live": ("the name of a release", _is_release),
    "previous": ("the name of a release", _is_release),
    "held": ("a list of releases", _all_are(_is_release)),
    "due": ("a list of words", _all_are(_is_word)),
    "output": ("a text", lambda value: _is_text(value, _LONGEST_TEXT)),
    "complete": ("true, false or null", lambda value: value is None or isinstance(value, bool)),
    "changed": ("a list of names", _all_are(_is_line)),
    "added": ("a list of names", _all_are(_is_line)),
    "remains": ("a list of names", _all_are(_is_line)),
    "adopted": ("a text", _is_line),
    "shared": ("a list of lines", _all_are(_is_line)),
    "in_the_way": ("a word", _is_word),
    "came_by": ("a word", _is_word),
    "came_from": ("a text", _is_line),
    "came_bytes": ("a number of bytes", _is_number),
    "came_seconds": ("a number of seconds", _is_number),
    "came_refused": ("a list of lines", _all_are(_is_line)),
    "git": ("a text", _is_line),
    "lacks": ("a list of lines", _all_are(_is_line)),
}
