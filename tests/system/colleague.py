"""What a colleague does to the submodules of a site, in a clone of their own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.system.site import Site


class Colleague:
    """Each method commits to the origin of the site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.clone = site.root / "colleague"
        site.push_elsewhere({"colleague.php": "hello\n"})

    def adds_submodule(self, path: str, files: Mapping[str, str], url: str = "") -> None:
        """`url` is what stands in front of the path of the submodule's own origin."""
        source = self._source(path)
        source.mkdir(parents=True)
        self._site.git("init", "--quiet", at=source)
        self._commit(source, files)
        self._site.git("submodule", "--quiet", "add", str(source), path, at=self.clone)
        self._site.git("submodule", "set-url", path, f"{url}{source}", at=self.clone)
        self._push(f"add {path}")

    def moves_submodule(self, path: str, files: Mapping[str, str]) -> None:
        self._commit(self._source(path), files)
        inside = self.clone / path
        self._site.git("fetch", "--quiet", "origin", at=inside)
        self._site.git("checkout", "--quiet", "--detach", "origin/main", at=inside)
        self._push(f"move {path}")

    def removes_submodule(self, path: str) -> None:
        self._site.git("rm", "--quiet", path, at=self.clone)
        self._push(f"remove {path}")

    def _source(self, path: str) -> Path:
        return self._site.root / "origin" / Path(path).name

    def _commit(self, source: Path, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (source / name).write_text(text)
        self._site.git("add", "--all", at=source)
        self._site.git("commit", "--quiet", "-m", "a change", at=source)

    def _push(self, message: str) -> None:
        self._site.git("commit", "--quiet", "--all", "-m", message, at=self.clone)
        self._site.git("push", "--quiet", "origin", "main", at=self.clone)
