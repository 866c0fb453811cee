"""Salt's functions: the agent is the execution module `git_deploy`.

There is one for each action, `converge` and `beside`. Each takes the fields of an order by name;
one that only looks, and gets none, looks at every slot that was ever deployed here through Salt.
Where an outcome is not ok, Salt's commands exit with a code that is not 0.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

from sartoris.agent.actions import ACTIONS
from sartoris.agent.files import read_json, write_json
from sartoris.agent.order import VERSION
from sartoris.agent.outcome import perform
from sartoris.salt.help import help_of
from sartoris.salt.module.beside import executors, returners
from sartoris.salt.module.listening import listening
from sartoris.salt.module.signing import signed

__load__ = (*ACTIONS, "converge", "beside")

# What an order says of a slot, and not of one release.
_OF_SLOT = ("version", "repository", "slot", "path", "switch")


def fetch(stand_by: float = 0, **order: Any) -> dict[str, Any]:
    jid = _job(order)
    if not stand_by or not jid:
        return _signed(_carry_out("fetch", order), order)
    return _fetch_and_stand_by(order, jid, stand_by)


_STAND_BY = """\
stand_by
    Seconds to wait afterwards for the switch to it. An event tells that the release is here,
    `salt/job/JID/prog/MINION/git_deploy`; the job returns the outcome of the switch, or that of
    the fetch when none was heard. For programs"""


def converge(**order: Any) -> dict[str, Any]:
    """
    Fetch a release and make it live; nothing to do where it is. Without arguments, ask the master
    what this minion's slots should have, and bring each there.

    CLI Example:

    .. code-block:: bash

        salt 'web*' git_deploy.converge
    """
    if not _fields(order):
        return {one["path"]: converge(**_in_job(order, one)) for one in _desired()}
    outcome = _carry_out("fetch", order)
    if outcome["ok"]:
        outcome = _carry_out("switch", order)
    return _signed({**outcome, "action": "converge"}, order)


def beside(**order: Any) -> dict[str, Any]:
    """
    Tell which returners and executors a job may name beside its function: whoever may send this
    minion any function at all can have it write or send what they like by them.

    CLI Example:

    .. code-block:: bash

        salt 'web*' git_deploy.beside
    """
    opts = _salts("__opts__")
    told = {"returners": returners(opts), "executors": executors(opts)}
    return _signed({"version": VERSION, "action": "beside", "ok": True, **told}, order)


def _function(name: str) -> Callable[..., dict[str, Any]]:
    """The function for one action."""

    def function(**order: Any) -> dict[str, Any]:
        if ACTIONS[name].looks and not _fields(order):
            return _of_every_slot(function, order)
        return _signed(_carry_out(name, order), order)

    return function


def _fetch_and_stand_by(order: dict[str, Any], jid: str, seconds: float) -> dict[str, Any]:
    minion = str(_salts("__opts__")["id"])
    with listening(_salts("__opts__")) as publications:
        outcome = _signed(_carry_out("fetch", order), order)
        if publications is None or not outcome["ok"]:
            return outcome
        tag = f"salt/job/{jid}/prog/{minion}/git_deploy"
        if not _salts("__salt__")["event.fire_master"](outcome, tag):
            return outcome
        ordered = publications.switch_for(jid, minion, seconds)
    return _signed(_carry_out("switch", ordered), order) if ordered else outcome


def _carry_out(action: str, order: dict[str, Any]) -> dict[str, Any]:
    fields = {"version": VERSION, **_fields(order), "action": action}
    if fields.get("relays"):
        fields["target"] = str(_salts("__opts__")["id"])
    outcome = perform(fields, str(_salts("__opts__").get("git_deploy.root", "/")), own_text)
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


def _of_every_slot(
    function: Callable[..., dict[str, Any]], order: dict[str, Any]
) -> dict[str, Any]:
    slots = [slot for slot in map(read_json, _memory().glob("*.json")) if slot]
    slots.sort(key=lambda slot: str(slot["path"]))
    return {slot["path"]: function(**_in_job(order, slot)) for slot in slots}


def _in_job(order: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """An order of its own in the job of this one."""
    return {**fields, "__pub_jid": _job(order)}


def _job(order: dict[str, Any]) -> str:
    """The job that the master published; "" when somebody calls this here.

    Salt puts it over what the order itself says.
    """
    return str(order.get("__pub_jid", ""))


def _signed(outcome: dict[str, Any], order: dict[str, Any]) -> dict[str, Any]:
    """So that the master can tell it from what others say in this minion's name."""
    return signed(outcome, _job(order), _salts("__opts__"))


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
    raise RuntimeError(f"the master does not answer git_deploy.desired (see peer_run): {answer}")


def _salts(name: str) -> Any:
    """What Salt puts into the modules that it loads."""
    return globals().get(name, {})


def own_text() -> Optional[bytes]:
    """This file, which is the whole agent where Salt runs it; None when it cannot be read."""
    try:
        return Path(__file__).read_bytes()
    except OSError:
        return None


def _offer_actions() -> None:
    """Give this module a function for each action, where Salt looks for it."""
    offered = {name: _function(name) for name in ACTIONS}
    offered["fetch"] = fetch
    for name, function in offered.items():
        more = [_STAND_BY] if name == "fetch" else []
        function.__name__ = function.__qualname__ = name
        function.__doc__ = help_of(name, f"salt 'web*' git_deploy.{name}", *more)
    globals().update(offered)


_offer_actions()
