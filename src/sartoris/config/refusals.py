"""What is refused although each value by itself can be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sartoris.config.entries import SLOT_SECTION, Entry, Levels
from sartoris.config.keys import KEYS, SECTION, find_key, known_names
from sartoris.config.problems import Problem
from sartoris.config.targets import FORMS, Host, Target

_SLOT = re.compile(r"slots?[ .](.+)", re.IGNORECASE)  # one is a slot's section, all may be meant

Listed = Mapping[str, Sequence[tuple[Entry, Any]]]


def planned_keys(levels: Levels) -> Iterator[Problem]:
    """Keys that a later version will read: to accept them now would promise what is not done."""
    for entry in _by_name(levels.counting()):
        key = find_key(entry.key)
        if key is not None and key.planned and entry.value != "":
            line = f"{entry}: this version does not do this yet"
            yield Problem(line, entry.git_config("--unset-all", entry.name))


def wrong_sections(levels: Levels) -> Iterator[Problem]:
    """Keys where nothing reads them."""
    for key in KEYS:
        read = levels.read_for(key.where).counting()
        where = f"[{SECTION}]" + (" of git's own files" if key.where == "git" else "")
        if key.where == "repository":
            where += f' and [{SECTION} "{levels.own_subsection}"]'
        for entry in levels.counting():
            if entry.key == key.name and entry not in read:
                line = f"{entry}: this key is read only in {where}"
                yield Problem(line, entry.git_config("--unset-all", entry.name))
    yield from _wrong_subsections(levels)


def _wrong_subsections(levels: Levels) -> Iterator[Problem]:
    """Known keys in a section that was probably meant to be this repository's."""
    for entry in levels.entries:
        if entry.subsection is None or find_key(entry.key) is None:
            continue
        first, _, rest = entry.subsection.rpartition(" ")
        right = ""
        if rest == levels.repository and first.lower() in ("", "repo", "repository"):
            right = levels.own_subsection
        elif named := _SLOT.match(entry.subsection):
            right = f"{SLOT_SECTION}{named[1]}"
        if right and entry.subsection != right:
            line = f'{entry}: did you mean the section [{SECTION} "{right}"]?'
            wrong = f"{SECTION}.{entry.subsection}"
            yield Problem(line, entry.git_config("--rename-section", wrong, f"{SECTION}.{right}"))


def unknown_keys(levels: Levels) -> tuple[tuple[str, ...], list[Problem]]:
    """The full names of the keys that are the site's own, and a problem for each misspelt one.

    Sections of other repositories are not looked at.
    """
    own: dict[str, None] = {}
    misspelt = []
    for entry in levels.entries:
        others = entry.subsection is not None and entry.subsection.startswith("repository ")
        if find_key(entry.key) or (others and entry.subsection != levels.own_subsection):
            continue
        meant = _meant(entry.key)
        of_slot = (entry.subsection or "").startswith(SLOT_SECTION)
        if meant and (of_slot or entry in levels.counting()):
            misspelt.append(_misspelt(entry, meant))
        else:
            own[entry.name] = None
    return tuple(own), misspelt


def _meant(key: str) -> str | None:
    import difflib

    close = difflib.get_close_matches(key, known_names(), n=1, cutoff=0.8)
    return close[0] if close else None


def _misspelt(entry: Entry, meant: str) -> Problem:
    right = entry.name.removesuffix(entry.key) + meant
    key = find_key(meant)
    add = ["--add"] if key is not None and key.many else []
    steps = (
        *entry.git_config(*add, right, entry.value or ""),
        *entry.git_config("--unset-all", entry.name),
    )
    return Problem(f"{entry}: there is no such key; did you mean {meant}?", steps)


def together(levels: Levels, listed: Listed) -> Iterator[Problem]:
    """Values that cannot stand beside each other."""
    yield from _repeated(listed["target"], lambda target: target.name, "a target of this name")
    yield from _repeated(
        listed["target"], lambda target: target[1:], "a target with this root, or at this address"
    )
    yield from _of_another_transport(levels, listed["target"])
    yield from _repeated(listed["canary"], str, "this canary")
    yield from _repeated(listed["shared"], lambda path: path.rstrip("/"), "this path")
    yield from _strange_canaries(levels, listed["canary"])
    yield from _nested(listed["shared"])
    action = levels.winner("service-action")
    if action is not None and levels.winner("service") is None:
        yield _problem(action, "there is no deploy.service that it could be done to")


def _strange_canaries(levels: Levels, canaries: Sequence[tuple[Entry, str]]) -> Iterator[Problem]:
    names = _named_targets(levels)
    for entry, canary in canaries:
        if names and canary not in names:
            yield _problem(entry, f"there is no target of this name; there are: {_some(names)}")


def _named_targets(levels: Levels) -> set[str]:
    """The targets that the configuration names one by one; none where the transport knows them."""
    transport = _transport(levels)
    keys = [key.name for key in KEYS if transport in key.targets_of]
    # By the raw values: a target whose root is wrong is a target nevertheless.
    entries = [entry for key in keys for entry in levels.winners(key)]
    return {_name_in(entry.value or "") for entry in entries}


def _name_in(target: str) -> str:
    name, equals, _ = target.partition("=")
    return name if equals else name.rpartition("@")[2].partition(":")[0]


def _of_another_transport(
    levels: Levels, listed: Sequence[tuple[Entry, Target | Host]]
) -> Iterator[Problem]:
    """A directory where servers are meant, or the other way round."""
    transport = _transport(levels)
    for key in KEYS:
        kind = key.targets_of.get(transport) if key.name == "target" else None
        for entry, target in listed if kind else ():
            if kind and not isinstance(target, kind):
                yield _problem(entry, f"with deploy.transport = {transport} write {FORMS[kind]}")


def _transport(levels: Levels) -> str:
    chosen = levels.winner("transport")
    return (chosen.value if chosen else _default("transport")) or ""


def _default(name: str) -> str | None:
    key = find_key(name)
    return key.default if key else None


def _nested(shared: Sequence[tuple[Entry, str]]) -> Iterator[Problem]:
    for entry, path in shared:
        others = (other.rstrip("/") for _, other in shared if other.rstrip("/") != path.rstrip("/"))
        outer = next((other for other in others if path.startswith(f"{other}/")), None)
        if outer:
            yield _problem(entry, f"it is inside {outer}, which is shared as a whole")


def _repeated(
    pairs: Sequence[tuple[Entry, Any]], part: Callable[[Any], object], what: str
) -> Iterator[Problem]:
    seen = set()
    for entry, value in pairs:
        if part(value) in seen:
            yield _problem(entry, f"there is already {what}")
        seen.add(part(value))


def _problem(entry: Entry, why: str) -> Problem:
    return Problem(f"{entry}: {why}", entry.git_config("--edit"))


def _some(names: set[str], most: int = 5) -> str:
    shown = sorted(names)[:most]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _by_name(entries: Sequence[Entry]) -> list[Entry]:
    """The last entry of each name in each file: one line is enough for a key with many values."""
    return list({(entry.file, entry.name): entry for entry in entries}.values())
