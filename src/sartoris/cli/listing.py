"""Lines of git-deploy's lists of tags."""

from __future__ import annotations

from collections.abc import Sequence

from sartoris.queries.listing import Listed


def lines(listed: Sequence[Listed], *, numbered: bool = False, long: bool = False) -> list[str]:
    """`7e25a770901c.. *tag: slot0-20261124-1402`, `*` for what is checked out.

    Older names of the same commit follow after `==`. All is as git-deploy has it, spaces and tabs
    too. `numbered` puts the numbers for `revert` in front, `long` shows the whole commit id.
    """
    return [
        (f"{number:4}.\t" if numbered else "") + _line(one, long=long)
        for number, one in enumerate(listed, 1)
    ]


def _line(one: Listed, *, long: bool) -> str:
    digest = one.commit if long else f"{one.commit[:12]}.."
    same = " ==\t" + "\t".join(one.same) if one.same else ""
    return f"{digest} {'*' if one.current else ' '}{one.kind}: {one.name:<25}{same}"
