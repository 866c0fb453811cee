"""Types the same commands to git-deploy and to ours, and says what could be seen after each.

git-deploy's own program runs where `GIT_DEPLOY_PERL` names it (`.../bin/git-deploy`).
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Protocol

from sartoris.cli import boundary
from sartoris.cli.main import main
from tests.parity.differences import Why
from tests.parity.world import World

PERL = os.environ.get("GIT_DEPLOY_PERL", "")

# What a tag is called depends on the second in which it is made. In these tests every look at the
# clock is a second later. An exit that nobody asked for (`die`) ends with whatever errno was.
_PERL_CLOCK = """\
package ParityClock;
my $ahead = $ENV{PARITY_AHEAD} || 0;
my $exited;
BEGIN {
    *CORE::GLOBAL::localtime = sub (;$) { CORE::localtime(@_ ? $_[0] : time + $ahead++) };
    *CORE::GLOBAL::exit = sub (;$) { $exited = 1; CORE::exit(@_ ? $_[0] : 0) };
}
END { $? = 1 if $? && !$exited }
1;
"""
_STEP = 2000  # seconds between two commands, by that clock


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What could be seen after one command.

    `exit` is its exit code, `status` the one of `status` afterwards: the lock. `tags` are
    those that came (`+`) and went (`-`), with the subjects of their commits; `unpushed` those that
    the origin does not have. `calls` are the hooks' calls. `out` is the standard output where it
    was asked for, `more` whatever the scenario looked at besides.
    """

    typed: str
    exit: int
    status: int
    head: str
    deploy_file: str
    tags: tuple[str, ...] = ()
    unpushed: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    out: tuple[str, ...] = ()
    more: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value != ()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Seen:
        known = {field.name for field in fields(cls)}
        assert set(document) <= known, f"fields that nobody knows: {set(document) - known}"
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in document.items()
        }
        return cls(**values)


@dataclass(frozen=True)
class Step:
    """`why` it may differ from git-deploy's; `after` is why an earlier step did."""

    seen: Seen
    why: tuple[Why, ...]
    after: tuple[Why, ...]


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


class Program(Protocol):
    def type(self, world: World, words: tuple[str, ...], *, at: Path, stdin: str) -> Ran:
        """Run `git deploy WORDS`."""


class Ours:
    """Sartoris, in this process (it is fast); `log` and `diff` become git, so not those."""

    def type(self, world: World, words: tuple[str, ...], *, at: Path, stdin: str) -> Ran:
        if {"log", "diff"} & set(words):
            program = "from sartoris.cli.main import git_deploy; git_deploy()"
            return _run([sys.executable, "-c", program, *words], world, at, stdin)
        out, err = io.StringIO(), io.StringIO()
        with (
            _environment(world.environment),
            contextlib.chdir(at),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            _standard_input(stdin),
        ):
            code = boundary.guarded("git-deploy", lambda: main(words))
        return Ran(code, out.getvalue(), err.getvalue())


class Perl:
    """git-deploy itself."""

    def __init__(self, directory: Path) -> None:
        (directory / "ParityClock.pm").write_text(_PERL_CLOCK)
        self._settings = {"PERL5LIB": str(directory), "PERL5OPT": "-MParityClock"}
        self._ahead = 0

    def type(self, world: World, words: tuple[str, ...], *, at: Path, stdin: str) -> Ran:
        assert PERL, "GIT_DEPLOY_PERL is not set"
        self._ahead += _STEP
        clock = {**self._settings, "PARITY_AHEAD": str(self._ahead)}
        return _run(["perl", PERL, *words], world, at, stdin, clock)


class OurClock(datetime):
    """Stands in for the clock from which our tags are named: never the same second twice."""

    ahead = 0

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> OurClock:
        OurClock.ahead += 1
        return super().now(tz) + timedelta(seconds=OurClock.ahead)


@dataclass
class Session:
    """A scenario's hands: one program in its world. What is seen is kept in `steps`."""

    program: Program
    world: World
    steps: list[Step] = field(default_factory=list)
    said: str = ""  # what the last command wrote for people
    after: tuple[Why, ...] = ()

    def __post_init__(self) -> None:
        self._tags = self.world.tags()

    def deploy(
        self,
        line: str,
        *why: Why,
        out: str = "",
        stdin: str = "",
        at: str = ".",
        words: tuple[str, ...] = (),
    ) -> None:
        """Type `git deploy LINE` (then `words`, which may have spaces), and look around.

        `out` is a pattern for the lines of standard output that count, "" for none.
        """
        typed = (*line.split(), *words)
        place = self.world.repo / at
        ran = self.program.type(self.world, typed, at=place, stdin=stdin)
        self.said = ran.err
        tags = self.world.tags()  # first, so that the tags that stay have the first numbers
        calls = self.world.calls()
        status = self.program.type(self.world, ("status",), at=self.world.repo, stdin="")
        seen = Seen(
            typed=" ".join(typed),
            exit=ran.code,
            status=status.code,
            tags=self._changes(tags),
            unpushed=tuple(tag for tag in tags if tag not in self.world.tags_at_origin()),
            head=self.world.head(),
            deploy_file=self.world.deploy_file(),
            calls=calls,
            out=self._lines(ran.out, out) if out else (),
        )
        self.steps.append(Step(seen, why, self.after))

    def look(self, text: str) -> None:
        """Add something to what was seen after the last command."""
        last = self.steps[-1]
        seen = Seen(**{**last.seen.__dict__, "more": (*last.seen.more, self.world.named(text))})
        self.steps[-1] = Step(seen, last.why, last.after)

    def from_here(self, *why: Why) -> None:
        """What follows may differ, because what went before did."""
        self.after += why

    def hears(self, *parts: str) -> None:
        """Look whether the last command told people each of `parts`."""
        for part in parts:
            self.look(f"{part!r} is {'told' if part in self.said else 'not told'}")

    def _lines(self, text: str, pattern: str) -> tuple[str, ...]:
        lines = self.world.named(text).rstrip("\n").split("\n")
        return tuple(line for line in lines if re.match(pattern, line))

    def _changes(self, now: list[str]) -> tuple[str, ...]:
        before, self._tags = self._tags, now
        gone = (f"-{tag}" for tag in before if tag not in now)
        return (*gone, *(f"+{tag}" for tag in now if tag not in before))


def compare(theirs: Seen, ours: Seen, start_tags: set[str]) -> dict[str, tuple[Any, Any]]:
    """The aspects in which ours differs, with git-deploy's value and ours.

    Two differences are everywhere, and are not listed: hooks are told more of the tags than by
    git-deploy, and `start_tags` may be pushed later.
    """
    pairs = {f.name: (getattr(theirs, f.name), getattr(ours, f.name)) for f in fields(Seen)}
    late = {
        tag for tag in set(ours.unpushed) - set(theirs.unpushed) if tag.split()[0] in start_tags
    }
    same = {
        "calls": len(theirs.calls) == len(ours.calls)
        and all(map(_tells_no_less, theirs.calls, ours.calls)),
        "unpushed": set(ours.unpushed) - late == set(theirs.unpushed),
    }
    return {name: pair for name, pair in pairs.items() if not same.get(name, pair[0] == pair[1])}


def start_tags_in(seen: Seen) -> set[str]:
    """The tags that a start has made in this step."""
    return {tag[1:].split()[0] for tag in seen.tags if seen.status == 1 and tag.startswith("+")}


def _tells_no_less(theirs: str, ours: str) -> bool:
    pairs = list(zip(theirs.split(), ours.split(), strict=False))
    return len(theirs.split()) == len(ours.split()) and all(
        said == told or said in ("start=-", "rollout=-") for said, told in pairs
    )


def _run(
    command: list[str],
    world: World,
    at: Path,
    stdin: str,
    settings: Mapping[str, str] | None = None,
) -> Ran:
    done = subprocess.run(
        command,
        cwd=at,
        env={**os.environ, **world.environment, **(settings or {})},
        input=os.fsencode(stdin),
        capture_output=True,
        check=False,
    )
    return Ran(done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))


@contextlib.contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _standard_input(text: str) -> Iterator[None]:
    before, sys.stdin = sys.stdin, io.StringIO(text)
    try:
        yield
    finally:
        sys.stdin = before
