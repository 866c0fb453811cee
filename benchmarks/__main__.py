"""`python -m benchmarks`: measure, and print tables. Asserts nothing."""

from __future__ import annotations

import argparse
import compileall
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import sartoris
from benchmarks import first, perl, syncs, tags, thousand
from benchmarks.programs import git_text
from benchmarks.sites import Size
from benchmarks.table import Table

SITES = {"plain": Size(), "scattered": Size(scattered=True), "submodules": Size(submodules=100)}
PARTS = (*SITES, "first", "tags", "perl", "memory", "salt", "ssh")


def main(arguments: Sequence[str] | None = None) -> None:
    said = _parser().parse_args(arguments)
    # What pip installs is compiled; a checkout that was edited since may not be.
    compileall.compile_dir(Path(sartoris.__file__).parent, quiet=2)
    print(_heading(said.runs), flush=True)
    with tempfile.TemporaryDirectory(prefix="sartoris-bench-", dir=said.place) as directory:
        for table in _tables(Path(directory), said):
            print(f"\n{table.render()}", flush=True)


def _tables(place: Path, said: argparse.Namespace) -> Iterator[Table]:
    for part in PARTS:
        if part not in said.parts:
            continue
        measure = _for_a_size_of_fleet(part)
        if measure is None:
            yield from _of_no_size(part, place / part, said.runs)
            continue
        for targets in said.targets:
            yield from measure(place / f"{part}-{targets}", targets, said.runs)


def _for_a_size_of_fleet(part: str) -> Callable[[Path, int, int], Iterator[Table]] | None:
    if part in SITES:
        return lambda place, targets, runs: syncs.measure(place, SITES[part], targets, runs)
    if part == "first":
        return first.measure
    if part == "ssh":
        from benchmarks import ssh  # which not every place has

        return ssh.measure
    return None


def _of_no_size(part: str, place: Path, runs: int) -> Iterator[Table]:
    if part == "tags":
        yield tags.growth(place, runs)
    elif part == "perl":
        yield from perl.beside_perl(place, runs)
    elif part == "memory":
        yield thousand.measure(place, runs)
    else:
        from benchmarks import salt  # the same

        yield from salt.measure(place, runs)


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
