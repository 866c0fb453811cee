"""Compares live trees with what was committed, byte by byte, without the code under test."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

from tests.system.site import Site

Tree = dict[str, tuple[str, bytes]]  # path: mode as git writes it, content

_KNOWN: dict[str, Tree] = {}  # by source commit


def committed(repository: Path, commit: str) -> Tree:
    """What `commit` has, submodules (checked out in `repository`) included."""
    if commit not in _KNOWN:
        tree: Tree = {}
        for line in _git(repository, "ls-tree", "-r", "-z", commit).split(b"\0")[:-1]:
            facts, _, name = line.partition(b"\t")
            mode, kind, id_ = facts.decode().split(" ")
            path = os.fsdecode(name)
            if kind == "commit":
                inside = committed(repository / path, id_)
                tree.update({f"{path}/{file}": content for file, content in inside.items()})
            else:
                tree[path] = (mode, _git(repository, "cat-file", "blob", id_))
        _KNOWN[commit] = tree
    return _KNOWN[commit]


def on_disk(top: Path) -> Tree:
    tree: Tree = {}
    for directory, directories, files in os.walk(top):
        links = [name for name in directories if Path(directory, name).is_symlink()]
        for path in (Path(directory, name) for name in (*files, *links)):
            tree[str(path.relative_to(top))] = _entry(path)
    return tree


def _entry(path: Path) -> tuple[str, bytes]:
    if path.is_symlink():
        return "120000", os.fsencode(path.readlink())
    executable = path.stat().st_mode & stat.S_IXUSR
    return "100755" if executable else "100644", path.read_bytes()


def assert_live_trees_are_whole(site: Site, slot: str = "slot0") -> None:
    """Every live tree is exactly the release that its link names, with its deploy file."""
    for target in sorted(path.name for path in (site.root / "targets").iterdir()):
        release = site.live(target, slot)
        if not release:
            continue
        found = on_disk(site.slot(target, slot).resolve())
        _, deploy_file = found.pop(".deploy")
        lines = deploy_file.decode().split("\n")
        source = lines[0].removeprefix("commit: ")
        # A revert that had to fetch an old release again says so in the release.
        for tag in {release, lines[1].removeprefix("tag: ")}:
            assert source == site.git("rev-parse", f"{tag}^{{commit}}"), f"{target}: {lines}"
        assert found == committed(site.repo, source), f"{target}: {release} is not whole"


def _git(at: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=at, check=True, capture_output=True).stdout
