"""Whether a publish repository is whole.

Looked at where something fails that it may be the cause of: targets only see that they get nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

from sartoris.git.command import Git

# All but the contents of files; those are in packs, each with a sum of its own.
_CONNECTED = ("fsck", "--connectivity-only", "--no-dangling", "--no-progress")
# Of nothing: it reads all settings that packs are made by, of which fsck reads few.
_PACKING = ("pack-objects", "--quiet", "--stdout")


def damage(path: Path) -> str:
    """What is damaged in the publish repository at `path`, in git's own words; "" if nothing is.

    Nor is one that is not there, that is something else, or that this user may not read.
    """
    if not (path / "sartoris").is_dir() or not _may_be_read(path):
        return ""
    if not (path / "HEAD").is_file() or not (path / "objects").is_dir():
        return "HEAD or objects is not there"
    git = Git(path, git_dir=path, environment={"GIT_NO_REPLACE_OBJECTS": "1"})
    packs = sorted((path / "objects" / "pack").glob("*.idx"))
    for look in (_CONNECTED, _PACKING, *(("verify-pack", "--", str(pack)) for pack in packs)):
        done = git.run(*look, stdin=b"", check=False)
        if not done.ok:
            return done.tail(1) or f"`git {look[0]}` ends with {done.exit_code}"
    return ""


def _may_be_read(path: Path) -> bool:
    """What may not be read is no damage; a link that leads to nothing is."""
    found = (
        Path(directory) / name
        for directory, directories, names in os.walk(path)
        for name in (*directories, *names)
    )
    return all(os.access(one, os.R_OK) or (one.is_symlink() and not one.exists()) for one in found)
