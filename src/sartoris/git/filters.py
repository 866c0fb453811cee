"""Files that a filter changes on their way into a work tree: Git LFS, git-crypt, any `filter=`.

Targets run no filter: what one runs is the deployment server's own configuration, and not part of a
commit. They would get what is committed, a pointer for example, where people here see the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sartoris.git.command import Git

# Who commits such files has the program; that it is not set up here does not make them readable.
_KNOWN = ("lfs", "git-crypt")
_SETTINGS = r"^(filter\..*\.(smudge|process)|core\.attributesfile)$"
_SYSTEM = Path("/etc/gitattributes")
_NO_FILTER = ("unspecified", "unset", "set")


def filtered_files(git: Git, git_dir: Path) -> list[tuple[str, str]]:
    """The files in the index, each with its filter, that are others here than they are committed.

    Their attributes are only asked for where something mentions a filter, so that it costs one
    process elsewhere, however many files there are.
    """
    settings = git.run("config", "-z", "--get-regexp", _SETTINGS, check=False).records
    pairs = [one.partition("\n") for one in settings]
    running = {key[len("filter.") :].rpartition(".")[0] for key, _, value in pairs if value}
    own = [value for key, _, value in pairs if key == "core.attributesfile"]
    if not (_in_tree(git) or any(map(_mentions, _elsewhere(git_dir, own)))):
        return []
    names = git.run("ls-files", "--cached", "-z").stdout
    fields = git.run("check-attr", "--cached", "--stdin", "-z", "filter", stdin=names).records
    return [
        (path, name)
        for path, name in zip(fields[::3], fields[2::3], strict=True)
        if name not in _NO_FILTER and (name in running or name.startswith(_KNOWN))
    ]


def may_have_attributes(git_dir: Path) -> bool:
    """Whether a repository has attributes of its own, by its index; it is quicker than a process.

    Where names are not in the index as they are, the answer is yes.
    """
    try:
        index = (git_dir / "index").read_bytes()
    except OSError:
        return True
    is_plain = index[4:8] in (b"\0\0\0\2", b"\0\0\0\3") and not (
        b"link\0\0" in index or b"sdir\0\0" in index
    )
    inside = b".gitattributes\0" in index
    return inside or not is_plain or any(map(_mentions, _elsewhere(git_dir, [])))


def _in_tree(git: Git) -> bool:
    options = ("--cached", "--no-recurse-submodules", "--quiet", "--fixed-strings")
    return git.succeeds("grep", *options, "-e", "filter", "--", ":(glob)**/.gitattributes")


def _elsewhere(git_dir: Path, own: Iterable[str]) -> list[Path]:
    """The files with attributes that are not in the tree."""
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    user = [*own][-1:] or [f"{base}/git/attributes"]
    return [git_dir / "info" / "attributes", *(Path(one).expanduser() for one in user), _SYSTEM]


def _mentions(path: Path) -> bool:
    try:
        return b"filter" in path.read_bytes()
    except OSError:
        return False
