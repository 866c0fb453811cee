"""A prefix that was never used here, where others were, is a typing error more often than not."""

from __future__ import annotations

from difflib import get_close_matches

from sartoris.errors import Refused
from sartoris.rollout.command import Command
from sartoris.rollout.site import no_prefix
from sartoris.shell import command as shell_command


class UnknownPrefix(Refused):
    """The prefix that was typed was never used in this repository, and others were."""


def require_known_prefix(command: Command) -> str:
    """The prefix. Raises `UnknownPrefix` for one that was typed, unless it is said to be new."""
    site, prefix = command.site, command.site.prefix
    is_meant = site.options.new_prefix or not site.options.prefix
    if is_meant or prefix == site.config.tag_prefix:
        return prefix
    used = {slot.prefix for slot in command.records.desired.slots().values()}
    used |= command.journal.prefixes()
    if not used or prefix in used or site.repository.tag_names(f"{prefix}-[0-9]*"):
        return prefix
    meant = get_close_matches(prefix, sorted(used), n=1) or sorted(used)[:1]
    name, also = command.name, no_prefix(site, prefix)
    new = f"{shell_command('git', 'deploy', name, prefix)} --new-prefix   # a new slot is meant"
    raise UnknownPrefix(
        f"{prefix} was never deployed here; {', '.join(sorted(used)[:8])}"
        f" {'was' if len(used) == 1 else 'were'}{also}",
        next_steps=[
            *(shell_command("git", "deploy", name, one) for one in meant),
            *([] if also else [new]),
        ],
    )
