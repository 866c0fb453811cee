"""What goes wrong on a bad day: on targets, on the deployment server, at the site."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.campaign.play import EXAMPLES, SLOTS, Play

Fault = Callable[[Play], str]
ANOTHER_USER = 65534


def any_target(play: Play) -> str:
    return play.random.choice(play.targets or ["web1"])


def target_is_away(play: Play) -> str:
    name = any_target(play)
    play.aside.mkdir(exist_ok=True)
    place, away = play.site.target(name), play.aside / name
    if place.is_dir() and not away.exists():
        place.rename(away)
        if play.random.random() < 0.5:
            place.write_text("in the way")
    return name


def target_is_new(play: Play) -> str:
    name = any_target(play)
    if play.site.target(name).is_dir():
        shutil.rmtree(play.site.target(name))
        play.site.target(name).mkdir()
    return name


def target_is_read_only(play: Play) -> str:
    name = any_target(play)
    own = play.site.slot(name).parent
    if own.is_dir():
        own.chmod(0o555)
    return name


def target_has_damaged_files(play: Play) -> str:
    """Any file or directory of the agent's own, but for the trees that are live."""
    name = any_target(play)
    own = play.site.slot(name).parent / ".sartoris"
    found = [path for path in sorted(own.rglob("*")) if "releases" not in path.parts]
    return damage(play, play.random.choice(found)) if found else name


def live_link_is_wrong(play: Play) -> str:
    name, slot = any_target(play), play.random.choice(SLOTS)
    link = play.site.slot(name, slot)
    if not link.is_symlink():
        return name
    how = play.random.choice(["removed", "leads to nothing", "another release", "tree removed"])
    there = link.resolve()
    if how == "tree removed":
        shutil.rmtree(there, ignore_errors=True)
        return f"{name} {slot}: {how}"
    others = sorted(there.parent.iterdir()) if there.parent.is_dir() else []
    link.unlink()
    if how == "leads to nothing":
        link.symlink_to("/nowhere/at-all")
    elif how == "another release" and others:
        link.symlink_to(os.path.relpath(play.random.choice(others), link.parent))
    return f"{name} {slot}: {how}"


def tree_is_changed(play: Play) -> str:
    """A file of any release that a target holds is changed, added or removed."""
    name = any_target(play)
    releases = play.site.slot(name).parent / ".sartoris" / "releases"
    files = [p for p in sorted(releases.rglob("*")) if p.is_file() and not p.is_symlink()]
    if not files:
        return name
    path = play.random.choice(files)
    how = play.random.choice(["changed", "removed", "added"])
    if how == "changed":
        path.unlink()  # the new file is its own: trees may share what did not change
        path.write_text("<?php evil();\n")
    elif how == "removed":
        path.unlink()
    else:
        path.with_name("evil.php").write_text("<?php evil();\n")
    play.tampered |= {(name, part) for part in path.relative_to(releases).parts[:2]}
    return f"{path}: {how}"


def release_has_files_of_the_web_server(play: Play) -> str:
    """A directory of another user, in any release that a target holds."""
    name = any_target(play)
    releases = play.site.slot(name).parent / ".sartoris" / "releases"
    found = [path for path in sorted(releases.glob("*")) if (path / "lib").is_dir()]
    found += [path for path in sorted(releases.glob("*/*")) if (path / "lib").is_dir()]
    if not found or os.geteuid():
        return f"not on {name}"
    cache = play.random.choice(found) / "lib" / "cache"
    cache.mkdir(exist_ok=True)
    if cache.owner() == "root":
        (cache / "page").write_text("cached\n")
        os.chown(cache / "page", ANOTHER_USER, ANOTHER_USER)
        os.chown(cache, ANOTHER_USER, ANOTHER_USER)
    play.tampered |= {(name, part) for part in cache.relative_to(releases).parts[:2]}
    return str(cache)


def hook_of_target_fails(play: Play) -> str:
    name, phase = any_target(play), play.random.choice(["prepare", "live"])
    script = play.random.choice(
        ["exit 1", "exit 1", "kill -9 $PPID", "sleep 60", "echo said; sleep 0.3"]
    )
    (play.faults_of_targets / f"{phase}-{name}").write_text(f"{script}\n")
    return f"{phase} on {name}: {script}"


def target_has_stale_locks(play: Play) -> str:
    name = any_target(play)
    own = play.site.slot(name).parent / ".sartoris"
    for store in own.glob("*.git"):
        for lock in ("packed-refs.lock", "config.lock", "HEAD.lock", "shallow.lock"):
            if play.random.random() < 0.5 and store.is_dir():
                (store / lock).write_text("")
    return name


def record_is_damaged(play: Play) -> str:
    names = ["rollout.json", "rollout.json", "lock", "desired.json", "desired.json", "running"]
    names += ["journal.sqlite", "moves"]
    path = play.site.state_directory / play.random.choice(names)
    return damage(play, path) if os.path.lexists(path) else f"{path} is not there"


def publishing_is_damaged(play: Play) -> str:
    place = play.site.state_directory / "publish.git"
    if play.random.random() < 0.15:
        shutil.rmtree(place, ignore_errors=True)
        return f"{place} is removed"
    found = sorted(place.rglob("*"))
    return damage(play, play.random.choice(found)) if found else ""


def repository_has_stale_locks(play: Play) -> str:
    name = play.random.choice(["index.lock", "HEAD.lock", "packed-refs.lock", "config.lock"])
    (play.site.repo / ".git" / name).write_text("")
    return name


def remote_is_away(play: Play) -> str:
    if play.site.origin.is_dir():
        play.site.origin.rename(play.site.origin.with_suffix(".away"))
    return ""


def hook_of_site_fails(play: Play) -> str:
    phases = ["pre-start", "post-pull", "pre-sync", "post-tag", "post-sync", "post-abort"]
    phase = play.random.choice(phases)
    (play.site.repo / ".git" / "config.lock").unlink(missing_ok=True)
    script = play.random.choice(["exit 1", "exit 1", "kill -9 $PPID"])
    play.site.hook(f"{phase}.10-fault", script)
    return f"{phase}: {script}"


def sync_hook_comes_or_goes(play: Play) -> str:
    hook = play.site.root / "hooks" / "sync" / "slot0.sync"
    (play.site.repo / ".git" / "config.lock").unlink(missing_ok=True)
    if hook.exists():
        hook.unlink()
        return "it goes"
    text = play.random.choice(["#!/bin/sh\nexit 1\n", "#!/bin/sh\nkill -9 $PPID\n", ""])
    play.site.sync_hook().write_text(text or (EXAMPLES / "minimal.sync").read_text())
    return text or "minimal.sync"


def target_comes_or_goes(play: Play) -> str:
    names = play.targets
    (play.site.repo / ".git" / "config.lock").unlink(missing_ok=True)
    if len(names) > 1 and play.random.random() < 0.5:
        name = play.random.choice(names)
        play.site.git("config", "--unset-all", "deploy.target", f"^{name}=")
        with contextlib.suppress(AssertionError):  # a canary that is no target is refused
            play.site.git("config", "--unset-all", "deploy.canary", f"^{name}$")
        return f"{name} goes"
    name = next(f"web{n}" for n in range(1, 99) if f"web{n}" not in names)
    play.site.target(name).mkdir(parents=True, exist_ok=True)
    play.site.config("deploy.target", f"{name}={play.site.target(name)}")
    return f"{name} comes"


def work_tree_is_changed(play: Play) -> str:
    word = f"unsaved-{len(play.work)}-{play.random.getrandbits(32):08x}"
    name = play.random.choice(["lib/a.php", "new.php", "lib/new.php"])
    path = play.site.repo / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{word}\n")
    # What was written there before, and in no commit, is gone by our own hand.
    play.work = [w for w in play.work if not w.endswith(f" {name}")]
    play.work.append(f"{word} {name}")
    return name


def damage(play: Play, path: Path) -> str:
    """One of the ways in which a disk, a restore or a hand spoils a file."""
    if path.is_symlink() or not path.exists():
        return ""
    how = play.random.choice(["cut", "empty", "zeros", "garbage", "removed", "replaced"])
    size = 0 if path.is_dir() else path.stat().st_size
    if path.is_dir() or how in ("removed", "replaced"):
        remove(path)
        if how == "replaced" and play.random.random() < 0.5:
            path.symlink_to("/nowhere/at-all")
        elif how == "replaced":
            path.mkdir() if size else path.write_text("x")
        return f"{path}: {how}"
    path.chmod(0o644)
    if how == "cut":
        os.truncate(path, play.random.randrange(size) if size else 0)
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "zeros":
        path.write_bytes(bytes(size))
    else:
        path.write_bytes(play.random.randbytes(max(size, 10)))
    return f"{path}: {how}"


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


FAULTS: tuple[Fault, ...] = (
    target_is_away,
    target_is_away,
    target_is_new,
    target_has_damaged_files,
    target_has_damaged_files,
    live_link_is_wrong,
    live_link_is_wrong,
    tree_is_changed,
    hook_of_target_fails,
    hook_of_target_fails,
    target_has_stale_locks,
    record_is_damaged,
    record_is_damaged,
    record_is_damaged,
    publishing_is_damaged,
    publishing_is_damaged,
    repository_has_stale_locks,
    remote_is_away,
    hook_of_site_fails,
    sync_hook_comes_or_goes,
    target_comes_or_goes,
    work_tree_is_changed,
    target_is_read_only,
    target_is_read_only,
    release_has_files_of_the_web_server,
)


def mend(play: Play) -> None:
    """What the site's people mend: machines, network, hooks. What is damaged stays damaged."""
    site = play.site
    for away in sorted(play.aside.iterdir()) if play.aside.is_dir() else ():
        remove(site.target(away.name))
        away.rename(site.target(away.name))
    for target in (site.root / "targets").iterdir():
        _mend_target(play, target)
    if not site.origin.is_dir():
        site.origin.with_suffix(".away").rename(site.origin)
    for one in (*play.faults_of_targets.iterdir(), *(site.root / "hooks").glob("apps/common/*")):
        one.unlink()
    hook = site.root / "hooks" / "sync" / "slot0.sync"
    if hook.exists() and "Sync" not in hook.read_text():
        hook.write_text((EXAMPLES / "minimal.sync").read_text())
    for name in ("index.lock", "HEAD.lock", "packed-refs.lock", "config.lock"):
        (site.repo / ".git" / name).unlink(missing_ok=True)


def _mend_target(play: Play, target: Path) -> None:
    """Permissions, and what is people's own: links that are not ours, and what is shared."""
    for directory in (target / "srv" / "site", target):
        if directory.is_dir():
            directory.chmod(0o755)
    for slot in SLOTS:
        link = play.site.slot(target.name, slot)
        if link.is_symlink() and link.readlink() == Path("/nowhere/at-all"):
            link.unlink()
    shared = target / "srv" / "site" / ".sartoris" / "shared"
    if os.path.lexists(shared) and not shared.is_dir():
        shared.unlink()
