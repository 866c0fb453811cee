"""The publish repository, and whether targets can fetch from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sartoris.diagnostics import Finding, ok, unknown, warning, wrong
from sartoris.errors import Refused
from sartoris.formatting import plural, size
from sartoris.git.believed import is_of_another, trust
from sartoris.git.command import Git
from sartoris.git.ls_remote import refs_at
from sartoris.git.urls import has_secret
from sartoris.permissions import (
    closed,
    described,
    how_to_make,
    is_of_a_group_to_join,
    let,
    may_change,
    nearest,
    way_in,
)
from sartoris.releases.publish import PACK_LIMIT
from sartoris.releases.soundness import damage
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site
from sartoris.shell import command

_MANY_PACKS = 2 * PACK_LIMIT  # publishing joins them before


def repository(site: Site) -> Iterator[Finding]:
    path = site.publish_path
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        yield _to_be_made(site, path)
    elif not (path / "HEAD").is_file() or not (path / "objects").is_dir():
        step = "git config deploy.publish-dir DIRECTORY"
        yield wrong("publish repository", f"{path} is not a git repository, and not empty", step)
    elif found := closed(_written_to(path)):
        yield wrong(
            "publish repository", f"you may not write to {described(found)}", way_in(found[0])
        )
    else:
        yield _condition(site, path)


def _to_be_made(site: Site, path: Path) -> Finding:
    above = nearest(path.parent)  # it is made beside its place, and moved there when it is whole
    if above.is_dir() and may_change(above):
        return ok("publish repository", "none yet: the first sync makes it")
    text = f"it is not there, and you may not write to {described([above])}"
    if path == site.own_publish_path or is_of_a_group_to_join(above):
        step = way_in(above)
    elif not path.parent.exists():
        step = how_to_make(path.parent)
    else:
        step = command("git", "config", "deploy.publish-dir", str(site.own_publish_path))
    return wrong("publish repository", text, step)


def _written_to(path: Path) -> list[Path]:
    found = (path, path / "objects", path / "objects" / "pack", path / "refs", path / "sartoris")
    return [each for each in found if each.exists()]


def _condition(site: Site, path: Path) -> Finding:
    if found := damage(path):
        aside = command("mv", str(path), f"{path}.damaged")
        return wrong(
            "publish repository",
            f"{path} is damaged: {found}",
            aside if may_change(path.parent) else let(path.parent.stat().st_uid, aside),
            *again(site),
        )
    packs = list((path / "objects" / "pack").glob("*.pack"))
    text = f"{plural(len(packs), 'pack')}, {size(sum(pack.stat().st_size for pack in packs))}"
    if len(packs) > _MANY_PACKS:
        step = command("git", "-C", str(path), "repack", "--geometric=2", "-d")
        return warning("publish repository", f"{text}; every fetch opens them all", step)
    return ok("publish repository", text)


def newest(site: Site) -> Iterator[Finding]:
    """Whether what should be live is published: targets that were away fetch it."""
    desired = Records(site).desired.of(site.slot(site.prefix).name)
    if desired is None:
        yield ok("newest release", "none yet")
        return
    git = Git(site.publish_path, git_dir=site.publish_path)
    has_it = site.publish_path.is_dir() and git.succeeds(
        "cat-file", "-e", f"{desired.commit}^{{tree}}"
    )
    if has_it:
        yield ok("newest release", desired.release)
    else:
        text = f"{desired.release} should be live, and {site.publish_path} does not have it"
        yield wrong("newest release", text, *again(site))


def again(site: Site) -> list[str]:
    """What publishes a release anew, once a rollout may start."""
    first = ["git deploy status   # its rollout has to end before"]
    anew = "git deploy start && git deploy --force sync   # publishes a release anew"
    return [*(first if Records(site).lock.holder() else []), anew]


def url(site: Site) -> Iterator[Finding]:
    """Whether the address that targets get answers, with what should be live."""
    if not site.has_fleet:
        return
    where = site.config.url or str(site.publish_path)
    if has_secret(where):  # said of the source
        return
    if not (site.publish_path / "HEAD").is_file():
        yield unknown("url", f"{where}: nothing is published yet")
        return
    desired = Records(site).desired.of(site.slot(site.prefix).name)
    tag = f"refs/tags/{desired.release}" if desired else "HEAD"
    try:
        refs = refs_at(site.repository.git, where, tag)
    except Refused as error:
        own = not site.config.url and is_of_another(site.publish_path)
        step = trust(site.publish_path) if own else command("git", "ls-remote", where)
        yield wrong("url", f"targets cannot fetch: {error.message}", step)
        return
    if desired and refs.get(tag) != desired.commit:
        text = f"{where} answers, and does not have {desired.release}: is it {site.publish_path}?"
        yield wrong("url", text, command("git", "config", "deploy.url", "URL"))
    else:
        yield ok("url", f"{where} answers this machine")
