"""Submodules of a release: which there are, and their commits in the store."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sartoris.agent.errors import Failure, GitFailed
from sartoris.agent.files import create_anew, remove
from sartoris.agent.parsing import without_password
from sartoris.agent.store import Store

_SCHEMES = ("file", "git", "http", "https", "ssh")
_OBJECT = re.compile(r"^([0-9a-f]{40,64}) (commit|blob) (\S+)$", re.MULTILINE)
_GITLINK = re.compile(rb"160000 commit ([0-9a-f]{40,64})\t(.+)\Z", re.DOTALL)
# The carrier as the publish repository writes it: what is here already is then known by one name.
_CARRIER = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (
        ("NAME", "Sartoris"),
        ("EMAIL", "sartoris"),
        ("DATE", "@4102444800 +0000"),
    )
}


class _Submodule(NamedTuple):
    """A submodule at a path of the release. Without a `url` the publish repository carries it.

    Relative URLs that its own files name begin at `base`.
    """

    path: str
    commit: str
    url: str
    base: str


class _Files(NamedTuple):
    """The ids of a commit's .gitmodules and .gitmodules_internal, "" for none."""

    modules: str
    internal: str


class Submodules:
    """The submodules of commits in the store, at any depth.

    As for `git submodule update`, a commit without a `.gitmodules` has none.
    """

    def __init__(self, store: Store) -> None:
        self.store, self.order = store, store.order
        self._files: dict[str, _Files] = {}
        self._links: dict[str, dict[str, str]] = {}

    def of(self, commit: str) -> Mapping[str, str]:
        """The submodules that a commit records itself: paths and commits. Raises GitFailed."""
        if commit not in self._links:
            self._look([commit])
            if commit not in self._files:
                raise GitFailed("cat-file", 1, f"{commit} is missing")
            found = self._list(commit) if self._files[commit].modules else {}
            self._links[commit] = found
            self._look(found.values())  # they are asked for next, and one process is cheaper
        return self._links[commit]

    def bring(self, commit: str, release: str) -> None:
        """Have the commits of all submodules of a release here, and keep them.

        What is missing is fetched: from where a .gitmodules_internal says, else all at once from
        the publish repository. Raises Failure, GitFailed.
        """
        level = [_Submodule("", commit, "", self.order.url)]
        found: list[_Submodule] = []
        while level:
            level = [child for parent in level for child in self._children(parent)]
            self._obtain(level, release)
            found += level
        self._keep(f"refs/submodules/{release}", {one.commit for one in found if not one.url})
        self._keep(f"refs/internal/{release}", {one.commit for one in found if one.url})

    def _look(self, commits: Iterable[str]) -> None:
        """Learn which of the commits are here, and which files they have. One git process."""
        unknown = [commit for commit in dict.fromkeys(commits) if commit not in self._files]
        if not unknown:
            return
        names = ("", ":.gitmodules", ":.gitmodules_internal")
        asked = "".join(f"{commit}{name} {commit}{name}\n" for commit in unknown for name in names)
        form = "--batch-check=%(objectname) %(objecttype) %(rest)"
        answer = self.store.git("cat-file", form, stdin=asked.encode("ascii"))
        found = {name: id_ for id_, _, name in _OBJECT.findall(answer.decode(errors="replace"))}
        for commit in unknown:
            if commit in found:
                modules, internal = (found.get(f"{commit}{name}", "") for name in names[1:])
                self._files[commit] = _Files(modules, internal)

    def _list(self, commit: str) -> dict[str, str]:
        records = self.store.git("ls-tree", "-r", "-d", "-z", "--full-tree", commit).split(b"\0")
        links = filter(None, map(_GITLINK.search, records))
        return {os.fsdecode(link[2]): link[1].decode("ascii") for link in links}

    def _children(self, parent: _Submodule) -> list[_Submodule]:
        inside = f"{parent.path}/" if parent.path else ""
        links = self.of(parent.commit)
        urls = self._urls(parent) if links else {}
        return [
            _Submodule(
                f"{inside}{path}", commit, urls.get(path, ""), urls.get(path, self.order.url)
            )
            for path, commit in links.items()
        ]

    def _urls(self, parent: _Submodule) -> dict[str, str]:
        """What the parent's .gitmodules_internal says, by path."""
        internal = self._files[parent.commit].internal
        if not internal:
            return {}
        shown = f"{parent.path}/.gitmodules_internal".lstrip("/")
        try:
            listed = self.store.git("config", f"--blob={internal}", "--null", "--list")
        except GitFailed as failure:
            message = f"{shown} of {self.order.release} cannot be read"
            raise Failure("submodule-failed", message, failure.output) from failure
        sections: dict[str, dict[str, str]] = {}
        for setting in os.fsdecode(listed).split("\0"):
            key, _, value = setting.partition("\n")
            kind, _, rest = key.partition(".")
            name, _, variable = rest.rpartition(".")
            if kind == "submodule" and name:
                sections.setdefault(name, {})[variable] = value
        return {
            one["path"]: _checked(resolved(parent.base, one["url"]), shown)
            for one in sections.values()
            if "path" in one and "url" in one
        }

    def _obtain(self, submodules: Sequence[_Submodule], release: str) -> None:
        self._look(one.commit for one in submodules)
        missing = self._missing(submodules)
        if any(not one.url for one in missing):
            self._fetch_carried(release)
            self._look(one.commit for one in missing)
        by_url: dict[str, list[_Submodule]] = {}
        for one in missing:
            by_url.setdefault(one.url, []).append(one)
        for url, wanted in by_url.items():
            if url:
                self._fetch_from(url, wanted)
        lacking = self._missing(missing)
        if lacking:
            one = lacking[0]
            where = without_password(one.url or self.order.url)
            message = f"{where} does not have commit {one.commit} of the submodule {one.path}"
            raise Failure("submodule-failed" if one.url else "fetch-failed", message)

    def _missing(self, submodules: Sequence[_Submodule]) -> list[_Submodule]:
        return [one for one in submodules if one.commit not in self._files]

    def _fetch_carried(self, release: str) -> None:
        if not self.order.url:
            message = f"the order has no url for the submodules of {release}, which are not here"
            raise Failure("fetch-failed", message)
        ref = f"refs/submodules/{release}"
        try:
            self.store.fetch_histories(self.order.url, [f"+{ref}:{ref}"])
        except GitFailed:
            if self.store.published([ref]):
                raise
            url = without_password(self.order.url)
            message = f"{url} does not have the submodules of {release}"
            raise Failure("fetch-failed", message) from None

    def _fetch_from(self, url: str, wanted: Sequence[_Submodule]) -> None:
        """Fetch just these commits; everything, from a server that gives out branches only."""
        with contextlib.suppress(GitFailed):
            self.store.fetch_histories(url, sorted({one.commit for one in wanted}))
            self._look(one.commit for one in wanted)
        if not self._missing(wanted):
            return
        here = f"refs/fetched/{self.order.slot}"
        try:
            specs = [f"+refs/{kind}/*:{here}/{kind}/*" for kind in ("heads", "tags")]
            self.store.fetch_histories(url, specs)
        except GitFailed as failure:
            paths = ", ".join(one.path for one in wanted)
            message = f"{without_password(url)} does not give the submodule {paths}"
            raise Failure("submodule-failed", message, failure.output) from failure
        finally:
            remove(self.store.path / here)
        self._look(one.commit for one in wanted)

    def _keep(self, ref: str, commits: Iterable[str]) -> None:
        """Let a ref reach the commits: what no ref reaches goes, sooner or later."""
        path, parents = self.store.path / ref, sorted(set(commits))
        if not parents or path.is_file():
            return
        tree = self.store.git("hash-object", "-t", "tree", "-w", "--stdin").decode().strip()
        options = [option for parent in parents for option in ("-p", parent)]
        message = ("-m", "Submodules of a release")
        made = self.store.git("commit-tree", tree, *options, *message, more=_CARRIER)
        _write_ref(path, made.decode("ascii").strip())


def resolved(base: str, url: str) -> str:
    """The URL, where it begins with ./ or ../ as seen from `base`, as git sees it."""
    if not url.startswith(("./", "../")):
        return url
    base, separator = base.rstrip("/"), "/"
    while url.startswith(("./", "../")):
        up, _, url = url.partition("/")
        if up == "..":
            # As in HOST:PATH, where the last part of a path without a slash begins at the colon.
            cut = max(base.rfind("/"), base.rfind(":") if "/" not in base else -1)
            separator = base[cut] if cut >= 0 else "/"
            base = base[: max(cut, 0)]
    return f"{base}{separator}{url}".rstrip("/")


def _checked(url: str, shown: str) -> str:
    scheme, colons, _ = url.partition("://")
    control = re.search(r"[\x00-\x1f\x7f]", url)
    helper = re.match(r"[A-Za-z0-9+.-]*::", url)
    if not url or url.startswith("-") or control or helper or (colons and scheme not in _SCHEMES):
        message = f"{shown} names {without_password(url)!r}, which is not a URL that is used"
        raise Failure("submodule-failed", message)
    return url


def _write_ref(path: Path, commit: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.lock")
    create_anew(temporary, f"{commit}\n".encode("ascii"))
    temporary.replace(path)
