"""JSON documents that another version of Sartoris will read, or has written.

Each is one JSON object with a `version`, a whole number that is raised only when an older Sartoris
would misunderstand the file; a file without one is of version 1. So a reader ignores fields that
it does not know (who writes the file again keeps them, in the field `unknown`), refuses a newer
version, and says what is wrong with a file that has a field of another type, or lacks one.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from sartoris import atomic
from sartoris.errors import Refused

T = TypeVar("T")

VERSION = "version"
_END_OF_TIME = 1e11  # seconds since the epoch; a calendar has no later ones

UNKNOWN = "unknown"  # the field of a class that holds what this version does not know


class NewerVersion(Refused):
    """A file was written by a later Sartoris, which this one would misunderstand."""

    def __init__(self, what: str, path: Path, version: int, newest: int) -> None:
        super().__init__(
            f"{what}, {path}, was written by a newer Sartoris (version {version}; this one reads up"
            f" to {newest}); upgrade Sartoris",
            next_steps=["git deploy --version   # of this Sartoris"],
        )


class Unreadable(Exception):
    """A file that is there is no such document. `why` is for a person; `path` is the file."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


class Malformed(ValueError):
    """A field is missing, or of another type."""


def read(path: Path, what: str, build: Callable[[dict[str, Any]], T], newest: int = 1) -> T | None:
    """What `build` makes of the document in `path`; None if there is no file.

    `what` is what a person calls the file, `newest` the version up to which `build` understands
    it. Raises `NewerVersion`, `Unreadable`, and OSError where the machine is at fault: the file may
    be whole then.
    """
    text = _text(path)
    if text is None:
        return None
    try:
        document = _parsed(text)
        version = document.get(VERSION, 1)
        if type(version) is not int or version < 1:
            raise Malformed("its version is no number")
        if version > newest:
            raise NewerVersion(what, path, version, newest)
        return build(document)
    except (ValueError, RecursionError) as error:
        raise Unreadable(path, str(error)) from error


def write(path: Path, fields: Mapping[str, Any], version: int = 1) -> None:
    """Replace the document in `path`, durably. What is no document there is kept beside it."""
    if not _is_document(path):
        keep_beside(path)
    atomic.write_text(path, text_of(fields, version))


def text_of(fields: Mapping[str, Any], version: int = 1) -> str:
    """The document as it is written."""
    import json

    return json.dumps({VERSION: version, **fields}, indent=1) + "\n"


def remove(path: Path) -> None:
    """Have no document in `path`. What is no document there is kept beside it."""
    if _is_document(path):
        path.unlink(missing_ok=True)
    else:
        keep_beside(path)


def keep_beside(path: Path) -> Path:
    """Give what stands in `path` a name of its own, which is returned."""
    number = 1
    while True:
        aside = path.with_name(f"{path.name}.unreadable-{number}")
        if not os.path.lexists(aside):
            return path.rename(aside)
        number += 1


def values_of(cls: type[Any], document: object, **special: Callable[[Any], Any]) -> dict[str, Any]:
    """The arguments for `cls`, a dataclass or NamedTuple, from a document's fields.

    `special` reads the fields whose type is none of JSON's, and raises ValueError. Fields that
    `cls` does not know are in its field `unknown`. Raises `Malformed`.
    """
    if not isinstance(document, dict):
        raise Malformed("it is no JSON object")
    types = {name: _name(kind) for name, kind in cls.__annotations__.items() if name != UNKNOWN}
    values = {name: document[name] for name in types if name in document}
    for name in _required(cls):
        if name not in values:
            raise Malformed(f"the field {name} is missing")
    for name, value in values.items():
        read_field = special.get(name) or _READERS[types[name]]
        try:
            values[name] = read_field(value)
        except (ValueError, TypeError) as error:
            raise Malformed(f"the field {name} is not as expected: {error}") from error
    return {**values, UNKNOWN: unknown_in(document, *types)}


def unknown_in(document: Mapping[str, Any], *known: str) -> dict[str, Any]:
    """The fields of a document beside its version and the known ones."""
    return {name: value for name, value in document.items() if name not in (VERSION, *known)}


def fields_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What to write of an object's values: its fields, and those of a later version."""
    known = {name: value for name, value in values.items() if name != UNKNOWN}
    return {**values.get(UNKNOWN, {}), **known}


def _text(path: Path) -> str | None:
    """The text of a file; a pipe in its place is not waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        if path.is_symlink():
            raise Unreadable(path, "it is a symbolic link that leads nowhere") from error
        return None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a circle of links, a socket
            raise Unreadable(path, os.strerror(error.errno)) from error
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unreadable(path, "it is not a file")
        with open(descriptor, encoding="utf-8", errors="surrogateescape", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def _parsed(text: str) -> dict[str, Any]:
    import json

    if not text.strip():
        raise Malformed("it is empty")
    document = json.loads(text)
    if not isinstance(document, dict):
        raise Malformed("it is no JSON object")
    return document


def _is_document(path: Path) -> bool:
    """Whether nothing is lost when a document in `path` is replaced; nothing there is fine too."""
    try:
        text = _text(path)
        return text is None or bool(_parsed(text))
    except (Unreadable, ValueError, RecursionError):
        return False


def _name(kind: Any) -> str:
    """A type as it is written in the source; a NamedTuple wraps it."""
    return str(getattr(kind, "__forward_arg__", kind))


def _required(cls: type[Any]) -> list[str]:
    fields = getattr(cls, "__dataclass_fields__", None)
    if fields is None:
        return [name for name in cls._fields if name not in cls._field_defaults]
    from dataclasses import MISSING

    defaults = {name: (one.default, one.default_factory) for name, one in fields.items()}
    return [name for name, default in defaults.items() if default == (MISSING, MISSING)]


def _of_type(*types: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if type(value) not in types:
            raise Malformed(f"{type(value).__name__} instead of {types[0].__name__}")
        return value

    return check


def _text_value(value: Any) -> str:
    """Text that can be shown, and given to a program."""
    text: str = _of_type(str)(value)
    text.encode("utf-8", "surrogateescape")
    if "\0" in text:
        raise Malformed("it has a character NUL")
    return text


def _time_value(value: Any) -> float:
    """All numbers that are no whole ones are times, in seconds since the epoch."""
    seconds = _of_type(float, int)(value)
    if not 0 <= seconds < _END_OF_TIME:
        raise Malformed("it is no time")
    return float(seconds)


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(_READERS["str"](one) for one in _of_type(list)(value))


def _named_strings(value: Any) -> dict[str, str]:
    return {name: _READERS["str"](one) for name, one in _of_type(dict)(value).items()}


_READERS: dict[str, Callable[[Any], Any]] = {
    "str": _text_value,
    "bool": _of_type(bool),
    "int": _of_type(int),
    "float": _time_value,
    "tuple[str, ...]": _strings,
    "Mapping[str, str]": _named_strings,
}
