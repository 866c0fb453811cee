"""The order, checked: its names and paths are safe to build file names from."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from sartoris.agent.actions import ACTIONS, LEVEL
from sartoris.agent.errors import Failure
from sartoris.agent.order import SERVICE_ACTIONS, SUBMODULES, SWITCH_MODES, VERSION, Order, types_of

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+@=-]*")
_REPOSITORY = re.compile(r"[^-./\x00-\x1f\x7f][^/\x00-\x1f\x7f]*")
# Only services: systemd has units that halt the machine when they are started.
_UNIT = re.compile(
    r"[A-Za-z0-9_][A-Za-z0-9:_.@-]{0,250}(?<!\.target)(?<!\.socket)(?<!\.mount)(?<!\.automount)"
    r"(?<!\.device)(?<!\.swap)(?<!\.path)(?<!\.timer)(?<!\.slice)(?<!\.scope)"
)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_HTTP = re.compile(r"https?://[!-~]+", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HIGHEST_LEVEL = 1_000_000
# What no clock, loop or file system of a target is troubled by, and nobody needs more of.
_NUMBERS = {
    "timeout": (1, 7 * 24 * 3600),
    "keep": (0, 10_000),
    "size": (0, 1 << 50),
    "decided": (0, 1 << 53),
}
_MOST_LISTED = 1000
_SHOWN = 200  # characters of a value
_LONGEST_NAME = 200  # bytes; suffixes have to fit below the 255 that file systems allow


def parse(raw: Any) -> Order:
    """The order in a decoded JSON document. Raises Failure."""
    if not isinstance(raw, dict):
        raise Failure("bad-order", "the order is not a JSON object")
    version = raw.get("version")
    if type(version) is not int or version != VERSION:
        message = f"order of version {_shown(version)}; this agent knows {VERSION}"
        raise Failure("unknown-version", message)
    _check_level(raw.get("level", 1))
    order = Order(**_typed_fields(raw))
    _check(order)
    return order


def _check_level(level: object) -> None:
    """Before all else: an action or a value that is not known is then not called a mistake."""
    if not isinstance(level, int) or isinstance(level, bool):
        raise _bad("level", "is not of type int")
    _check_number("level", level, 0, _HIGHEST_LEVEL)
    if level > LEVEL:
        message = f"this target's agent is of level {LEVEL}, the order needs {level}"
        raise Failure("agent-too-old", message)


def _typed_fields(raw: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, kind in types_of(Order).items():
        if name not in raw:
            if name not in Order._field_defaults:
                raise _bad(name, "is missing")
            continue
        fields[name] = _typed(name, kind, raw[name])
    return fields


def _typed(name: str, kind: str, value: object) -> object:
    if kind == "tuple[str, ...]":
        if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
            raise _bad(name, "is not a list of strings")
        if len(value) > _MOST_LISTED:
            raise _bad(name, f"is a list of more than {_MOST_LISTED}")
        return tuple(value)
    if kind == "tuple[dict[str, Any], ...]":
        if not isinstance(value, (list, tuple)) or not all(isinstance(one, dict) for one in value):
            raise _bad(name, "is not a list of objects")
        if len(value) > _MOST_LISTED:
            raise _bad(name, f"is a list of more than {_MOST_LISTED}")
        return tuple(value)
    if type(value).__name__ != kind:
        raise _bad(name, f"is not of type {kind}")
    return value


def _check(order: Order) -> None:
    _check_choice("action", order.action, tuple(ACTIONS))
    _check_choice("switch", order.switch, SWITCH_MODES)
    _check_choice("submodules", order.submodules, SUBMODULES)
    _check_choice("service_action", order.service_action, ("", *SERVICE_ACTIONS))
    _check_needed(order)
    _check_names(order)
    check_path(order.path)
    if order.moved_from:
        check_path(order.moved_from)
    _check_url(order.url)
    _check_packs(order)
    _check_service(order)
    _check_inner_paths(order)
    if order.deploy_text and not _encoded_length(order.deploy_text):
        raise _bad("deploy_text", "is not text that can be written")
    for name, (least, most) in _NUMBERS.items():
        _check_number(name, getattr(order, name), least, most)


def _check_number(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise _bad(field, f"is not a number from {least} to {most}")


def _check_choice(field: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise _bad(field, f"is not one of {', '.join(filter(None, choices))}", value)


def _check_needed(order: Order) -> None:
    missing = [name for name in ACTIONS[order.action].needs if not getattr(order, name)]
    if missing:
        raise Failure("bad-order", f"an order to {order.action} needs {' and '.join(missing)}")


def _check_names(order: Order) -> None:
    _check_name("repository", order.repository, _REPOSITORY)
    _check_name("slot", order.slot, _NAME)
    for field, release in (("release", order.release), ("left", order.left)):
        if release:
            _check_name(field, release, _NAME)
    if order.commit and not _COMMIT.fullmatch(order.commit):
        raise _bad("commit", "is not a full commit id", order.commit)


def _check_name(field: str, value: str, pattern: re.Pattern[str]) -> None:
    safe = pattern.fullmatch(value) and ".." not in value and not value.endswith((".lock", "."))
    if not safe or not 0 < _encoded_length(value) <= _LONGEST_NAME:
        raise _bad(field, "is not a name that is safe to use in file names", value)


def check_path(path: str) -> None:
    parts = path.split("/")
    normal = parts[0] == "" and all(part not in ("", ".", "..") for part in parts[1:])
    if not normal or _CONTROL.search(path) or not _encoded_length(path):
        raise _bad("path", "is not an absolute, normalised path without control characters", path)
    if ".sartoris" in parts:
        raise _bad("path", "lies inside .sartoris, which is the agent's own", path)


def _check_url(url: str) -> None:
    if url.startswith("-") or _CONTROL.search(url) or (url and not _encoded_length(url)):
        raise _bad("url", "is not safe to hand to git", url)


def _check_packs(order: Order) -> None:
    for one in order.packs:
        base, sha256, size = one.get("from"), one.get("sha256"), one.get("size")
        texts = isinstance(base, str) and isinstance(sha256, str)
        if not texts or not re.fullmatch(_DIGEST, str(sha256)):
            raise _bad("packs", "has one without its commit and hash")
        if base and not _COMMIT.fullmatch(str(base)):
            raise _bad("packs", "has one for what is not a full commit id", str(base))
        if type(size) is not int or not 0 < size <= _NUMBERS["size"][1]:
            raise _bad("packs", "has one without a size")
    for relay in order.relays:
        names = relay.get("targets")
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            raise _bad("relays", "has one without targets")
    for url in (*order.pack_urls, *(relay.get("url") for relay in order.relays)):
        if not isinstance(url, str) or not _HTTP.fullmatch(url):
            raise _bad("pack_urls", "is not of URLs by HTTP", str(url))


def _check_service(order: Order) -> None:
    if order.service:
        check_unit(order.service)
    if order.action == "switch" and order.service and order.service_action in ("", "status"):
        raise _bad("service_action", "does nothing after a switch", order.service_action)


def check_unit(name: str) -> None:
    if not _UNIT.fullmatch(name):
        raise _bad("service", "is not the name of a service", name)


def _check_inner_paths(order: Order) -> None:
    placed = [("shared", path) for path in order.shared]
    if order.deploy_text:
        placed.append(("deploy_file", order.deploy_file))
    for field, path in placed:
        parts = path.split("/")
        odd = any(part in ("", ".", "..") or part.lower() == ".git" for part in parts)
        if odd or path.startswith("-") or _CONTROL.search(path) or not _encoded_length(path):
            raise _bad(field, "is not a safe path inside the release", path)
    if not set(order.share) <= set(order.shared):
        raise _bad("share", "names a path that is not in shared")
    paths = [path for _, path in placed]
    for path in paths:
        if sum(other == path or other.startswith(path + "/") for other in paths) > 1:
            raise _bad("shared", "names a path twice, or one inside another", path)


def _encoded_length(text: str) -> int:
    """How many bytes the text has in a file name; 0 when it cannot be in one."""
    try:
        return len(os.fsencode(text))
    except UnicodeEncodeError:
        return 0


def without_password(url: str) -> str:
    return re.sub(r"//[^/]*@", "//", url)


def _bad(field: str, why: str, value: Optional[str] = None) -> Failure:
    shown = field if value is None else f"{field} {_cut(repr(value))}"
    return Failure("bad-order", f"{shown} {why}")


def _shown(value: object) -> str:
    try:
        return _cut(json.dumps(value, default=str))
    except (ValueError, RecursionError):  # a number with thousands of digits, a list in itself
        return "that cannot be shown"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
