"""What a person should remember of an emergency: changes that did not ship, commits to push."""

from __future__ import annotations

from sartoris.formatting import plural
from sartoris.queries.not_pushed import not_pushed
from sartoris.rollout.session import Session
from sartoris.shell import command


def tell_changes_left_out(session: Session) -> None:
    """With --no-check-clean: which changes are not in the release."""
    site = session.site
    changes = [] if site.options.check_clean else site.changes()
    if not changes:
        return
    most = site.options.show_most
    names = "\n".join(f"  {one}" for one in changes[:most])
    more = f"\n  and {len(changes) - most} more" if len(changes) > most else ""
    session.events.warn(
        f"only what is committed is in the release; not in it: {plural(len(changes), 'change')}"
        f" of the work tree:\n{names}{more}"
    )


def remind_to_push(session: Session) -> None:
    """What is live, and only here."""
    site, records, state = session.site, session.command.records, session.state
    found = not_pushed(site, records, state.prefix)
    if found is not None:
        session.events.warn(f"{found.text}\n{found.step}")


def remind_to_push_what_was_synced(session: Session) -> None:
    """At the end of a sync without the remote its tag has to be pushed, whatever of its commit."""
    site, state = session.site, session.state
    if not_pushed(site, session.command.records, state.prefix) is not None:
        remind_to_push(session)
    elif not state.remote and site.repository.has_remote(site.options.remote_site):
        push = command("git", "push", site.options.remote_site, state.rollout_tag)
        session.events.warn(f"{state.rollout_tag} is not pushed:\n{push}")
