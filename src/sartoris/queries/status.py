"""`git deploy status`: is a rollout in progress, whose, how far has it come, and what next."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from sartoris.errors import WrongSetup
from sartoris.rollout import checks
from sartoris.rollout.lock import Holder
from sartoris.rollout.site import Site

if TYPE_CHECKING:
    from sartoris.rollout.records import Records
    from sartoris.rollout.state import RolloutState

Kind = Literal["none", "started", "tagged", "blocked"]

EXIT_CODES: dict[Kind, int] = {"none": 0, "started": 1, "tagged": 2, "blocked": 3}


class Status(NamedTuple):
    """`running` is the process that works on the rollout now; None if none does. `is_ours`: whoever
    asks may go on with the rollout, and needs no --force for it.
    """

    kind: Kind
    prefix: str
    holder: Holder | None = None
    state: RolloutState | None = None
    running: int | None = None
    blocked: str | None = None
    is_ours: bool = True

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.kind]

    @property
    def explanation(self) -> str:
        """What the state means; "" without a rollout."""
        return self._explained[0]

    @property
    def next_steps(self) -> tuple[str, ...]:
        steps = self._explained[1]
        return steps if self.is_ours else tuple(_forced(step) for step in steps)

    @property
    def whom_to_ask(self) -> str:
        """Who is to be asked before the next steps, in a sentence; "" for one's own rollout."""
        from sartoris.rollout.lock import whom_to_ask

        return "" if self.is_ours or self.holder is None else whom_to_ask(self.holder).strip()

    @property
    def way_on(self) -> str:
        """The command that goes on with a rollout that targets may have heard of; "" for none."""
        if self.state is None:
            return ""
        from sartoris.rollout.transitions import way_on

        return way_on(self.state)

    @property
    def _explained(self) -> tuple[str, tuple[str, ...]]:
        if self.state is None:
            return "", ()
        from sartoris.rollout.transitions import explain

        return explain(self.state, self.running)

    def to_json(self) -> dict[str, Any]:
        return {
            "status": self.kind,
            "prefix": self.prefix,
            "lock": self.holder.to_json() if self.holder else None,
            "rollout": self.state.to_json() if self.state else None,
            "running": self.running,
            "blocked": self.blocked,
            "explanation": self.explanation,
            "next": list(self.next_steps),
        }


def status(site: Site, records: Records) -> Status:
    """Reads three small files and changes none."""
    holder = records.lock.holder()
    if holder is None:
        prefix = _configured_prefix(site)
        blocked = checks.blocked_reason(site)
        return Status(kind="blocked" if blocked else "none", prefix=prefix, blocked=blocked)
    if not holder.is_of(str(site.repository.git_dir)):
        other = f"a rollout of {holder.repository} is in progress: {holder.describe()}"
        prefix = _configured_prefix(site)
        return Status(kind="blocked", prefix=prefix, blocked=other)
    return _open_rollout(site, records, holder)


def _open_rollout(site: Site, records: Records, holder: Holder) -> Status:
    from sartoris.rollout.lock import running
    from sartoris.rollout.state import Progress, RolloutState

    prefix = _configured_prefix(site)
    state = records.state.read() or RolloutState(
        session=holder.session, action=holder.action, prefix=prefix, slot=prefix
    )
    return Status(
        kind="tagged" if state.progress >= Progress.TAGGED else "started",
        prefix=state.prefix,
        holder=holder,
        state=state,
        running=running(records.running),
        is_ours=bool(state.ended) or _is_ours(site, holder),
    )


def _is_ours(site: Site, holder: Holder) -> bool:
    from sartoris.rollout.person import Person

    with suppress(WrongSetup):  # whoever has no name is told so by the command that needs one
        return holder.is_same_person_as(Person.of(site).holding("status"))
    return True


def _forced(step: str) -> str:
    """The command as somebody else has to type it who goes on with the rollout."""
    if step == "git deploy report":
        return step
    return f"{step.replace('git deploy', 'git deploy --force', 1)}   # only if nobody answers"


def _configured_prefix(site: Site) -> str:
    """Whether a rollout is in progress can be told without a prefix, too: "" then."""
    from sartoris.errors import NoPrefix

    try:
        return site.prefix
    except NoPrefix:
        return ""
