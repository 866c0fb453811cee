"""Whether git can read the `.gitmodules` of a commit, asked before the commit is checked out.

With one that it cannot read in the work tree (the marks of a merge, a value that is none), most of
git's commands end at once, those that would go back among them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from sartoris.git.command import Git

NAME = ".gitmodules"


def complaint(git: Git, git_dir: Path, commit: str) -> str:
    """What git has to say of the commit's `.gitmodules`; "" if it reads it, or there is none.

    One that is checked out already is not looked at.
    """
    there, here = (_blob(git, name) for name in (commit, "HEAD"))
    if not there or there == here:
        return ""
    content = git.run("cat-file", "blob", there, check=False)
    return _tried(git_dir, content.stdout) if content.ok else ""


def _blob(git: Git, commit: str) -> str:
    named = ("rev-parse", "--quiet", "--verify", "--end-of-options", f"{commit}:{NAME}")
    return git.run(*named, check=False).text


def _tried(git_dir: Path, content: bytes) -> str:
    """In an empty work tree with one submodule that is not there, git reads the file to tell."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        (place / NAME).write_bytes(content)
        own = {"GIT_INDEX_FILE": str(place / "index"), "GIT_WORK_TREE": directory}
        git = Git(place, git_dir, own)
        at = "1" * len(git.text("hash-object", "--stdin"))
        git.run("update-index", "--add", "--cacheinfo", f"160000,{at},submodule")
        tried = git.run("diff-files", check=False)
        return "" if tried.ok else tried.tail().replace(f"{place / NAME}", NAME)
