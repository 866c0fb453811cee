"""What an order says: each of its fields, with the value that it has when nothing is said."""

from __future__ import annotations

from typing import Any, NamedTuple

VERSION = 1
SWITCH_MODES = ("atomic", "in-place")
SUBMODULES = ("compose", "update", "none")
SERVICE_ACTIONS = ("restart", "reload", "status")


class Order(NamedTuple):
    """What a target is told to do; the same for each target.

    path: where the slot lives on a target, absolute.
    release: the rollout tag.
    commit: the full id that the release must resolve to.
    share: those of them whose files of the live tree are copied to where they outlive it.
    leave: whether such files that are not there yet may leave the site.
    moved_from: where the slot lived before its path was changed; "" if it was not.
    keep: how many releases stay beside the live one.
    timeout: seconds.
    deploy_text: what is written to `deploy_file` inside the release.
    shared: paths inside the release that outlive it.
    shared_directories: those of them that are certainly directories.
    size: bytes that the fetch may need at most; 0: not known.
    service: a unit of the target.
    service_action: what is done to it after a switch, or at once by the action `service`.
    decided: when the deployment server decided on the release, milliseconds since the epoch.
    catch_up: whether it is to catch up; then it is not for targets for which another
    release was ordered later.
    left: the release that a switch goes back from; what it took the place of stands there again.
    everything: whether a look at the live tree names added files too that git ignores.
    examine: whether a status also tells what a fetch would lack on the target.
    packs: packs of the release, each with the commit `from` that its receiver holds ("": nothing),
    its `sha256` and its `size`.
    pack_urls: below which of them are, in the order in which they are asked.
    relays: a `url` each that is asked before these, by the `targets` that are named.
    target: the target's own name, filled in by who hands the order to the agent.
    level: the level of agent that is asked for; 0: the lowest that carries the order out in full.
    """

    action: str
    repository: str
    slot: str
    path: str
    release: str = ""
    commit: str = ""
    url: str = ""
    switch: str = "atomic"
    submodules: str = "compose"
    shared: tuple[str, ...] = ()
    shared_directories: tuple[str, ...] = ()
    share: tuple[str, ...] = ()
    leave: bool = False
    moved_from: str = ""
    keep: int = 5
    timeout: int = 600
    deploy_file: str = ".deploy"
    deploy_text: str = ""
    adopt: bool = False
    size: int = 0
    service: str = ""
    service_action: str = ""
    decided: int = 0
    catch_up: bool = False
    left: str = ""
    everything: bool = False
    examine: bool = False
    packs: tuple[dict[str, Any], ...] = ()
    pack_urls: tuple[str, ...] = ()
    relays: tuple[dict[str, Any], ...] = ()
    target: str = ""
    level: int = 0


def types_of(fields: type[tuple[Any, ...]]) -> dict[str, str]:
    """The fields of a NamedTuple, with what each one's type is called."""
    kinds = fields.__annotations__.items()
    return {name: str(getattr(kind, "__forward_arg__", kind)) for name, kind in kinds}
