"""Submodules that are found elsewhere since another commit: git itself goes on with the old URL.

It copies the URL of `.gitmodules` into its configuration once. Where somebody has set another one
there, it stays; where it is what `.gitmodules` said before, it follows.
"""

from __future__ import annotations

import os

from sartoris.git.command import Git
from sartoris.git.objects import changed_gitlinks
from sartoris.git.submodules import git_directory, head_commit


def follow_urls(git: Git, old: str, new: str) -> bool:
    """After a move of HEAD from `old` to `new`: take over the URLs that have changed in between.

    At any depth, as far as submodules are at the commits that `new` records. Whether any has
    changed in the configuration.
    """
    if old == new:
        return False
    followed = [_follow(git, name, path, old_url) for name, path, old_url in _moved(git, old, new)]
    for link, commit in changed_gitlinks(git, old, new):
        repository = git_directory(git.directory.absolute(), os.fsdecode(link.path))
        if commit and repository is not None and head_commit(repository) == commit:
            inside = Git(git.directory / os.fsdecode(link.path))
            followed.append(follow_urls(inside, link.commit, commit))
    return any(followed)


def names_by_path(git: Git, commit: str) -> dict[str, str]:
    """The names of submodules as `.gitmodules` of a commit has them, by their paths."""
    return {path: name for name, (path, _) in _recorded(git, commit).items()}


def _moved(git: Git, old: str, new: str) -> list[tuple[str, str, str]]:
    """Name, path now and URL before of each submodule that has another URL now."""
    before = _recorded(git, old)
    return [
        (name, path, before[name][1])
        for name, (path, url) in _recorded(git, new).items()
        if name in before and before[name][1] != url
    ]


def _recorded(git: Git, commit: str) -> dict[str, tuple[str, str]]:
    """Path and URL by name."""
    keys = r"^submodule\..*\.(path|url)$"
    blob = f"{commit}:.gitmodules"
    found = git.run("config", "-z", "--blob", blob, "--get-regexp", keys, check=False).records
    values = dict(record.partition("\n")[::2] for record in found)
    names = [key.removesuffix(".path").partition(".")[2] for key in values if key.endswith(".path")]
    return {
        name: (values[f"submodule.{name}.path"], values.get(f"submodule.{name}.url", ""))
        for name in names
    }


def _follow(git: Git, name: str, path: str, old_url: str) -> bool:
    configured = _configured(git, name)
    if not configured or not _is_of(configured, old_url):
        return False
    git.run("submodule", "--quiet", "sync", "--", path, check=False)
    return _configured(git, name) != configured


def _configured(git: Git, name: str) -> str:
    return git.run("config", "--get", f"submodule.{name}.url", check=False).text


def _is_of(configured: str, recorded: str) -> bool:
    """Whether git made the configured URL of the recorded one, which may be relative."""
    if not recorded.startswith(("./", "../")):
        return configured == recorded
    end = recorded
    while end.startswith(("./", "../")):
        end = end.partition("/")[2]
    return configured.endswith((f"/{end}", f":{end}"))
