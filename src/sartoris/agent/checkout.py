"""Files as the commit has them, whatever the target, its settings or an earlier release say.

git asks many what a file looks like: `.gitattributes` of the tree, of the machine and of the user,
settings of four kinds; and its index does not know what they said when a file was written. So git
writes a work tree from a git directory of its own, in which no file has attributes: each file is
what is stored, and that the index does know. The few files that the commit's own attributes convert
(line ends, encodings, `$Id$`) are made apart, where the tree has no other files, and put there.

Each part of a composed release is converted as a work tree of its own. So a submodule has its own
attributes, and its own macros, which git takes from the top of a work tree only; and no others.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sartoris.agent.files import MEBIBYTE, remove
from sartoris.agent.index_file import has_file
from sartoris.agent.parts import by_part, places_in
from sartoris.agent.store import Store

LINK, GITLINK = "120000", "160000"
_NO_ATTRIBUTES = "* -text -ident -filter !eol !crlf !working-tree-encoding\n"
# What a .gitattributes says that makes git write anything else than what is stored; more, at times.
_CONVERTING = re.compile(rb"eol\s*=\s*crlf|\bident\b|working-tree-encoding")
_ASKED = ("eol", "ident", "working-tree-encoding")
_NOTHING = ("unspecified", "unset", "lf")


class Entry(NamedTuple):
    """One entry of an index: git's mode, the object's id, and the path."""

    mode: str
    id: str
    path: str


class Checkout:
    """git on a work tree with the objects of a store, and nothing else of the store or the machine.

    What it needs it keeps in `directory`, which it makes anew.
    """

    def __init__(self, store: Store, directory: Path) -> None:
        self._store, self._directory = store, directory
        remove(directory)
        directory.mkdir()
        self._plain = self._git_directory("plain", _NO_ATTRIBUTES)

    def _git_directory(self, name: str, attributes: str) -> Path:
        directory = self._directory / name
        for part in ("refs", "info"):
            (directory / part).mkdir(parents=True)
        sha256 = len(self._store.order.commit) == 64
        extension = "[extensions]\n\tobjectFormat = sha256\n" if sha256 else ""
        config = f"[core]\n\trepositoryformatversion = {sha256:d}\n{extension}"
        files = {"HEAD": "ref: refs/heads/none\n", "config": config, "info/attributes": attributes}
        for file, text in files.items():
            (directory / file).write_text(text, encoding="ascii")
        return directory

    def git(self, *arguments: str, tree: Path, index: Path, stdin: bytes = b"") -> bytes:
        """Run git where no file has attributes. Raises GitFailed."""
        return self._git(self._plain, arguments, tree, index, stdin)

    def _git(
        self, where: Path, arguments: Iterable[str], tree: Path, index: Path, stdin: bytes
    ) -> bytes:
        more = {"GIT_OBJECT_DIRECTORY": os.fspath(self._store.path / "objects")}
        return self._store.git(
            *arguments, store=where, tree=tree, index=index, more=more, stdin=stdin
        )

    def entries(self, index: Path, *pathspecs: str) -> list[Entry]:
        """What is in an index, or of it what the pathspecs name."""
        ask = ("ls-files", "--stage", "-z", "--", *pathspecs)
        listed = self.git(*ask, tree=self._directory, index=index)
        found = []
        for record in os.fsdecode(listed).split("\0")[:-1]:
            facts, _, path = record.partition("\t")
            mode, id_, _ = facts.split(" ")
            found.append(Entry(mode, id_, path))
        return found

    def converted(self, commit: str, index: Path) -> dict[str, Path]:
        """The files of a commit that its attributes convert.

        Each path, with a file that is as it should be, and may be taken. `index` has the tree of
        the commit.
        """
        if not has_file(index, ".gitattributes"):
            return {}
        attributes = self.entries(index, ":(glob)**/.gitattributes")
        converting = self._converting([one for one in attributes if one.mode != GITLINK])
        if not converting:
            return {}
        here = self._directory
        entries = self.entries(index)
        places = places_in(self.git("cat-file", "commit", commit, tree=here, index=index))
        files = by_part([one.path for one in entries if one.mode not in (LINK, GITLINK)], places)
        where = self._git_directory("converting", "")
        found: dict[str, Path] = {}
        for number, part in enumerate(by_part(converting, places)):
            tree, paths = here / f"tree-{number}", files.get(part, [])
            found.update(self._converted_part(where, tree, commit, index, part, paths))
        return found

    def _converting(self, attributes: Sequence[Entry]) -> list[str]:
        """Those of these .gitattributes that may convert a file. At most one git process."""
        if not attributes:
            return []
        asked, here = "".join(f"{one.id}\n" for one in attributes), self._directory
        said = self.git(
            "cat-file", "--batch", tree=here, index=here / "none", stdin=asked.encode("ascii")
        )
        found, position = [], 0
        for one in attributes:
            start = said.index(b"\n", position) + 1
            size = said[position:start].split()[-1]
            end = start + int(size) if size.isdigit() else start - 1  # or "missing"
            if _CONVERTING.search(said, start, end):
                found.append(one.path)
            position = end + 1
        return found

    def _converted_part(
        self, where: Path, tree: Path, commit: str, index: Path, part: str, paths: Iterable[str]
    ) -> Iterator[tuple[str, Path]]:
        """Those of the paths, all in one part of the commit, that its attributes convert."""
        tree.mkdir()
        inside = f"{part}/" if part else ""
        if part:
            index = tree.with_name(f"{tree.name}.index")
            self._git(where, ("read-tree", f"{commit}:{part}"), tree, index, b"")
        own = [path[len(inside) :] for path in paths]
        converted = self._with_conversion(where, tree, index, own)
        self._git(where, ("checkout-index", "-z", "--stdin"), tree, index, _listed(converted))
        return ((f"{inside}{path}", tree / path) for path in converted)

    def _with_conversion(
        self, where: Path, tree: Path, index: Path, paths: Iterable[str]
    ) -> list[str]:
        arguments = ("check-attr", "--cached", "-z", "--stdin", *_ASKED)
        answer = self._git(where, arguments, tree, index, _listed(paths))
        fields = os.fsdecode(answer).split("\0")
        triples = zip(fields[::3], fields[1::3], fields[2::3])  # noqa: B905 - not in 3.9
        return list(dict.fromkeys(path for path, _, value in triples if value not in _NOTHING))

    def end(self) -> None:
        remove(self._directory)


def _listed(paths: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def is_program(entry: Entry) -> bool:
    return entry.mode == "100755"


def blob_id(like: str, content: bytes) -> str:
    """The id of a blob, in the hash that the id `like` was made with."""
    digest = _blob(like, len(content))
    digest.update(content)
    return str(digest.hexdigest())


def blob_id_of(file: Path, like: str) -> str:
    """The id of a blob with what is in a file."""
    with file.open("rb", buffering=0) as content:
        digest = _blob(like, os.fstat(content.fileno()).st_size)
        while chunk := content.read(MEBIBYTE):
            digest.update(chunk)
    return str(digest.hexdigest())


def _blob(like: str, size: int) -> Any:
    # For what git does with it, also where nothing else may use SHA-1.
    digest = hashlib.new("sha1" if len(like) == 40 else "sha256", usedforsecurity=False)
    digest.update(b"blob %d\0" % size)
    return digest
