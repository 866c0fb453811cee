"""A push to a remote with several push URLs: git goes from one to the next, and stops at the first
that fails. What the others have taken by then stays there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sartoris.errors import GitFailed, Refused
from sartoris.git.command import Git
from sartoris.git.ls_remote import refs_at
from sartoris.git.urls import without_secret
from sartoris.shell import command

Urls = tuple[str, ...]


class HalfPushed(GitFailed):
    """Some of the URLs have what was pushed now, others do not.

    `there` and `away` are those URLs for each ref; only refs that some have are in them. `sources`
    are the names of the refs here.
    """

    def __init__(
        self,
        error: GitFailed,
        there: Mapping[str, Urls],
        away: Mapping[str, Urls],
        sources: Mapping[str, str],
    ) -> None:
        lines = [
            f"{_short(ref)} is at {_all(urls)} now, and not at {_all(away[ref])}"
            for ref, urls in there.items()
        ]
        super().__init__(
            error.arguments,
            error.git_exit_code,
            error.output,
            next_steps=error.next_steps,
        )
        self.message = "\n".join([error.message, *lines])
        self.there = there
        self.away = away
        self.sources = sources

    def take_away(self, refs: Sequence[str]) -> list[str]:
        """The commands that remove those of the refs where they are."""
        return [
            f"{command('git', 'push', without_secret(url), f':{ref}')}   # takes it away there"
            for ref in refs
            for url in self.there.get(ref, ())
        ]

    def complete(self) -> list[str]:
        """The commands that push the refs to where they are not."""
        return [
            f"{command('git', 'push', without_secret(url), f'{source}:{ref}')}   # once it answers"
            for ref, source in self.sources.items()
            for url in self.away.get(ref, ())
        ]


def push(git: Git, remote: str, options: Sequence[str], refs: Mapping[str, str]) -> None:
    """Push; `refs` are the refs there, with their names here. `options` begin with `push`.

    Raises `HalfPushed` and `GitFailed`.
    """
    pairs = [f"{source}:{ref}" for ref, source in refs.items()]
    try:
        git.reach(*options, "--", remote, *pairs, remote=remote)
    except GitFailed as error:
        urls = git.run("remote", "get-url", "--push", "--all", "--", remote, check=False).lines
        if len(urls) > 1:
            _tell_where(git, urls, refs, error)
        raise


def _tell_where(git: Git, urls: Sequence[str], refs: Mapping[str, str], error: GitFailed) -> None:
    """Raises `HalfPushed` if some URL has what was pushed."""
    has = {url: _there(git, url, list(refs)) for url in urls}
    there: dict[str, Urls] = {}
    away: dict[str, Urls] = {}
    for ref, source in refs.items():
        wanted = git.text("rev-parse", "--verify", source)
        with_it = tuple(url for url in urls if has[url].get(ref) == wanted)
        if with_it and len(with_it) < len(urls):
            there[ref] = with_it
            away[ref] = tuple(url for url in urls if url not in with_it)
    if there:
        raise HalfPushed(error, there, away, refs) from error


def _there(git: Git, url: str, refs: Sequence[str]) -> Mapping[str, str]:
    """What a URL has of the refs; nothing where it does not answer."""
    try:
        return refs_at(git, url, *refs)
    except Refused:
        return {}


def _short(ref: str) -> str:
    return ref.removeprefix("refs/tags/").removeprefix("refs/heads/")


def _all(urls: Urls) -> str:
    return " and ".join(map(without_secret, urls))
