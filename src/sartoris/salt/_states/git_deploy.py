"""The state of what is deployed to this minion."""

from __future__ import annotations

from typing import Any


def converged(name: str) -> dict[str, Any]:
    """
    Have live in every slot of this minion what it should have, as the master knows it.

    .. code-block:: yaml

        sartoris-converge:
          git_deploy.converged: []
    """
    result = {"name": name, "changes": {}, "result": True, "comment": ""}
    desired = _salt("publish.runner", "git_deploy.desired")
    if not isinstance(desired, list):
        comment = f"the master does not answer git_deploy.desired (see peer_run): {desired}"
        return {**result, "result": False, "comment": comment}
    has = {order["path"]: _has(order) for order in desired}
    behind = {one["path"]: one for one in desired if has[one["path"]] != one["release"]}
    changes = {path: {"old": has[path], "new": one["release"]} for path, one in behind.items()}
    if globals()["__opts__"]["test"]:
        comment = f"{len(behind)} of {len(desired)} slots would converge"
        return {
            **result,
            "changes": changes,
            "result": None if behind else True,
            "comment": comment,
        }
    failed = {path: why for path, order in behind.items() if (why := _failure(order))}
    done = {path: change for path, change in changes.items() if path not in failed}
    lines = [f"{len(done)} of {len(desired)} slots converged"]
    lines += [f"{path}: {why}" for path, why in failed.items()]
    return {**result, "changes": done, "result": not failed, "comment": "\n".join(lines)}


def _failure(order: dict[str, Any]) -> str:
    """Carry the order out; why that failed, "" when it did not."""
    outcome = _salt("git_deploy.converge", **order)
    return "" if outcome["ok"] else f"{outcome['error']}: {outcome['message']}"


def _has(order: dict[str, Any]) -> str:
    """The release that is live in the order's slot, "" for none, and what is due after its switch.

    A slot where something is due is behind: converging runs it.
    """
    outcome = _salt("git_deploy.status", **{**order, "action": "status"})
    due = " and ".join(outcome.get("due", ()))
    return f"{outcome.get('live', '')}, without its {due}" if due else str(outcome.get("live", ""))


def _salt(function: str, *arguments: Any, **keywords: Any) -> Any:
    """A function of an execution module, from what Salt puts into the modules that it loads."""
    return globals()["__salt__"][function](*arguments, **keywords)
