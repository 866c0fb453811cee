"""`python -m benchmarks`: measure, and print tables. Asserts nothing."""

from __future__ import annotations

import argparse
import compileall
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import sartoris
from benchmarks import perl, syncs, tags, thousand
from benchmarks.programs import git_text
from benchmarks.sites import Size
from benchmarks.table import Table

SITES = {"plain": Size(), "scattered": Size(scattered=True), "submodules": Size(submodules=100)}
PARTS = (*SITES, "tags", "perl", "memory", "salt", "ssh")


def main(arguments: Sequence[str] | None = None) -> None:
    said = _parser().parse_args(arguments)
    # What pip installs is compiled; a checkout that was edited since may not be.
    compileall.compile_dir(Path(sartoris.__file__).parent, quiet=2)
    print(_heading(said.runs), flush=True)
    with tempfile.TemporaryDirectory(prefix="sartoris-bench-", dir=said.place) as directory:
        for table in _tables(Path(directory), said):
            print(f"\n{table.render()}", flush=True)


def _tables(place: Path, said: argparse.Namespace) -> Iterator[Table]:
    for name, size in SITES.items():
        for targets in said.targets if name in said.parts else ():
            yield from syncs.measure(place / f"{name}-{targets}", size, targets, said.runs)
    if "tags" in said.parts:
        yield tags.growth(place / "tags", said.runs)
    if "perl" in said.parts:
        yield from perl.beside_perl(place / "perl", said.runs)
    if "memory" in said.parts:
        yield thousand.measure(place / "memory", said.runs)
    if "salt" in said.parts:
        from benchmarks import salt  # which not every place has

        yield from salt.measure(place / "salt", said.runs)
    if "ssh" in said.parts:
        from benchmarks import ssh  # the same

        for targets in said.targets:
            yield from ssh.measure(place / f"ssh-{targets}", targets, said.runs)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="measured runs of everything")
    parser.add_argument("--targets", type=int, nargs="+", default=[10, 25], help="fleet sizes")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure")
    parser.add_argument("--place", type=Path, help="where to make the sites (12 GB for 25 targets)")
    return parser


def _heading(runs: int) -> str:
    cores = len(os.sched_getaffinity(0))
    python = sys.version.split()[0]
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {cores} cores, load {os.getloadavg()[0]:.1f},"
        f" {git_text(Path(), '--version')}, Python {python}, medians of {runs} runs"
    )


if __name__ == "__main__":
    main()
