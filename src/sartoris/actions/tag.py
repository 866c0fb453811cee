"""`git deploy tag`: a dated tag on what is checked out, outside of any rollout."""

from __future__ import annotations

import time

from sartoris.actions import announcing
from sartoris.errors import GitFailed, Refused
from sartoris.hooks import Phase
from sartoris.rollout import checks
from sartoris.rollout.deploy_file import write_deploy_file
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.state import RolloutState
from sartoris.rollout.tags import free_tag


def tag(d: Deployment, *, deploy_file: bool = True) -> str:
    """Make and push a tag; its name. Needs `deploy.can-make-tags`.

    Raises `TagsNotAllowed`, what the checks raise, and `Refused` when the remote does not take it:
    then there is no tag here either.
    """
    with d.exclusively():
        checks.person_is_set_up(d)
        checks.may_make_tags(d)
        head = checks.has_commits(d)
        checks.on_a_branch(d)
        checks.tree_is_clean(d)
        checks.remote_exists(d)
        state = _tagged(d, head)
        _make(d, state)
        if deploy_file:
            write_deploy_file(d, state)
        announcing.tagged(d, state)
        return state.rollout_tag


def _tagged(d: Deployment, head: str) -> RolloutState:
    name = free_tag(d.prefix, d.repository.has_tag, date_format=d.date_format)
    d.action = "tag"
    return RolloutState(
        session=d.me.session,
        action="tag",
        prefix=d.prefix,
        slot=d.prefix,
        rollout_tag=name,
        source=head,
        message=(d.options.message or f"working tag of {d.prefix}").replace("%TAG", name),
        tagged_at=time.time(),
    )


def _make(d: Deployment, state: RolloutState) -> None:
    name = state.rollout_tag
    try:
        with d.events.step("tag", name):
            d.repository.create_tag(name, state.source, state.message)
            d.run_hooks(Phase.POST_TAG, state)
            if d.options.uses_remote:
                d.repository.push_tags(d.options.remote_site, [name])
    except GitFailed as error:
        d.repository.delete_tag(name)
        raise Refused(
            f"{name} was not made: {error.message}", next_steps=["git deploy --no-remote tag"]
        ) from error
    except Refused:
        d.repository.delete_tag(name)
        raise
