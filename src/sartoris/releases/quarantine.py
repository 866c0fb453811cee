"""A place for objects that may yet be thrown away."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sartoris.git.command import Git
from sartoris.git.objects import quote_alternate


class Quarantine:
    """A repository for new objects, thrown away unless taken in; for `compose` and `carry`.

    It has no refs, since `git pack-objects` looks at each tag of the repository that it runs in.
    """

    def __init__(self, repository: Git, directory: Path) -> None:
        self.git = Git(directory, directory, repository.environment)
        # A file, since an environment variable is too short for a thousand submodules.
        self._alternates = directory / "objects/info/alternates"
        self._alternates.parent.mkdir(parents=True)
        (directory / "refs").mkdir()
        (directory / "HEAD").write_text("ref: refs/heads/none\n")
        shutil.copyfile(repository.directory / "config", directory / "config")

    def read_also(self, directories: Iterable[Path]) -> None:
        with self._alternates.open("ab") as file:
            file.writelines(map(quote_alternate, directories))

    def read_history(self, directories: Iterable[Path]) -> None:
        directories = list(directories)
        self.read_also(directories)
        for directory in directories:
            self._end_history(directory.parent / "shallow")

    def shallow(self) -> list[str]:
        """The commits before which a shallow repository has no history."""
        try:
            return (self.git.directory / "shallow").read_text().split()
        except FileNotFoundError:
            return []

    def _end_history(self, shallow: Path) -> None:
        with suppress(FileNotFoundError):
            ends = shallow.read_bytes()
            with (self.git.directory / "shallow").open("ab") as file:
                file.write(ends)
