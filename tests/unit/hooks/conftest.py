"""A site with hooks that a test writes as shell scripts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sartoris.hooks import HookContext, HookReport, Hooks
from sartoris.hooks.listener import HookListener

CONTEXT = HookContext(action="sync", prefix="slot0")


class Reports(HookListener):
    """Shows what hooks write, and keeps how they ended."""

    def __init__(self, told: list[HookReport]) -> None:
        self._told = told

    def ended(self, report: HookReport) -> None:
        self._told.append(report)


@dataclass(frozen=True)
class HookSite:
    """`told` are the reports that the listener got."""

    directory: Path
    work_tree: Path
    told: list[HookReport] = field(default_factory=list)

    def add(self, name: str, *lines: str, first: str = "#!/bin/sh", mode: int = 0o755) -> Path:
        """Write the hook `name`, such as `apps/common/pre-sync.1`."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([first, *lines, ""]))
        path.chmod(mode)
        return path

    def hooks(self, *, timeout: float = 30) -> Hooks:
        return Hooks(self.directory, self.work_tree, timeout=timeout, listener=self.listener)

    @property
    def listener(self) -> HookListener:
        return Reports(self.told)

    @property
    def ran(self) -> list[str]:
        """What hooks wrote to the file `ran` in the work tree, by line."""
        path = self.work_tree / "ran"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def site(tmp_path: Path) -> HookSite:
    site = HookSite(tmp_path / "my hooks", tmp_path / "work tree")
    site.directory.mkdir()
    site.work_tree.mkdir()
    return site
