"""Print docs/configuration.md: `python -m sartoris.config.reference > docs/configuration.md`."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence

from sartoris.config.key import Key
from sartoris.config.keys import KEYS, SECTION, TABLE

_INTRODUCTION = """\
# Configuration

<!-- Generated from the table that validates: python -m sartoris.config.reference -->

Sartoris is configured in git's own configuration, in the section `deploy`:

    git config deploy.tag-prefix slot0
    git config --add deploy.target web1=/srv/fleet/web1

A value that makes no sense, a key that looks like a misspelt one, and a key in a section where
nothing reads it are refused, all of them at once, with the file and the key. Other unknown keys are
left to the site's own hooks.

## Where it is read

1. what is said for one command: `git -c deploy.KEY=VALUE deploy ...`
2. `[deploy "slot NAME"]`, for commands about that slot; first in the file that
   `deploy.config-file` names, then in git's own files
3. `[deploy "repository NAME"]` in the file that `deploy.config-file` names
4. `[deploy "repository NAME"]` in git's own files
5. `[deploy]` in the file that `deploy.config-file` names
6. `[deploy]` in git's own files

The first of these that has a key decides it, among files as in git-deploy. NAME is the name of the
repository (`deploy.repo-name-detection`). Git's own files are the system's, the user's, the
repository's and the work tree's; the last one that has the key wins. A value in the file of
`deploy.config-file` is stronger than all of them: `git deploy config` tells of every key what is in
force and which file says so, and `git deploy doctor` names the values that have no effect. Files
that this file includes are not read (`git config --file` does not).

Which slot a command is about says its prefix, for which the slot's name may be typed: see
[slots.md](slots.md).

Where a key may have many values, all values of the deciding place count, in their order, and an
empty value takes back those before it. For other keys an empty value is as good as none; an empty
boolean is false.

## What values look like

Booleans and numbers are written as git writes them: `true`, `yes`, `on`, `1`; `10`, `1k`, `0x1f`,
and octal with a leading 0. A path on the deployment server may start with `~/` or `~user/`; a
relative one starts at the top of the working repository.

A value in backticks is a command: ``tag-prefix = "`cat /etc/slot`"``. It is run by `sh -c` at the
top of the working repository, and what it writes to standard output is the value. As in git-deploy,
this is there for texts, names and paths, and for numbers, booleans, choices and keys with many
values it is not. A command that fails, or takes longer than ten seconds, is an error.
"""

_PLANNED = """\
These keys and values have their meaning already, but this version cannot do what they ask for, and
refuses them rather than seem to.
"""


def render() -> str:
    """The reference page, in Markdown."""
    parts = [_INTRODUCTION]
    for heading, keys in TABLE.items():
        parts.append(f"## {heading}\n")
        if all(key.planned for key in keys):
            parts += [_PLANNED, _planned(keys)]
        else:
            parts += [_section(key) for key in keys]
    return "\n".join(parts)


def _section(key: Key) -> str:
    lines = [f"### {SECTION}.{key.name}", "", _wrapped(key.meaning), ""]
    facts = [f"Value: {key.kind.words}" + (" (may be given many times)" if key.many else "")]
    facts.append(f"Default: {_default(key)}")
    if key.where == "repository":
        facts.append(f'Not read in `[{SECTION} "slot NAME"]`')
    elif key.where != "any":
        files = " of git's own files" if key.where == "git" else ""
        facts.append(f"Read only in `[deploy]`{files}")
    lines += [f"- {fact}" for fact in facts]
    return "\n".join([*lines, "", f"      {_example(key)}", ""])


def _default(key: Key) -> str:
    return f"`{key.default}`" if key.default is not None else key.unset


def _example(key: Key) -> str:
    name = (key.family or (key.name,))[0]
    value = key.example
    if any(letter in value for letter in "#;\"\\'") or value != value.strip():
        value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{name} = {value}"


def _planned(keys: Sequence[Key]) -> str:
    rows = ["| | meaning |", "| --- | --- |"]
    for key in KEYS:
        rows += [
            f"| `{SECTION}.{key.name} = {value}` | a later choice |" for value in key.kind.planned
        ]
    rows += [f"| `{SECTION}.{key.name}` | {key.meaning} |" for key in keys]
    return "\n".join(rows) + "\n"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    sys.stdout.write(render())
