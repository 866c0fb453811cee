"""`git deploy start` and `hotfix`: take the lock, remember where we are, get the commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sartoris.actions import announcing
from sartoris.errors import SartorisError
from sartoris.hooks import Phase
from sartoris.queries.show import tag_of
from sartoris.rollout import checks, session
from sartoris.rollout.deploy_file import tag_deployed
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.state import Progress, RolloutState
from sartoris.rollout.tags import free_tag
from sartoris.workspace import worktree


@dataclass(frozen=True)
class Started:
    """`commit` is what is checked out now; `moved` whether the start fetched something new."""

    state: RolloutState
    commit: str
    moved: bool


def start(d: Deployment) -> Started:
    """Start a rollout of the newest commit. When any part fails nothing has changed.

    Raises `LockHeld`, `AlreadyStarted`, what the checks raise, `HookFailed`, `GitFailed`.
    """
    return start_with(d, "start", _pull)


def hotfix(d: Deployment) -> Started:
    """Start a rollout of what is checked out now, without a pull: to put a fix on top of it."""
    return start_with(d, "hotfix", _stay)


def start_with(
    d: Deployment, action: str, get_commit: Callable[[Deployment, RolloutState], str]
) -> Started:
    """Start a rollout of the commit that `get_commit` checks out and returns."""
    with d.exclusively():
        _check(d)
        state = session.begin(d, action, d.options.message)
        try:
            d.run_hooks(Phase.PRE_START, state)
            state = _remember_start(d, state)
            d.run_hooks(Phase.PRE_PULL, state)
            announcing.starting(d, state)
            commit = get_commit(d, state)
            state = (d.state_file.read() or state).reach(Progress.STARTED)
            d.state_file.write(state)
            d.run_hooks(Phase.POST_START, state)
        except BaseException as error:
            undo(d, d.state_file.read() or state, error)
            raise
        announcing.started(d, state)
        _warn_of_bad_release(d, commit)
        return Started(state, commit, commit != state.start_commit)


def _warn_of_bad_release(d: Deployment, commit: str) -> None:
    """Somebody reverted what is checked out now; to ship it again should be on purpose."""
    record = d.journal.rollout_of_source(commit, d.prefix)
    if record is not None and record.reverted_by:
        d.events.warn(
            f"what is checked out now is {record.tag}, which was found bad: {record.reverted_by}"
            " reverted it"
        )


def undo(d: Deployment, state: RolloutState, error: BaseException | None = None) -> None:
    """Leave everything as it was before a start that failed or was interrupted."""
    reason = error.message if isinstance(error, SartorisError) else ""
    try:
        if state.start_commit and _has_moved(d, state.start_commit):
            for line in worktree.go_to(d, state, state.start_commit):
                d.events.warn(line)
        if state.start_tag_is_new:
            d.repository.delete_tag(state.start_tag)
        if state.reverted_tag:
            d.repository.delete_tag(state.reverted_tag)
    finally:
        session.end(d, state, "quit", reason)


def _has_moved(d: Deployment, commit: str) -> bool:
    """Whether the tree is not that of `commit`: a pull that was killed may be half done."""
    half_done = d.options.check_clean and d.repository.changes()
    return bool(half_done) or d.repository.head() != commit


def _check(d: Deployment) -> None:
    checks.has_commits(d)
    checks.person_is_set_up(d)
    checks.not_blocked(d)
    interrupted = session.unfinished_start(d)
    if interrupted is not None:
        d.events.warn("an interrupted start of yours is cleared away")
        undo(d, interrupted)
    if d.options.force and d.lock.holder() is not None:
        _take_over(d)
    checks.on_a_branch(d)
    checks.tree_is_clean(d)
    if d.options.check_clean:
        d.moves.forget()
    checks.remote_exists(d)


def _take_over(d: Deployment) -> None:
    """Somebody else's rollout may be ended like this only while no target can have switched."""
    tagged = d.state_file.read()
    if tagged is not None and tagged.progress >= Progress.TAGGED:
        raise session.AlreadyStarted(
            f"the rollout under way is tagged already ({tagged.rollout_tag})",
            next_steps=["git deploy --force resync", "git deploy --force abort"],
        )
    state = session.join(d, "start")
    session.end(d, state, "aborted", "taken over by another start")


def _remember_start(d: Deployment, state: RolloutState) -> RolloutState:
    """Find or make the tag of the commit that is checked out now, which `abort` goes back to."""
    with d.events.step("start tag"):
        tag = _known_tag(d, state.start_commit)
        # Tags can be moved and removed by hand; the one to go back to must be on this commit.
        is_new = not tag or d.repository.commit_of(f"refs/tags/{tag}") != state.start_commit
        if is_new:
            tag = free_tag(d.prefix, d.repository.has_tag, date_format=d.date_format)
        state = state.reach(Progress.STARTING, start_tag=tag, start_tag_is_new=is_new)
        d.state_file.write(state)
        default = f"start of a rollout of {d.prefix}: where abort goes back to"
        message = (d.options.message or default).replace("%TAG", tag)
        d.repository.create_tag(tag, state.start_commit, message)
        session.announce(d, state, d.options.message)
    if is_new:
        d.run_hooks(Phase.POST_TAG, replace(state, rollout_tag=tag))
    return state


def _known_tag(d: Deployment, commit: str) -> str:
    """The tag that a rollout of this prefix gave the commit; "" for none.

    The repository is asked when nothing else knows: that takes longer the more tags there are, and
    git-deploy, which may have made them, has left us no journal.
    """
    recorded = d.journal.tag_of_commit(commit, d.prefix)
    known = tag_deployed(d, commit) or recorded
    if known or d.journal.rollouts(prefix=d.prefix, limit=1):
        return known
    return tag_of(d, commit)


def _pull(d: Deployment, state: RolloutState) -> str:
    """The newest commit of the branch, with its submodules, and the hooks that follow it."""
    commit = state.start_commit
    if d.options.uses_remote:
        with d.events.step("pull", f"{d.options.remote_site} {d.remote_branch(state.branch)}"):
            commit = worktree.pull(d, state.branch)
    d.run_hooks(Phase.POST_PULL, state)
    d.run_hooks(Phase.POST_TREE_UPDATE, state)
    return commit


def _stay(d: Deployment, state: RolloutState) -> str:
    del d
    return state.start_commit
