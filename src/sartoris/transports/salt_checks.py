"""What can be wrong between a deployment server and its minions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from sartoris.diagnostics import (
    Answers,
    Check,
    Finding,
    by_word,
    ok,
    refused,
    unknown,
    warning,
    wrong,
)
from sartoris.errors import SartorisError
from sartoris.formatting import plural
from sartoris.shell import command
from sartoris.transports.salt_bridge import NotPermitted

_SECONDS = 90.0  # longer than a minion that hangs is waited for

_SYNC = "salt '*' saltutil.sync_modules"
_REMEDIES = {
    "agent-too-old": (_SYNC,),
    "unknown-version": (_SYNC,),
    "not-signed": (_SYNC,),
    "unreachable": ("salt-run manage.down", "systemctl status salt-minion   # on the minion"),
}
_CLOSING = (
    "salt '*' state.apply sartoris.target   # and restart salt-minion there",
    "salt '*' git_deploy.beside",
)
_SUDO = ("set sartoris:server:sudo in the pillar", "salt-call state.apply sartoris.server")
_APPLY = "salt-call state.apply sartoris.master   # on the master, as root"
_LET_IN = "salt-call state.apply sartoris.server   # as root: the rule for sudo"


class Salt(Protocol):
    """What the transport answers."""

    def ask(self, what: str) -> Any: ...
    def matching(self) -> tuple[tuple[str, ...], tuple[str, ...]]: ...
    def beside(self, names: Sequence[str]) -> Iterator[dict[str, Any]]: ...


def checks(salt: Salt, answers: Answers, config: Path, expression: str) -> Sequence[Check]:
    """One after another: there is one process that speaks Salt, and each needs those before it."""

    def look() -> Iterator[Finding]:
        try:
            facts = salt.ask("facts")
        except SartorisError as error:
            yield wrong("salt", error.message, *(_SUDO if _is_refusal(error) else error.next_steps))
            return
        yield ok("salt", f"Salt {facts['salt']} in {facts['python']}")
        yield _mode(facts, config)
        rights = _rights(salt, facts)
        yield rights
        if rights.state != "ok":
            # Whose records they will be, is decided with the rights.
            yield unknown("converging", "not looked at without these rights")
            yield unknown("fleet", "not looked at without these rights")
            return
        yield _desired(facts)
        names, missing = salt.matching()
        yield from _fleet(names, missing, expression)
        if names:
            yield from answers(
                names, by_word({**_REMEDIES, "agent-missing": _first_its_list(expression)})
            )
            yield _returners(list(salt.beside(names)))

    return [Check("targets", "salt", look, _SECONDS)]


def _first_its_list(expression: str) -> tuple[str, str]:
    """What brings the module to minions of the fleet, and to no others: with it, and without a list
    of what may be deployed there, a minion takes every order.
    """
    fleet = command("salt", "-C", expression)
    return (
        f"{fleet} state.apply sartoris.target   # first its list of what may be deployed there",
        f"{fleet} saltutil.sync_modules",
    )


def _mode(facts: dict[str, Any], config: Path) -> Finding:
    if facts["mode"] == "master":
        return ok("mode", f"on the master, as {facts['who']}: {config / 'master'} is there")
    return ok("mode", f"through the master's peer system, as the minion {facts['who']}")


def _desired(facts: dict[str, Any]) -> Finding:
    directory = facts["desired"]
    if not directory:
        return ok("converging", "minions that come back are told what they should have")
    text = f"you may not write to {directory}: minions that come back will not converge"
    made = f"let root type: {command('mkdir', '-p', directory)}   # without the formula"
    return warning("converging", text, _APPLY, made)


def _rights(salt: Salt, facts: dict[str, Any]) -> Finding:
    is_master = facts["mode"] == "master"
    listing = "sartoris:deployers" if is_master else "sartoris:master:servers"
    apply = _LET_IN if is_master else _APPLY
    steps = (f"add {facts['who']} to {listing} in the pillar of the master", apply)
    try:
        functions = salt.ask("refused")
    except SartorisError as error:
        if _is_refusal(error):
            return wrong("rights", error.message, *steps)
        return refused("rights", error)  # nobody can tell: the master is down, for example
    if not functions:
        return ok("rights", "may send orders and hear their outcomes")
    policy = "publisher_acl" if is_master else "peer_run"
    text = f"the master does not let {facts['who']} run {', '.join(functions)} ({policy})"
    return wrong("rights", text, *steps)


def _returners(outcomes: Sequence[dict[str, Any]]) -> Finding:
    """Whether a job can have minions write files beside what its function does."""
    told = [one for one in outcomes if one.get("ok")]
    open_to = {one["target"]: names for one in told if (names := _beside(one))}
    if open_to:
        names = sorted({name for names in open_to.values() for name in names})
        text = (
            f"{plural(len(open_to), 'minion')} let a job name {', '.join(names[:4])} beside its"
            f" function ({', '.join(sorted(open_to)[:8])}): who may send one function can have any"
            " file written there"
        )
        return warning("returners", text, *_CLOSING)
    if not told:
        return unknown("returners", "no minion told what a job may name beside its function")
    text = (
        f"{plural(len(told), 'minion')} of {len(outcomes)} do what a job's function does, no more"
    )
    return ok("returners", text)


def _beside(outcome: dict[str, Any]) -> list[str]:
    found = [*outcome.get("returners", ()), *outcome.get("executors", ())]
    return [str(name) for name in found]


def _is_refusal(error: SartorisError) -> bool:
    return isinstance(error, NotPermitted)


def _fleet(names: Sequence[str], missing: Sequence[str], expression: str) -> Iterator[Finding]:
    if names:
        yield ok("fleet", f"{plural(len(names), 'minion')} match {expression}")
    else:
        steps = (command("salt", "-C", expression, "test.ping"), "salt-key -L")
        yield wrong("fleet", f"no minion matches deploy.targets, {expression!r}", *steps)
    if missing:
        keys = ("salt-key -L", *(command("salt-key", "-a", name) for name in missing[:8]))
        yield wrong("fleet", f"the master has no accepted key of {', '.join(missing)}", *keys)
