"""The open rollout: begun, joined by the commands that follow, and ended.

Lock, state and journal change together, in the order that survives a crash at any point.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sartoris.errors import Refused, SartorisError
from sartoris.events import MailOffered, RolloutEnded, RolloutStarted, TakenOver
from sartoris.hooks import HookContext, Phase
from sartoris.rollout.command import Command
from sartoris.rollout.lock import Holder
from sartoris.rollout.person import Person
from sartoris.rollout.site import no_prefix
from sartoris.rollout.state import Progress, RolloutState
from sartoris.rollout.transitions import NotNow, require_allowed, say_rebuilt
from sartoris.shell import command as shell_command

if TYPE_CHECKING:
    from sartoris.fleet.slot_fleet import SlotFleet


class OtherPrefix(Refused):
    """The rollout in progress is of another prefix than the one that was typed."""


class OtherWorkTree(Refused):
    """The rollout in progress was started in another work tree of the repository."""


class Session:
    """One rollout as one command sees it: the only thing that changes.

    `state` is replaced by `reach` and `write` alone, and is on disk before anybody sees it here.
    """

    def __init__(
        self, command: Command, person: Person, state: RolloutState, *, action: str = ""
    ) -> None:
        """`action` is what hooks are told that was typed, instead of the command's name."""
        self.command = command
        self.site = command.site
        self.events = command.events
        self.effects = command.effects
        self.person = person
        self.slot = command.site.slot(state.prefix)
        self._action = action or command.name
        self._state = state
        self._fleet: SlotFleet | None = None

    @property
    def action(self) -> str:
        """What hooks and announcements are told that is being done."""
        return self._action

    @property
    def state(self) -> RolloutState:
        return self._state

    def write(self, state: RolloutState) -> None:
        """What is true from now on, on disk first."""
        self.effects.write_state(state)
        self._state = state

    def reach(self, progress: Progress, **changes: Any) -> None:
        """Write down that a step is about to be taken, or was."""
        self.write(self._state.reach(progress, **changes))

    def reload(self) -> None:
        """A script that we called may have brought the rollout on."""
        self._state = self.command.records.state.read() or self._state

    def fleet(self) -> SlotFleet:
        """The slot's targets. Raises what the transport does when they cannot be found out."""
        if self._fleet is None:
            self._fleet = self.command.fleets.of(self.slot)
        return self._fleet

    def ends(self) -> None:
        """From here on hooks and announcements are those of `finish`, whatever was typed."""
        self._action = "finish"

    def hook_context(self, **variables: str) -> HookContext:
        """What hooks are told of this rollout; `variables` beside the tags, by their names."""
        return hook_context(self._action, self._state, **self.command.hook_variables, **variables)

    def run_hooks(self, phase: Phase, **variables: str) -> None:
        """Run a phase's hooks. Raises `HookFailed` at the first failure."""
        self.effects.run_hooks(phase, self.hook_context(**variables))

    def run_all_hooks(self, *phases: Phase, **variables: str) -> None:
        """Run the hooks of each phase, whatever fails."""
        for phase in phases:
            self.effects.run_all_hooks(phase, self.hook_context(**variables))

    def run_hooks_of_tag(self, phase: Phase, tag: str) -> None:
        """Run a phase's hooks for another tag than the rollout's. Raises `HookFailed`."""
        context = hook_context(self._action, replace(self._state, rollout_tag=tag))
        self.effects.run_hooks(phase, context)

    def announce_start(self, why: str) -> None:
        """Tell everyone that the rollout has begun."""
        state = self._state
        self.events.emit(
            RolloutStarted(
                session=state.session,
                action=state.action,
                prefix=state.prefix,
                slot=state.slot,
                start_tag=state.start_tag,
                start_commit=state.start_commit,
                by=self.person.who,
                host=self.person.host,
                why=why,
            )
        )

    def end(self, result: str, message: str = "") -> None:
        """Write the result, forget the state, free the lock: in this order, each repeatable."""
        self.say_ended(result, message)
        self.effects.forget_state()
        self.effects.release_lock(self.person.holding(self._action, session=self._state.session))

    def say_ended(self, result: str, message: str) -> None:
        """For the journal, and whoever listens."""
        session = self._state.session
        self.events.emit(RolloutEnded(session=session, result=result, message=message))


def hook_context(action: str, state: RolloutState, **variables: str) -> HookContext:
    return HookContext(
        action=action,
        prefix=state.prefix,
        start_tag=state.start_tag,
        rollout_tag=state.rollout_tag,
        extra=variables,
    )


def begin(
    command: Command,
    person: Person,
    prefix: str,
    why: str,
    *,
    instead_of: Session | None = None,
    **known: Any,
) -> Session:
    """Take the lock and write the first state; `known` are more of its fields.

    `instead_of` is one's own rollout that ends here. At no moment is there none: a kill leaves the
    one or the other. Raises `LockHeld`, `OtherRepository`.
    """
    _require_journal(command)
    site = command.site
    holder = person.holding(command.name, session=command.new_session, why=why)
    holder = holder._replace(rollout=f"{command.name} of {prefix}")
    state = RolloutState(
        session=holder.session,
        action=command.name,
        prefix=prefix,
        slot=site.slot(prefix).name,
        branch=site.repository.branch(),
        start_commit=site.repository.head(),
        remote=site.options.uses_remote,
        remote_site=site.options.remote_site if site.options.remote_site != "origin" else "",
        remote_branch=site.options.remote_branch or "",
        work_tree=str(site.repository.top),
    )
    session = Session(command, person, replace(state, **known))
    if instead_of is None:
        command.effects.take_lock(holder)  # after everything that can be wrong
        _follow(command, state)
        session.write(session.state)
        return session
    instead_of.say_ended("aborted", f"gave way to a {command.name}")
    _follow(command, state)
    session.write(session.state)
    command.effects.claim_lock(holder, force=site.options.force, session=holder.session)
    return session


def join(command: Command, *, as_command: str = "") -> Session:
    """The rollout in progress, for the person who holds the lock, or takes it over with `--force`.

    A rollout whose state was not written yet (its `start` was killed) counts as starting.
    Raises `NoRollout`, `NotNow`, `LockHeld`, `StateLost`, `OtherPrefix`, `OtherWorkTree`.
    """
    name, site = as_command or command.name, command.site
    known = command.records.state.read()
    if known is not None and command.records.lock.holder() is not None:
        typed = site.options.prefix or known.prefix
        require_prefix(known, typed, name, why=no_prefix(site, typed))
        if known.aborting:
            require_allowed(name, known)
    _require_work_tree(site.repository.top, known)
    person = Person.of(site)
    # A damaged lock does not know which rollout it stands for, nor does one that a revert was about
    # to give to itself; the state does.
    session = known.session if known else ""
    me, force = person.holding(name, session=session), site.options.force
    holder = _claim(command, me, force=force, session=session)
    state = known or state_of_nothing(command, holder)
    require_allowed(name, state, force=site.options.force)
    _follow(command, state)
    if state.rebuilt:
        command.events.warn(say_rebuilt(state))
    return Session(command, person, state, action=name)


def join_without_state(command: Command) -> Session:
    """The rollout in progress when its state is lost, to end it: little more than its session.

    Raises `NoRollout`, `LockHeld`.
    """
    person = Person.of(command.site)
    me = person.holding(command.name)
    holder = _claim(command, me, force=command.site.options.force)
    state = state_of_nothing(command, holder)
    _follow(command, state)
    return Session(command, person, state)


def _claim(command: Command, me: Holder, *, force: bool, session: str = "") -> Holder:
    """The lock, as `RolloutLock.require` gives it. Whoever held it is told that it was taken."""
    before = command.records.lock.holder()
    holder = command.effects.claim_lock(me, force=force, session=session)
    if before is not None and before.is_known and not before.is_same_person_as(me):
        why = command.site.options.message
        taken = TakenOver(session=holder.session, holder=before.who, by=me.who, why=why)
        command.events.emit(taken)
        command.events.emit(
            MailOffered(
                topic=command.name,
                subject=f"your rollout on {me.host} was taken over",
                text=f"{me.who} has taken over your rollout ({before.rollout or before.action}) in"
                f" {before.repository or me.repository}, with git deploy {command.name}.\n"
                + (f"{why}\n" if why else ""),
                to=before.who,
            )
        )
    return holder


def take_over_unfinished_start(command: Command, person: Person) -> Session | None:
    """My own rollout whose `start` was interrupted, to be cleared away before another one.

    None when the lock is free or of another person. Raises `NotNow` for one that did start.
    """
    holder = command.records.lock.holder()
    me = person.holding(command.name)
    if holder is None or not holder.is_same_person_as(me) or not holder.is_of(me.repository):
        return None
    state = command.records.state.read() or state_of_nothing(command, holder)
    _require_work_tree(command.site.repository.top, state)
    try:
        require_allowed("start", state)
    except NotNow as refused:
        message = f"{refused}: {holder.describe()}"
        raise NotNow(message, next_steps=refused.next_steps) from None
    _follow(command, state)
    return Session(command, person, state)


def _require_journal(command: Command) -> None:
    """What has begun goes on without a journal; a rollout that would leave no trace never begins.

    Raises `JournalUnusable`.
    """
    not_recorded = command.events.not_recorded
    if not_recorded is not None and isinstance(not_recorded.__cause__, SartorisError):
        raise not_recorded.__cause__


def _follow(command: Command, state: RolloutState) -> None:
    """The events from now on are about this rollout."""
    command.events.about(session=state.session, slot=state.slot)


def require_prefix(state: RolloutState, prefix: str, action: str, *, why: str = "") -> None:
    """Raises `OtherPrefix`, which ends with `why`, if the rollout is not of `prefix`."""
    if state.prefix != prefix:
        raise OtherPrefix(
            f"the rollout in progress is of {state.prefix}, not of {prefix}{why}",
            next_steps=[f"git deploy {action} {state.prefix}", "git deploy status"],
        )


def state_of_nothing(command: Command, holder: Holder) -> RolloutState:
    """The state of a rollout that has a lock, and has not written anything else yet."""
    site = command.site
    return RolloutState(
        session=holder.session,
        action=holder.action,
        prefix=site.prefix,
        slot=site.slot(site.prefix).name,
        branch=site.repository.branch(),
        start_commit=site.repository.head(),
    )


def _require_work_tree(here: Path, state: RolloutState | None) -> None:
    """A repository's work trees have one rollout at a time, which is of the one it was started in.

    Where that one is gone, another one has to do.
    """
    started_in = state.work_tree if state else ""
    if started_in in ("", str(here)) or not Path(started_in).is_dir():
        return
    raise OtherWorkTree(
        f"the rollout in progress was started in another work tree, {started_in}",
        next_steps=[shell_command("cd", started_in), "git deploy status"],
    )
