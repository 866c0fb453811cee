"""Room on the deployment server's disks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sartoris.diagnostics import Finding, ok, warning, wrong
from sartoris.formatting import size
from sartoris.permissions import nearest
from sartoris.rollout.site import Site
from sartoris.shell import command

_NEEDED = 64 << 20  # bytes: less may not do for one release
_ENOUGH = 1 << 30
_FILES_NEEDED = 1000


def disk_space(site: Site) -> Iterator[Finding]:
    """One finding for each file system that a rollout writes to."""
    seen = set()
    for path in (site.repository.git_dir, site.publish_path, site.config.log_directory):
        there = nearest(path) if path else None
        if there is not None and there.stat().st_dev not in seen:
            seen.add(there.stat().st_dev)
            yield _room(there)


def _room(path: Path) -> Finding:
    found = os.statvfs(path)
    free = found.f_bavail * found.f_frsize
    text, step = f"{size(free)} free at {path}", command("df", "-h", str(path))
    if found.f_files and found.f_favail < _FILES_NEEDED:
        text = f"room for {found.f_favail} more files at {path}"
        return wrong("disk", text, command("df", "-i", str(path)))
    if free < _NEEDED:
        return wrong("disk", text, step)
    return warning("disk", text, step) if free < _ENOUGH else ok("disk", text)
