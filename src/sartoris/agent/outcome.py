"""An order comes in, an outcome goes out."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Optional

from sartoris.agent.atomic import AtomicSlot
from sartoris.agent.child import Source, answer, carry_out_as, no_source
from sartoris.agent.errors import Failure
from sartoris.agent.files import MEBIBYTE
from sartoris.agent.in_place import InPlaceSlot
from sartoris.agent.order import VERSION, Order
from sartoris.agent.packs import Bring
from sartoris.agent.parsing import parse
from sartoris.agent.path_checks import check_ownership
from sartoris.agent.policy import permitted, with_packs_from
from sartoris.agent.programs import OUTPUT_LINES
from sartoris.agent.service import Service
from sartoris.agent.slot import Slot

_SLOTS: dict[str, type[Slot]] = {"atomic": AtomicSlot, "in-place": InPlaceSlot}

_TOLD = 4096  # characters that an outcome has of what the programs of a release wrote

_CAUSES = {
    errno.ENOSPC: ("no-space", "the file system is full"),
    errno.EDQUOT: ("no-space", "the quota is used up"),
    errno.EROFS: ("read-only", "the file system is read-only"),
    errno.EACCES: ("permission", "no permission to write there"),
    errno.EPERM: ("permission", "no permission to write there"),
}


def _from_os_error(error: OSError, slot: Slot) -> Failure:
    """The same message on all targets; what differs between them goes to the output."""
    code = error.errno or 0
    word, what = _CAUSES.get(code, ("io-error", os.strerror(code)))
    if word == "io-error":
        named = os.fsdecode(error.filename) if error.filename else str(slot.place.own)
        return Failure(word, f"{what}: {slot.place.logical(named)}")
    message = f"{slot.order.path}: {what}"
    if word != "no-space":
        return Failure(word, message)
    needed = f"{max(slot.order.size, MEBIBYTE) / MEBIBYTE:.0f} MiB may be needed"
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(slot.place.own).free / MEBIBYTE
        found = os.statvfs(slot.place.own)
        files = f", and room for {found.f_favail} files" if found.f_files else ""
        return Failure(word, f"{message}; {needed}", f"{free:.1f} MiB are free{files}")
    return Failure(word, f"{message}; {needed}")


def _attempt(raw: Any, root: str, source: Source, bring: Optional[Bring]) -> dict[str, Any]:
    """Carry out the order, as whom the target's list says; fields for the outcome."""
    try:
        order = parse(raw)
        account, packs_from = permitted(order, root)
        if packs_from is not None:
            order, raw = with_packs_from(order, raw, packs_from)
        act = Service(order, root).act
        if order.action == "service":
            return act()
        user = "" if account is None else account.name
        if account is None or os.geteuid() != 0:
            return _in_slot(order, raw, root, act, user, bring)
        task = {"order": raw, "root": root, "user": user}
        # The order was checked here; what the child says cannot make another one of it.
        switches = order.action == "switch" and order.service
        helping = act if switches else _nothing_to_help_with
        work = carry_out_for_parent
        help_out = partial(_guarded, helping)
        return carry_out_as(account, task, work, help_out, order.timeout, source, bring)
    except Failure as failure:
        return failure.fields()


def _nothing_to_help_with() -> dict[str, Any]:
    return {}


def carry_out_for_parent(descriptor: int) -> None:
    """Carry out the order of the process at the other end of a socket, as the user that we are."""
    answer(descriptor, lambda task, *ask: _guarded(lambda: _for_parent(task, *ask)))


def _for_parent(
    task: Mapping[str, Any], ask: Callable[[], dict[str, Any]], bring: Optional[Bring]
) -> dict[str, Any]:
    def act() -> None:
        done = ask()
        if not done.get("ok", True):
            raise Failure(done["error"], done["message"], done["output"])

    order = parse(task["order"])
    return _in_slot(order, task["order"], task["root"], act, task["user"], bring)


def _in_slot(
    order: Order,
    raw: Mapping[str, Any],
    root: str,
    act: Callable[[], object],
    user: str,
    bring: Optional[Bring] = None,
) -> dict[str, Any]:
    """Carry out an order to a slot; fields for the outcome. Raises only for bugs.

    `user` is this process's own, where the target has a list; "" where it has none.
    """
    slot = _SLOTS[order.switch](order, raw, root, act, bring)
    fields: dict[str, Any] = {"ok": True}
    try:
        if user:
            check_ownership(slot.place, user)
        fields.update(slot.carry_out())
        if told := slot.place.logical("\n".join(slot.programs.told)):
            fields["output"] = told if len(told) <= _TOLD else f"...{told[-_TOLD:]}"
    except Failure as failure:
        fields.update(_logical(failure, slot))
        if failure.error in ("directory-not-ready", "path-leads-out"):
            return fields
    except OSError as error:
        fields.update(_logical(_from_os_error(error, slot), slot))
    came = slot.store.came
    fields.update(came_by=came.by, came_from=came.where, came_bytes=came.size)
    fields.update(came_seconds=round(came.seconds, 3), came_refused=list(came.refused))
    return _with_facts(fields, slot)


def _with_facts(fields: dict[str, Any], slot: Slot) -> dict[str, Any]:
    """What is live, held and due now, whether or not the order succeeded."""
    try:
        live = slot.records.live()
        fields = {**fields, "live": live, "previous": slot.records.previous(live)}
        held = [record.release for record in slot.records.held()]
        facts: dict[str, Any] = {"held": held, "due": slot.due(live)}
        facts["remains"] = slot.place.remains()
        adopted, found = slot.adopted(), slot.in_the_way()
        facts["adopted"] = adopted.describe(slot.place) if adopted else ""
        return {**fields, **facts, "in_the_way": found.error if found else ""}
    except OSError as error:
        return {**fields, **_logical(_from_os_error(error, slot), slot)} if fields["ok"] else fields


def _logical(failure: Failure, slot: Slot) -> dict[str, Any]:
    logical = slot.place.logical
    return Failure(failure.error, logical(failure.message), logical(failure.output)).fields()


def _guarded(step: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A target always answers; of a bug too."""
    try:
        return step()
    except Failure as failure:
        return failure.fields()
    except Exception as bug:  # noqa: BLE001 - the outcome says that it is one
        import traceback  # takes longer to load than most of the agent

        last = traceback.format_exception_only(type(bug), bug)[-1].strip()
        tail = traceback.format_exc().rstrip().split("\n")[-OUTPUT_LINES:]
        return Failure("crashed", last, "\n".join(tail)).fields()


def perform(
    order: Any, root: str = "/", source: Source = no_source, bring: Optional[Bring] = None
) -> dict[str, Any]:
    """Carry out an order (a decoded JSON object) and return the outcome as one; never raises.

    `root` is the directory that stands for this target's `/`. `source` gives the agent's own text:
    needed in a process with threads, where the order is for another user than root.
    `bring` gives the packs with which the transport brings objects along, if it does.
    """
    started = time.monotonic()
    action = order.get("action") if isinstance(order, dict) else ""
    outcome: dict[str, Any] = {"version": VERSION, "action": str(action), "ok": True, "error": ""}
    outcome.update(message="", live="", previous="", held=[], due=[], output="", remains=[])
    outcome.update(complete=None, changed=[], added=[], adopted="", in_the_way="", shared=[])
    outcome.update(came_by="", came_from="", came_bytes=0, came_seconds=0.0)
    outcome.update(came_refused=[], git="", lacks=[])
    outcome.update(_guarded(lambda: _attempt(order, root, source, bring)))
    outcome["seconds"] = round(time.monotonic() - started, 3)
    return outcome
