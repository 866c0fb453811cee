"""The embedded fleet: directories on this machine, each the `/` of a target."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sartoris.agent.outcome import perform
from sartoris.agent.packs import Brought
from sartoris.orders import Order, Outcome
from sartoris.releases.packs import Packs
from sartoris.transports.base import HasChecks, RunsByHand, Transport

if TYPE_CHECKING:
    from sartoris.diagnostics import Answers, Check, Finding


Agent = Callable[[Mapping[str, Any], str], Mapping[str, Any]]


def this_agent(order: Mapping[str, Any], root: str) -> dict[str, Any]:
    """Carry the order out in this process, on the target whose `/` is `root`."""
    return perform(order, root, _source)


def this_agent_with(packs: Packs) -> Agent:
    """The same, with the pack files read where they are."""

    def agent(order: Mapping[str, Any], root: str) -> dict[str, Any]:
        def bring(held: Sequence[str]) -> Brought | None:
            pack = packs.to(str(order["commit"]), held)
            if pack is None:
                return None
            path = pack.path
            came_from = str(path)
            return Brought(
                pack.sha256, pack.size, pack.base, lambda: path.open("rb"), came_from, path
            )

        return perform(order, root, _source, bring)

    return agent


def _source() -> bytes:
    """The agent as one file, made when it is needed."""
    from sartoris.agent.joined import source

    return source()


# A root that is gone is more often a disk than a directory.
_UNLESS = "   # unless it is on a disk that is not mounted"


class LocalTransport(Transport, HasChecks, RunsByHand):
    """Runs the agent in this process, a thread for each of `forks` targets at a time.

    `roots` maps a target's name to the directory that stands for its `/`. A Python process for
    each order would cost as much as the fetch that it orders.
    """

    def __init__(
        self,
        roots: Mapping[str, Path],
        *,
        forks: int,
        new: Container[str] = (),
        agent: Agent = this_agent,
    ) -> None:
        """`new`: targets whose roots the first command for them makes. `agent` takes the orders."""
        self._roots = dict(roots)
        self._forks = forks
        self._new = new
        self._agent = agent

    def fleet(self) -> tuple[str, ...]:
        return tuple(self._roots)

    def run(self, order: Order, targets: Sequence[str]) -> Iterator[Outcome]:
        message = order.to_json()
        if len(targets) == 1:
            yield self._perform(message, targets[0])
            return
        with ThreadPoolExecutor(max_workers=max(1, min(self._forks, len(targets)))) as threads:
            waiting = [threads.submit(self._perform, message, target) for target in targets]
            try:
                for done in as_completed(waiting):
                    yield done.result()
            finally:
                threads.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Nothing is open."""

    def by_hand(self, target: str, words: Sequence[str]) -> str:
        from sartoris.shell import command

        root = self._roots[target]
        return command(*(f"{root}{word}" if word.startswith("/") else word for word in words))

    def checks(self, answers: Answers) -> Sequence[Check]:
        from sartoris.diagnostics import Check

        return [Check("targets", "answers", lambda: self._look(answers))]

    def _look(self, answers: Answers) -> Iterator[Finding]:
        from sartoris.diagnostics import by_word, ok
        from sartoris.permissions import how_to_make
        from sartoris.shell import command

        away = [name for name, root in self._roots.items() if _why_away(root)]
        new = [n for n in away if n in self._new and not os.path.lexists(self._roots[n])]
        if new:
            yield ok("new", f"{', '.join(new)}: made by the first command that needs them")
        missing = [self._roots[name] for name in away if name not in new]
        asked = [name for name in self._roots if name not in new]
        steps = [
            command("ls", "-ld", str(root))
            if os.path.lexists(root)
            else f"{how_to_make(root)}{_UNLESS}"
            for root in missing
        ]
        yield from answers(asked, by_word({"unreachable": steps}))

    def _perform(self, order: dict[str, object], target: str) -> Outcome:
        root = self._roots[target]
        away = _why_away(root)
        if away:
            return Outcome(
                action=str(order["action"]),
                target=target,
                ok=False,
                error="unreachable",
                message=f"the root directory of the target {away}",
            )
        answer = self._agent(order, str(root))
        return Outcome.answered(answer, action=str(order["action"]), target=target)


def _why_away(root: Path) -> str:
    """Why there is no target at its root, "" if there is one."""
    try:
        mode = root.stat().st_mode
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be reached: {os.strerror(error.errno or 0)}"
    return "" if stat.S_ISDIR(mode) else "is not a directory"
