"""What may be deployed to this target: the list of whoever runs it."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional

from sartoris.agent.account import Account, account_of
from sartoris.agent.errors import Failure
from sartoris.agent.order import Order
from sartoris.agent.parsing import check_path, check_unit, without_password

_POLICY = "/etc/sartoris/target.json"
_POLICY_VERSION = 1
_LONGEST_POLICY = 1 << 22  # bytes


class _Listed(NamedTuple):
    """One deployment that is allowed. `path` may have `*` in its last component.

    `packs` are more URLs, with spaces between, from below which packs may come: relays.
    """

    repository: str
    path: str
    user: str
    url: str = ""
    service: str = ""
    packs: str = ""

    @property
    def packs_from(self) -> tuple[str, ...]:
        """Whoever may say what is deployed may not say from where: packs come from beside the url,
        and from what is listed.
        """
        url = self.url.rstrip("/")
        beside = f"{url.removesuffix('.git')}.packs"
        return (*([beside] if url else []), *(one.rstrip("/") for one in self.packs.split()))

    def covers(self, path: str) -> bool:
        pattern = ".*".join(map(re.escape, self.path.rpartition("/")[2].split("*")))
        where, _, name = path.rpartition("/")
        same = where == self.path.rpartition("/")[0]
        return same and re.fullmatch(pattern, name, re.DOTALL) is not None


class Permitted(NamedTuple):
    """Whose files an order is about, and from where its packs may come; None: no list says."""

    account: Optional[Account] = None
    packs_from: Optional[Sequence[str]] = None


def permitted(order: Order, root: str) -> Permitted:
    """Whose files the order is about, if the target has a list.

    Raises Failure when the list does not have the order in it, or cannot be trusted.
    """
    listed = _read(root)
    if listed is None:
        return Permitted()
    accounts = {one.user: _account(one.user) for one in listed}
    found = _find(listed, order)
    account = accounts[found.user]
    if os.geteuid() not in (0, account.uid):
        message = f"{_POLICY} gives {order.path} to {account.name}, and the agent runs as another"
        raise Failure("not-allowed", f"{message} user")
    return Permitted(account, found.packs_from)


def with_packs_from(
    order: Order, raw: Mapping[str, Any], urls: Sequence[str]
) -> tuple[Order, Mapping[str, Any]]:
    """The order, and as it came, without other places that it says packs come from."""
    pack_urls = tuple(one for one in order.pack_urls if one.rstrip("/") in urls)
    relays = tuple(one for one in order.relays if one["url"].rstrip("/") in urls)
    kept = order._replace(pack_urls=pack_urls, relays=relays)
    return kept, {**raw, "pack_urls": pack_urls, "relays": relays}


def _find(listed: list[_Listed], order: Order) -> _Listed:
    """The first that has all that the order says; an order that needs no url may go without."""
    named = [one for one in listed if one.repository == order.repository]
    if not named:
        raise _not_allowed(order, f"repository {order.repository!r}")
    covering = [one for one in named if one.covers(order.path)]
    if not covering:
        raise _not_allowed(order, f"path {order.path!r} for repository {order.repository!r}")
    reached = [one for one in covering if order.url in ("", one.url)]
    if not reached:
        raise _not_allowed(order, f"url {without_password(order.url)!r} for {order.path!r}")
    serving = [one for one in reached if order.service in ("", one.service)]
    if not serving:
        raise _not_allowed(order, f"service {order.service!r} for {order.path!r}")
    return serving[0]


def _not_allowed(order: Order, what: str) -> Failure:
    url = without_password(order.url)
    entry = {"repository": order.repository, "path": order.path, "user": "USER", "url": url}
    if order.service:
        entry["service"] = order.service
    shown = json.dumps({key: value for key, value in entry.items() if value})
    message = f"{_POLICY} does not list {what}; whoever runs the target allows it by the entry"
    return Failure("not-allowed", f"{message} {shown}")


def _read(root: str) -> Optional[list[_Listed]]:
    """The list; None when there is none. What is wrong in any part of it makes it worthless."""
    path = Path(root.rstrip("/") + _POLICY)
    try:
        text = _text(path)
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise _bad_policy("its directory is a symbolic link, or no directory") from None
    except OSError as error:
        raise _bad_policy(os.strerror(error.errno or 0)) from error
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise _bad_policy("it is not JSON") from None
    return _deployments(content)


def _text(path: Path) -> bytes:
    """What is in the file, reached through no link: one that leads nowhere is not "no list"."""
    safe = os.O_NOFOLLOW | os.O_CLOEXEC
    # Only to look a name up in it: users that are not root may be allowed no more.
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | safe)
    try:
        descriptor = os.open(path.name, os.O_RDONLY | os.O_NONBLOCK | safe, dir_fd=directory)
        with os.fdopen(descriptor, "rb") as file:
            _check_owner(os.fstat(descriptor), "it")
            _check_owner(os.fstat(directory), "its directory")
            return file.read(_LONGEST_POLICY)
    finally:
        os.close(directory)


def _check_owner(found: os.stat_result, what: str) -> None:
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise _bad_policy("it is not a file")
    # An agent that is not root answers to its own user, who may be the one that wrote the list.
    if os.geteuid() == 0 and (found.st_uid != 0 or found.st_mode & 0o022):
        raise _bad_policy(f"{what} is writable by users other than root")


def _deployments(content: Any) -> list[_Listed]:
    if not isinstance(content, dict) or set(content) != {"version", "deployments"}:
        raise _bad_policy("it is not an object with `version` and `deployments`, and no more")
    version = content["version"]
    if version != _POLICY_VERSION or isinstance(version, bool):
        shown = json.dumps(version)
        raise _bad_policy(f"it is of version {shown}; this agent knows {_POLICY_VERSION}")
    if not isinstance(content["deployments"], list):
        raise _bad_policy("`deployments` is not a list")
    return [_entry(f"deployments[{at}]", one) for at, one in enumerate(content["deployments"])]


def _entry(where: str, content: Any) -> _Listed:
    if not isinstance(content, dict) or not all(isinstance(one, str) for one in content.values()):
        raise _bad_policy(f"{where} is not an object whose values are strings")
    known = set(_Listed._fields)
    odd = sorted(set(content) - known) + sorted({"repository", "path", "user"} - set(content))
    if odd:
        raise _bad_policy(f"{where}: {odd[0]!r} is not a known field, or is missing")
    if not all(content.values()):
        raise _bad_policy(f"{where} has an empty value")
    listed = _Listed(**content)
    if "*" in listed.path.rpartition("/")[0]:
        raise _bad_policy(f"{where}: `*` belongs into the last component of path, if at all")
    try:
        check_path(listed.path)
        if listed.service:
            check_unit(listed.service)
    except Failure as failure:
        raise _bad_policy(f"{where}: {failure.message}") from failure
    return listed


def _account(user: str) -> Account:
    account = account_of(user)
    if account is None:
        raise _bad_policy(f"the user {user!r} does not exist")
    if account.uid == 0:
        raise _bad_policy(f"{user!r} is root; nothing of a release runs as root")
    return account


def _bad_policy(why: str) -> Failure:
    return Failure("bad-policy", f"{_POLICY}: {why}; until it is fixed, every order is refused")
