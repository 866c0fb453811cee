"""What an order may ask of a target, and the level of agent that it takes.

A new action is an entry here, a method of `Slot` with its name, and a row in docs/orders.md.
"""

from __future__ import annotations

from typing import NamedTuple

LEVEL = 3  # what this agent can do within the version of orders


class Action(NamedTuple):
    """One action.

    meaning: what it does, for the documentation and for a transport's own help.
    needs: the fields that its orders have to have, beside those of every order.
    example: the fields that an example of it has, if others than those that it needs.
    level: the level of agent that brought it.
    goes_by: fields of a newer level which change what it does; see `NEWER`.
    locks: whether it has the slot to itself while it runs.
    looks: whether it only looks, so that it can be asked of every slot at once.
    """

    meaning: str
    needs: tuple[str, ...] = ()
    example: tuple[str, ...] = ()
    level: int = 1
    goes_by: tuple[str, ...] = ()
    locks: bool = False
    looks: bool = False


ACTIONS: dict[str, Action] = {
    "fetch": Action(
        "Have a release complete on disk, beside what is live.",
        needs=("release", "commit"),
        example=("release", "commit", "url"),
        # What the switch will need: a target that is too old says so before the gate.
        goes_by=("service", "submodules"),
        locks=True,
    ),
    "switch": Action(
        "Make a release live that is complete on disk.",
        needs=("release", "commit"),
        goes_by=("service", "submodules"),
        locks=True,
    ),
    "withdraw": Action(
        "Make nothing live where a release is, as before the slot's first rollout; what the "
        "release took the place of stands there again.",
        example=("release",),
        locks=True,
    ),
    "status": Action("Tell what is live, and which releases are held.", looks=True),
    "verify": Action(
        "As status, and compare the live tree with its release, file by file.", looks=True
    ),
    "share": Action(
        "Copy what is live at the shared paths in `share` to where it lives on across releases, "
        "and tell of all shared paths what is there.",
        level=3,
        locks=True,
    ),
    "service": Action(
        "Restart or reload the service of a repository, or ask how it is.",
        needs=("service", "service_action"),
        level=2,
    ),
}


class Newer(NamedTuple):
    """A field, or if `value` is given only that value of it, which agents below `level` lack."""

    field: str
    level: int
    value: str = ""


NEWER = (Newer("service", 2), Newer("submodules", 2, "update"))
