"""Salt's functions: the agent is the execution module `git_deploy`.

Each takes the fields of an order by name. Without any, it does the same for every slot that was
ever deployed here through Salt. Where an outcome is not ok, Salt's commands exit with a code that
is not 0.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sartoris.agent.files import read_json, write_json
from sartoris.agent.order import VERSION
from sartoris.agent.outcome import perform
from sartoris.agent.standing_by import listening

__load__ = ("fetch", "switch", "withdraw", "status", "verify", "converge", "service")

# What an order says of a slot, and not of one release.
_OF_SLOT = ("version", "repository", "slot", "path", "switch")


def fetch(stand_by: float = 0, **order: Any) -> dict[str, Any]:
    """
    Get a release onto this minion's disk, complete, beside what is live.

    stand_by
        Seconds to wait afterwards for the switch to it. An event tells that the release is here,
        `salt/job/JID/prog/MINION/git_deploy`; the job returns the outcome of the switch, or that of
        the fetch when none was heard. For programs

    CLI Example:

    .. code-block:: bash

        salt 'web*' git_deploy.fetch repository=mediawiki slot=slot0 \\
            path=/srv/php-slot0 release=slot0-20261123-140200 commit=COMMIT \\
            url=http://deploy/mediawiki.git
    """
    jid = str(order.get("__pub_jid", ""))
    if not stand_by or not jid:
        return _carry_out("fetch", order)
    return _fetch_and_stand_by(order, jid, stand_by)


def switch(**order: Any) -> dict[str, Any]:
    """
    Make a release live that this minion holds.

    CLI Example:

    .. code-block:: bash

        salt 'web*' git_deploy.switch repository=mediawiki slot=slot0 \\
            path=/srv/php-slot0 release=slot0-20261123-140200 commit=COMMIT
    """
    return _carry_out("switch", order)


def withdraw(**order: Any) -> dict[str, Any]:
    """
    Make nothing live where a release is, as before the slot's first rollout.

    CLI Example:

    .. code-block:: bash

        salt 'web*' git_deploy.withdraw repository=mediawiki slot=slot0 \\
            path=/srv/php-slot0 release=slot0-20261123-140200
    """
    return _carry_out("withdraw", order)


def status(**order: Any) -> dict[str, Any]:
    """
    Tell what is live in a slot, and which releases are held; without arguments, of every slot.

    CLI Example:

    .. code-block:: bash

        salt 'web*' git_deploy.status
    """
    return _carry_out("status", order) if _fields(order) else _of_every_slot(status)


def verify(**order: Any) -> dict[str, Any]:
    """
    As status, and compare the live tree with its release, file by file.

    CLI Example:

    .. code-block:: bash

        salt 'web*' git_deploy.verify
    """
    return _carry_out("verify", order) if _fields(order) else _of_every_slot(verify)


def service(**order: Any) -> dict[str, Any]:
    """
    Restart or reload the service of a repository, or ask how it is.

    CLI Example:

    .. code-block:: bash

        salt 'web*' git_deploy.service repository=mediawiki slot=slot0 \\
            path=/srv/php-slot0 service=php8.2-fpm service_action=reload
    """
    return _carry_out("service", order)


def converge(**order: Any) -> dict[str, Any]:
    """
    Fetch a release and make it live; nothing to do where it is. Without arguments, ask the master
    what this minion's slots should have, and bring each there.

    CLI Example:

    .. code-block:: bash

        salt 'web*' git_deploy.converge
    """
    if not _fields(order):
        return {one["path"]: converge(**one) for one in _desired()}
    outcome = _carry_out("fetch", order)
    if outcome["ok"]:
        outcome = _carry_out("switch", order)
    return {**outcome, "action": "converge"}


def _fetch_and_stand_by(order: dict[str, Any], jid: str, seconds: float) -> dict[str, Any]:
    minion = str(_salts("__opts__")["id"])
    with listening(_salts("__opts__")) as publications:
        outcome = _carry_out("fetch", order)
        if publications is None or not outcome["ok"]:
            return outcome
        tag = f"salt/job/{jid}/prog/{minion}/git_deploy"
        if not _salts("__salt__")["event.fire_master"](outcome, tag):
            return outcome
        heard = publications.switch_for(jid, minion, seconds)
    return _carry_out("switch", heard) if heard else outcome


def _carry_out(action: str, order: dict[str, Any]) -> dict[str, Any]:
    fields = {"version": VERSION, **_fields(order), "action": action}
    outcome = perform(fields, str(_salts("__opts__").get("git_deploy.root", "/")))
    if outcome["ok"] and action == "switch":
        # What is live stays live: a /var that is full is no reason to have the fleet taken back.
        with contextlib.suppress(OSError):
            _remember(fields)
    if not outcome["ok"]:
        _salts("__context__")["retcode"] = 1
    return outcome


def _fields(order: dict[str, Any]) -> dict[str, Any]:
    """The order without what Salt adds to keyword arguments."""
    return {name: value for name, value in order.items() if not name.startswith("__")}


def _of_every_slot(function: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    slots = [slot for slot in map(read_json, _memory().glob("*.json")) if slot]
    return {slot["path"]: function(**slot) for slot in sorted(slots, key=lambda one: one["path"])}


def _remember(order: dict[str, Any]) -> None:
    """Which slots there are: an order names one, and nothing else on a target lists them.

    Each slot has a file of its own, so that jobs for two of them have nothing to share.
    """
    slot = {"version": VERSION, **{name: order[name] for name in _OF_SLOT if name in order}}
    name = hashlib.sha256(os.fsencode(order["path"])).hexdigest()
    file = _memory() / f"{name}.json"
    if read_json(file) != slot:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, slot)


def _memory() -> Path:
    return Path(_salts("__opts__").get("cachedir", "/var/cache/salt/minion")) / "git_deploy"


def _desired() -> list[dict[str, Any]]:
    """What the master's runner says that this minion's slots should have."""
    answer = _salts("__salt__")["publish.runner"]("git_deploy.desired")
    if isinstance(answer, list):
        return answer
    # {} where peer_run does not allow it, text where it failed. Salt shows this as our failure.
    raise RuntimeError(f"the master does not tell git_deploy.desired (see peer_run): {answer}")


def _salts(name: str) -> Any:
    """What Salt puts into the modules that it loads."""
    return globals().get(name, {})
