"""Objects: reading and writing many in one git process, and moving them into another repository.

Ids are hexadecimal text, names and paths inside trees are bytes, since git allows any.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sartoris.git.command import Git, GitResult

TREE = b"40000"
GITLINK = b"160000"
# Look for deltas, whatever the repository says of its own packs for transfer.
COMPRESS = "--window=10"


@dataclass(frozen=True)
class GitObject:
    """One object as git stores it. `kind` is `commit`, `tree`, `blob` or `tag`."""

    id: str
    kind: str
    content: bytes


@dataclass(frozen=True)
class TreeEntry:
    """One line of a tree. `mode` is octal text without leading zeros, `name` has no slash."""

    mode: bytes
    name: bytes
    id: str


@dataclass(frozen=True)
class Gitlink:
    """A place in a tree that names a commit of a submodule. `path` is relative to that tree."""

    path: bytes
    commit: str


@dataclass(frozen=True)
class TreeOutline:
    """What is in a tree at any depth: directories (path to tree id, no root) and gitlinks."""

    directories: dict[bytes, str]
    gitlinks: tuple[Gitlink, ...]


def read_objects(git: Git, names: Sequence[str]) -> list[GitObject | None]:
    """The object of each name, in order; None where there is none. One git process."""
    output = git.run("cat-file", "--batch", stdin=_lines(names)).stdout
    found: list[GitObject | None] = []
    position = 0
    for _ in names:
        header_end = output.index(b"\n", position)
        header = output[position:header_end].split()
        if header[-1].isdigit():
            start, size = header_end + 1, int(header[2])
            content = output[start : start + size]
            found.append(GitObject(header[0].decode(), header[1].decode(), content))
            position = start + size + 1
        else:
            found.append(None)
            position = header_end + 1
    return found


def held_objects(git: Git, ids: Iterable[str]) -> set[str]:
    """Those of the ids that the repository has. At most one git process."""
    asked = _lines(ids)
    if not asked:
        return set()
    output = git.run("cat-file", "--batch-check=%(objectname)", stdin=asked).stdout
    return {line.decode() for line in output.splitlines() if b" " not in line}


def subjects_of(git: Git, commits: Iterable[str]) -> dict[str, str]:
    """The first line of each commit's message, by commit; not of those that are not there."""
    held = held_objects(git, commits)
    if not held:
        return {}
    asked = ("log", "--no-walk=unsorted", "-z", "--format=%H %s", "--stdin")
    records = git.run(*asked, stdin=_lines(held)).records
    return dict(record.split(" ", 1) for record in records)


def outline(git: Git, tree: str) -> TreeOutline:
    """The directories and gitlinks in a tree, a commit or whatever names one. One git process."""
    output = git.run("ls-tree", "-r", "-d", "-z", "--full-tree", tree).stdout
    directories: dict[bytes, str] = {}
    gitlinks: list[Gitlink] = []
    for record in output.split(b"\0")[:-1]:
        facts, path = record.split(b"\t", 1)
        mode, _, id_ = facts.split(b" ")
        if mode == GITLINK:
            gitlinks.append(Gitlink(path, id_.decode()))
        else:
            directories[path] = id_.decode()
    return TreeOutline(directories, tuple(gitlinks))


def parse_tree(tree: GitObject) -> list[TreeEntry]:
    """The entries of a tree object, in its order."""
    content, id_size = tree.content, len(tree.id) // 2
    entries: list[TreeEntry] = []
    position = 0
    while position < len(content):
        name_end = content.index(b"\0", position)
        mode, name = content[position:name_end].split(b" ", 1)
        position = name_end + 1 + id_size
        entries.append(TreeEntry(mode, name, content[name_end + 1 : position].hex()))
    return entries


def write_trees(git: Git, trees: Sequence[Sequence[TreeEntry]]) -> list[str]:
    """Write trees of one entry or more, and return their ids. One git process.

    git puts the entries into its own order. Whether the objects they name exist is not checked.
    """
    request = b"".join(b"".join(map(_mktree_record, tree)) + b"\0" for tree in trees)
    return git.run("mktree", "-z", "--batch", "--missing", stdin=request).lines


def write_commit(git: Git, content: bytes) -> str:
    """Write a commit object exactly as given, even with header lines that today's git dislikes."""
    arguments = ("hash-object", "-t", "commit", "-w", "--literally", "--stdin")
    return git.run(*arguments, stdin=content).text


def empty_tree(like: str) -> str:
    """The id of the empty tree, in the hash that the id `like` was made with."""
    import hashlib

    return hashlib.new("sha1" if len(like) == 40 else "sha256", b"tree 0\0").hexdigest()


def added_objects(git: Git, old: str, new: str) -> dict[str, bytes]:
    """Trees and blobs of tree `new` that are not at the same place in `old`, each with a path.

    Neither root nor commits of submodules are among them. Costs what the difference costs, not what
    the trees do.
    """
    arguments = ("diff-tree", "-r", "-t", "-z", "--raw", "--no-abbrev", "--no-renames")
    fields = git.run(*arguments, old, new).stdout.split(b"\0")
    added: dict[str, bytes] = {}
    for facts, path in zip(fields[:-1:2], fields[1::2], strict=True):
        _, mode, _, id_, status = facts.split(b" ")
        if status != b"D" and mode != GITLINK:
            added[id_.decode()] = path
    return added


def changed_gitlinks(git: Git, old: str, new: str) -> list[tuple[Gitlink, str]]:
    """The gitlinks of commit `old` that are others in `new`, each with its commit there.

    That is "" where there is none any more. None at all if one of the commits is not there. Costs
    what the difference costs, in one git process.
    """
    arguments = ("diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames")
    fields = git.run(*arguments, old, new, "--", check=False).stdout.split(b"\0")
    changed: list[tuple[Gitlink, str]] = []
    for facts, path in zip(fields[:-1:2], fields[1::2], strict=True):
        mode, new_mode, id_, new_id, _ = facts.lstrip(b":").split(b" ")
        if mode == GITLINK:
            link = Gitlink(path, id_.decode())
            changed.append((link, new_id.decode() if new_mode == GITLINK else ""))
    return changed


def write_pack(git: Git, objects: Iterable[str], directory: Path) -> None:
    """Write the objects with these ids as one pack that needs no other.

    No new deltas are looked for: what one release adds is mostly one version of each file.
    """
    request = _lines(objects)
    arguments = ("pack-objects", "--quiet", "--window=0", "--delta-base-offset")
    git.run(*arguments, str(directory / "pack"), stdin=request)


def write_pack_of_history(
    git: Git, commits: Iterable[str], held: Iterable[str], directory: Path
) -> GitResult:
    """Write all that these commits reach and the `held` ones do not, as one pack; what git said."""
    request = _lines([*commits, *(f"^{commit}" for commit in held)])
    arguments = ("pack-objects", "--quiet", COMPRESS, "--revs", "--delta-base-offset")
    return git.run(*arguments, str(directory / "pack"), stdin=request, check=False)


def write_thin_pack(git: Git, commits: Iterable[str], held: Iterable[str], file: BinaryIO) -> None:
    """Write to the file what these commits reach and the `held` ones do not, as far as trees tell.

    Whoever gets it has to have those: there may be deltas against them, of which no new ones are
    looked for (each costs every receiver more than it saves on the way). Commits without a common
    history count by their trees (`--shallow`), which costs no more than to compare these would.
    """
    request = _lines([*commits, *(f"^{commit}" for commit in held)])
    thin = ("--revs", "--thin", "--shallow", "--window=0", "--delta-base-offset")
    git.write(file, "pack-objects", "--quiet", "--stdout", *thin, stdin=request)


def quote_alternate(directory: Path) -> bytes:
    """A line of `objects/info/alternates` for any path, newlines and quotes included."""
    path = os.fsencode(directory)
    for plain, quoted in ((b"\\", b"\\\\"), (b'"', b'\\"'), (b"\n", b"\\n")):
        path = path.replace(plain, quoted)
    return b'"' + path + b'"\n'


def _mktree_record(entry: TreeEntry) -> bytes:
    kind = {TREE: b"tree", GITLINK: b"commit"}.get(entry.mode, b"blob")
    return b"%s %s %s\t%s\0" % (entry.mode, kind, entry.id.encode(), entry.name)


def _lines(names: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(name) + b"\n" for name in names)
