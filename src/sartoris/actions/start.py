"""`git deploy start` and `hotfix`: take the lock, remember where we are, get the commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sartoris.actions import announcing
from sartoris.actions.comparing import Comparison
from sartoris.actions.new_prefix import require_known_prefix
from sartoris.actions.reminding import remind_to_push
from sartoris.errors import GitFailed, SartorisError
from sartoris.hooks import Phase
from sartoris.queries.show import tag_of
from sartoris.rollout import checks
from sartoris.rollout.command import Command
from sartoris.rollout.deploy_file import tag_deployed
from sartoris.rollout.person import Person
from sartoris.rollout.session import Session, begin, join, take_over_unfinished_start
from sartoris.rollout.sharing import require_trust
from sartoris.rollout.site import Site
from sartoris.rollout.state import Progress, RolloutState
from sartoris.rollout.tags import next_tag
from sartoris.rollout.transitions import TABLE, NotNow, Situation, situation

_WAIT_FOR_TARGETS = 2.0  # seconds, beyond what the start itself took


@dataclass(frozen=True)
class Started:
    """`commit` is what is checked out now; `moved` whether the start fetched something new."""

    state: RolloutState
    commit: str
    moved: bool


def start(command: Command) -> Started:
    """Start a rollout of the newest commit. When any part fails nothing has changed.

    It asks whether that is meant, where the branch is another than that of the last release, or
    commits would go that are live. Raises `LockHeld`, `NotNow`, what the checks raise,
    `UnknownPrefix`, `NotConfirmed`, `HookFailed`, `GitFailed`.
    """
    return start_with(command, require_known_prefix(command), _newest)


def hotfix(command: Command) -> Started:
    """Start a rollout of what is checked out now, without a pull: to put a fix on top of it.

    It should be what is live; otherwise it asks, as `start` does.
    """
    return start_with(command, require_known_prefix(command), _what_is_live)


def start_with(command: Command, prefix: str, get_commit: Callable[[Session], str]) -> Started:
    """Start a rollout of `prefix`, of the commit that `get_commit` checks out and returns."""
    with command.exclusively():
        person = _check(command)
        session = begin(command, person, prefix, command.site.options.message)
        try:
            session.run_hooks(Phase.PRE_START)
            _remember_start(session)
            session.run_hooks(Phase.PRE_PULL)
            announcing.starting(session)
            _begin_to_connect(session)
            commit = get_commit(session)
            session.reach(Progress.STARTED)
            session.run_hooks(Phase.POST_START)
        except BaseException as error:
            undo_start(session, error)
            raise
        announcing.started(session)
        remind_to_push(session)
        _say_who_is_silent(session)
        return Started(session.state, commit, commit != session.state.start_commit)


def _begin_to_connect(session: Session) -> None:
    """A target that cannot be reached is better known now than at the sync."""
    if session.site.has_fleet and not session.site.options.dry_run:
        session.command.fleets.connect(session.slot)


def _say_who_is_silent(session: Session) -> None:
    """It is no reason to refuse a start: the sync will look again, and has its limits."""
    if not session.site.has_fleet or session.site.options.dry_run:
        return
    silent = session.command.fleets.not_answering(session.slot, _WAIT_FOR_TARGETS)
    for name, why in silent.items():
        session.events.warn(f"{name} cannot be reached: {why}" if why else f"{name} is silent yet")


def undo_start(session: Session, error: BaseException | None = None) -> None:
    """Leave everything as it was before a start that failed or was interrupted."""
    state, effects = session.state, session.effects
    reason = error.message if isinstance(error, SartorisError) else ""
    try:
        if state.start_commit and _has_moved(session):
            for line in effects.go_to(state.branch, state.start_commit):
                session.events.warn(line)
        if state.start_tag_is_new:
            effects.delete_tag(state.start_tag)
        if state.reverted_tag:
            effects.delete_tag(state.reverted_tag)
    finally:
        session.end("quit", reason)


def _check(command: Command) -> Person:
    site = command.site
    checks.require_commits(site)
    person = checks.require_person(site)
    checks.require_not_blocked(site)
    unfinished = take_over_unfinished_start(command, person)
    if unfinished is not None:
        command.events.warn("an interrupted start of yours is cleared away")
        undo_start(unfinished)
    if site.options.force and command.records.lock.holder() is not None:
        require_may_take_over(command)
        join(command, as_command="abort").end("aborted", "taken over by another start")
    require_ready(site)
    if site.options.check_clean:
        command.effects.forget_checkouts()
    return person


def require_ready(site: Site) -> None:
    """What a start asks of the repository and its configuration. Raises what the checks raise."""
    checks.require_branch(site)
    checks.require_clean_tree(site)
    checks.require_remote(site)
    checks.require_source(site)
    checks.require_place(site, site.prefix)
    require_trust(site)


def require_may_take_over(command: Command) -> None:
    """Another person's rollout may end by a start only while no target can have switched.

    Raises `NotNow`.
    """
    state = command.records.state.read()
    if state is not None and situation(state) is Situation.HALF_SWITCHED:
        raise NotNow(
            f"the rollout in progress cannot end yet: {TABLE[Situation.HALF_SWITCHED].explanation}",
            next_steps=["git deploy status   # whose it is", "git deploy --force abort"],
        )
    if state is not None and state.progress >= Progress.TAGGED:
        raise NotNow(
            f"the rollout in progress is tagged already ({state.rollout_tag})",
            next_steps=[
                "git deploy status   # whose it is",
                "git deploy --force resync",
                "git deploy --force abort",
            ],
        )


def _remember_start(session: Session) -> None:
    """Find or make the tag of the commit that is checked out now, which `abort` goes back to."""
    site, state = session.site, session.state
    with session.events.step("start tag"):
        tag = _known_tag(session)
        # Tags can be moved and removed by hand; the one to go back to must be on this commit.
        is_new = not tag or site.repository.commit_of(f"refs/tags/{tag}") != state.start_commit
        if is_new:
            tag = next_tag(site, state.prefix)
        session.reach(Progress.STARTING, start_tag=tag, start_tag_is_new=is_new)
        default = f"start of a rollout of {state.prefix}: where abort goes back to"
        message = (site.options.message or default).replace("%TAG", tag)
        session.effects.make_tag(tag, state.start_commit, message)
        session.announce_start(site.options.message)
    if is_new:
        session.run_hooks_of_tag(Phase.POST_TAG, tag)


def _known_tag(session: Session) -> str:
    """The tag that a rollout of this prefix gave the commit; "" for none.

    The repository is asked when nothing else knows: that takes longer the more tags there are, and
    git-deploy, which may have made them, has left us no journal.
    """
    site, journal = session.site, session.command.journal
    commit, prefix = session.state.start_commit, session.state.prefix
    known = tag_deployed(site, prefix, commit) or journal.tag_of_commit(commit, prefix)
    if known or journal.rollouts(prefix=prefix, limit=1):
        return known
    return tag_of(site, prefix, commit)


def _newest(session: Session) -> str:
    """The newest commit, if that is meant. Raises `NotConfirmed`."""
    commit = _pull(session)
    comparison = _told(session, commit)
    if doubts := comparison.doubts():
        session.command.ask(f"{'; '.join(doubts)}. Start all the same?")
    return commit


def _what_is_live(session: Session) -> str:
    """What is checked out, if that is what is live, or meant. Raises `NotConfirmed`."""
    commit = session.state.start_commit
    comparison = _told(session, commit)
    if doubts := [*comparison.doubts(), *comparison.besides()]:
        instead = comparison.to_what_is_live()
        session.command.ask(f"{'; '.join(doubts)}. Start all the same?", instead=instead)
    return commit


def _told(session: Session, commit: str) -> Comparison:
    state = session.state
    comparison = Comparison.of(session.command, state.prefix, state.branch, commit)
    comparison.tell()
    return comparison


def _pull(session: Session) -> str:
    """The newest commit of the branch, with its submodules, and the hooks that follow it."""
    site, state = session.site, session.state
    commit = state.start_commit
    if site.options.uses_remote:
        where = f"{site.options.remote_site} {site.remote_branch(state.branch)}"
        with session.events.step("pull", where):
            commit = session.effects.pull(state.branch)
    session.run_hooks(Phase.POST_PULL)
    session.run_hooks(Phase.POST_TREE_UPDATE)
    return commit


def _has_moved(session: Session) -> bool:
    """Whether the tree is not that of the start: a pull that was killed may be half done."""
    site = session.site
    if site.repository.head() != session.state.start_commit:
        return True
    try:
        return site.options.check_clean and bool(site.changes())
    except GitFailed:  # it is damaged, or has a .gitmodules that git cannot read
        return True
