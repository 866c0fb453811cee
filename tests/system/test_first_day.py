"""docs/first-day.md is played: what it shows is what is seen."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.system.site import Site

PAGE = Path(__file__).parents[2] / "docs" / "first-day.md"
TAG = re.compile(r"slot0-\d{8}-\d{6}")
VARYING = (
    (re.compile(r"\(\d+ bytes\)"), "(BYTES)"),
    (re.compile(r"since \d\d \w{3} \d\d:\d\d"), "since TIME"),
    (TAG, "TAG"),
    (re.compile(r"\b[0-9a-f]{7,40}\b"), "COMMIT"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?"), "WHEN"),
    (re.compile(r"\d+\.\d\d(-\d+\.\d\d)? s|\d+ (s|min) ago"), "SECONDS"),
    (re.compile(r"\([\w-]+\) on \S+"), "(LOGIN) on HOST"),
    (re.compile(r"process \d+"), "process NUMBER"),
    (re.compile(r"[ \t]+"), " "),
)
CHANGES = ["Greet the visitors", "Add a page of names", "Shorten the greeting"]


def blocks(page: str) -> Iterator[tuple[bool, str]]:
    """The page in parts: screens, which are indented and begin with a command, and the rest."""
    for part in re.split(r"((?:^    .*\n(?:\n(?=    ))*)+)", page, flags=re.MULTILINE):
        yield part.startswith("    $ "), part


def screens(block: str) -> list[tuple[str, str]]:
    """Each command of a block, with what the page shows below it."""
    text = "\n".join(line.removeprefix("    ") for line in block.splitlines())
    found = re.split(r"^\$ (.*)\n?", text, flags=re.MULTILINE)[1:]
    return list(zip(found[::2], found[1::2], strict=True))


def seen(site: Site, command: str) -> str:
    if command.startswith("git deploy "):
        ran = site.run(*command.removeprefix("git deploy ").split())
        return ran.out + ran.err
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=site.repo, capture_output=True, text=True, check=True
    )
    return done.stdout + done.stderr


def played(site: Site, page: str) -> str:
    """The page, with what is really seen in it. A colleague pushes before each start."""
    changes, tags = iter(CHANGES), dict[str, str]()
    told = ""
    for is_screen, part in blocks(page):
        if not is_screen:
            told += part
            continue
        for command, shown in screens(part):
            typed = TAG.sub(lambda found: tags.get(found[0], found[0]), command)
            if command == "git deploy start":
                site.push_elsewhere({"index.php": f"{(change := next(changes))}\n"}, "main", change)
            real = seen(site, typed)
            tags.update(zip(TAG.findall(shown), TAG.findall(real), strict=False))
            told += f"    $ {typed}\n"
            told += "".join(f"    {line}".rstrip() + "\n" for line in real.splitlines())
    return told


def without_what_varies(page: str) -> list[str]:
    for pattern, word in VARYING:
        page = pattern.sub(word, page)
    return [line.rstrip() for line in page.splitlines() if line.strip()]


def test_the_page_of_the_first_day_shows_what_is_seen(deployed: Site, tmp_path: Path) -> None:
    page = PAGE.read_text()
    new = tmp_path / PAGE.name
    new.write_text(played(deployed, page))
    assert without_what_varies(page) == without_what_varies(new.read_text()), f"{new} is current"
