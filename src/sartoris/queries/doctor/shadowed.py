"""Settings that have no effect: another file wins, or the transport does not read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sartoris.config.sources import sources, with_deciding_files
from sartoris.diagnostics import Finding, warning
from sartoris.rollout.site import Site
from sartoris.shell import command
from sartoris.transports.configured import targets_of_others, unread_keys


def without_effect(site: Site) -> Iterator[Finding]:
    """Each value that somebody may believe to be in force."""
    repository, config = site.repository, site.config
    for one in sources(repository.git, git_dir=repository.git_dir, top=repository.top):
        for entry in one.shadowed:
            step = command("git", "deploy", "config", one.name)
            text = f"{entry} has no effect: {one.entries[-1]} wins"
            yield warning("no effect", text, step, *entry.git_config("--unset-all", entry.name))
    ours, others = targets_of_others(config)
    for key in others:
        text = f"{key} has no effect: deploy.transport is {config.transport}, which reads {ours}"
        yield warning("no effect", text, f"git config --unset-all {key}")
    for key, transport in unread_keys(config):
        text = (
            f"{key} has no effect: deploy.transport is {config.transport}, and only {transport}"
            " reads it"
        )
        yield warning("no effect", text, f"git config --unset-all {key}")


def in_their_files(site: Site, finding: Finding) -> Finding:
    """The finding, whose advice names the file that decides what it is about."""
    repository = site.repository
    steps = with_deciding_files(
        finding.next_steps, repository.git, git_dir=repository.git_dir, top=repository.top
    )
    return replace(finding, next_steps=steps)
