"""Caches in front of the fleet: what they serve after a sync, a revert, an abort."""

from __future__ import annotations

import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import varnish
from tests.system.site import Ran, Site
from tests.system.varnish import Cache

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cache, Cache]]:
    """Two caches, which start slowly, in front of one server. One is commanded over IPv6."""
    top = tmp_path_factory.mktemp("varnish")
    with (
        varnish.serving() as backend,
        varnish.cache(top / "1", backend) as first,
        varnish.cache(top / "2", backend, host=_second_host()) as second,
    ):
        yield first, second


def _second_host() -> str:
    try:
        varnish.free_port("::1")
    except OSError:
        return "127.0.0.1"
    return "::1"


@pytest.fixture
def caches(running: tuple[Cache, Cache], deployed: Site) -> tuple[Cache, Cache]:
    """The caches, empty, in front of a site with one release; it knows their secret, not them."""
    first, second = running
    first.backend.top = deployed.slot("web1")
    second.secret.write_bytes(first.secret.read_bytes())
    for one in running:
        one.admin("ban", "req.url ~ .")
    deployed.config("deploy.varnish-secret", str(first.secret))
    return running


@pytest.fixture
def cache(caches: tuple[Cache, Cache], deployed: Site) -> Cache:
    """The one cache of the site."""
    deployed.config("deploy.varnish", caches[0].address)
    return caches[0]


def sync(site: Site, text: str = "version 2\n", *options: str) -> Ran:
    site.ok("start")
    site.commit({"index.php": text})
    site.push()
    return site.deploy("sync", *options)


def visit(cache: Cache) -> str:
    """A command by which a hook gets the page from the cache."""
    program = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())"
    url = f"http://127.0.0.1:{cache.port}/index.php"
    return shlex.join([sys.executable, "-c", program, url])


def finished(site: Site) -> bool:
    return site.deploy("status").code == 0 and site.holder is None


# What visitors get.


def test_a_page_that_was_cached_is_new_after_a_sync(cache: Cache, deployed: Site) -> None:
    assert cache.get() == "version 1\n"
    ran = sync(deployed)
    assert ran.code == 0, ran.err
    assert cache.get() == "version 2\n"
    assert "==> purge req.url ~ ." in ran.err
    assert finished(deployed)


def test_without_caches_configured_the_old_page_stays(
    caches: tuple[Cache, Cache], deployed: Site
) -> None:
    assert caches[0].get() == "version 1\n"
    ran = sync(deployed)
    assert ran.code == 0, ran.err
    assert caches[0].get() == "version 1\n"
    assert "purge" not in ran.err


def test_all_caches_are_purged_over_ipv6_too(caches: tuple[Cache, Cache], deployed: Site) -> None:
    for one in caches:
        deployed.config("deploy.varnish", one.address)
        assert one.get() == "version 1\n"
    assert sync(deployed).code == 0
    assert [one.get() for one in caches] == ["version 2\n"] * 2


def test_caches_are_purged_after_the_last_target_and_before_the_post_sync_hooks(
    cache: Cache, deployed: Site
) -> None:
    deployed.hook("post-sync.look", f"test $({visit(cache)}) = 2")
    cache.get()
    ran = sync(deployed, "2", "--json")
    assert ran.code == 0, ran.err
    events = ran.events
    kinds = [event["event"] for event in events]
    switched = [n for n, e in enumerate(events) if e.get("stage") == "switch"]
    purged = kinds.index("cache-answered")
    hook = next(n for n, event in enumerate(events) if event.get("phase") == "post-sync")
    assert max(switched) < purged < hook


def test_a_ban_may_spare_what_the_new_release_has_served_already(
    cache: Cache, deployed: Site
) -> None:
    deployed.config("deploy.varnish-ban", "req.url ~ ^/index && obj.http.x-release != {release}")
    cache.get()
    assert sync(deployed).code == 0
    assert cache.get() == "version 2\n"
    assert f"obj.http.x-release != {deployed.desired()}" in cache.bans()


def test_a_revert_purges_too(cache: Cache, deployed: Site) -> None:
    before = deployed.desired()
    sync(deployed)
    assert cache.get() == "version 2\n"
    ran = deployed.deploy("revert", before)
    assert ran.code == 0, ran.err
    assert cache.get() == "version 1\n"


def test_an_abort_of_what_was_live_purges_too(cache: Cache, deployed: Site) -> None:
    deployed.hook("post-sync.fail", "exit 1")
    assert sync(deployed).code == 72
    assert cache.get() == "version 2\n"
    ran = deployed.deploy("abort")
    assert ran.code == 0, ran.err
    assert cache.get() == "version 1\n"


def test_an_abort_of_what_was_never_live_asks_no_cache(cache: Cache, deployed: Site) -> None:
    before = cache.ban_times()
    deployed.ok("start")
    deployed.ok("abort")
    assert cache.ban_times() <= before


def test_targets_that_are_switched_back_have_their_pages_purged(
    cache: Cache, deployed: Site
) -> None:
    deployed.config("deploy.canary", "web1")
    deployed.ok("start")
    _fail_to_switch(deployed, "web3", while_it=f"{visit(cache)} >>{deployed.root}/visits")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    ran = deployed.deploy("sync")
    assert ran.code == 71
    assert "version 2" in (deployed.root / "visits").read_text()
    assert deployed.everywhere() == {deployed.desired()}
    assert "was rolled back" in ran.err
    assert cache.get() == "version 1\n"


def _fail_to_switch(site: Site, target: str, while_it: str) -> None:
    """A release whose `live` hook fails on one target, and lets a visitor come on the others."""
    hook = site.repo / "deploy" / "target" / "live.look"
    hook.parent.mkdir(parents=True)
    hook.write_text(f"#!/bin/sh\n{while_it}\ncase $PWD in */{target}/*) exit 1;; esac\n")
    hook.chmod(0o755)


def test_a_resync_purges_again(cache: Cache, deployed: Site) -> None:
    hook = deployed.hook("post-sync.fail", "exit 1")
    assert sync(deployed).code == 72
    hook.write_text("#!/bin/sh\nexit 0\n")
    assert cache.get() == "version 2\n"
    (deployed.slot("web1") / "index.php").write_text("edited by hand\n")
    deployed.ok("resync")
    assert cache.get() == "edited by hand\n"


def test_targets_that_converge_have_their_old_pages_purged(cache: Cache, deployed: Site) -> None:
    deployed.config("deploy.max-failed", "1")
    deployed.break_target("web1")
    assert sync(deployed).code == 0
    deployed.mend_target("web1")
    assert cache.get() == "version 1\n"
    deployed.ok("converge")
    assert cache.get() == "version 2\n"
    before = cache.ban_times()
    deployed.ok("converge")
    assert cache.ban_times() <= before  # nobody was behind


# Caches that fail.


def test_a_dead_cache_is_told_and_the_other_is_purged(cache: Cache, deployed: Site) -> None:
    dead = f"127.0.0.1:{varnish.free_port()}"
    deployed.config("deploy.varnish", dead)
    cache.get()
    ran = sync(deployed)
    assert ran.code == 73
    release = deployed.desired()
    assert deployed.everywhere() == {release}
    assert cache.get() == "version 2\n"
    assert finished(deployed)
    assert (
        f"{release} is live on 3 of 3 targets, and the rollout is finished, but caches are not"
        " purged\n  1 cache may still serve pages from before:\n"
        f"  {dead}: Connection refused\nNext:\n"
        f"  varnishadm -T {dead} -S {cache.secret} ban 'req.url ~ .'\n"
    ) in ran.err
    assert f"{cache.address} may serve" not in ran.err


@pytest.mark.usefixtures("cache")
def test_the_post_sync_hooks_run_when_a_cache_is_dead(deployed: Site) -> None:
    told = deployed.root / "told"
    deployed.hook("post-sync.tell", f"echo $GIT_DEPLOY_RESULT >>{told}")
    deployed.hook("log.tell", f'echo "$GIT_DEPLOY_LOG_LEVEL: $GIT_DEPLOY_LOG_MESSAGE" >>{told}')
    deployed.set("deploy.varnish", f"127.0.0.1:{varnish.free_port()}")
    assert sync(deployed).code == 73
    lines = told.read_text()
    assert "complete\n" in lines
    assert "warning: slot0 is at " in lines
    assert "NOT PURGED on 127.0.0.1:" in lines
    assert "not complete" not in lines


def test_a_wrong_secret_is_told_and_the_command_does_the_rest(
    cache: Cache, deployed: Site, tmp_path: Path
) -> None:
    wrong = tmp_path / "it's the wrong one"
    wrong.write_text("wrong\n")
    deployed.set("deploy.varnish-secret", str(wrong))
    cache.get()
    ran = sync(deployed)
    assert ran.code == 73
    assert f"{cache.address}: it refuses the secret in {wrong} (status 500)" in ran.err
    assert cache.get() == "version 1\n"
    wrong.write_bytes(cache.secret.read_bytes())
    _type_what_is_next(ran)
    assert cache.get() == "version 2\n"


def _type_what_is_next(ran: Ran) -> None:
    command = ran.err.rpartition("Next:\n")[2]
    subprocess.run(shlex.split(command), check=True, stdout=subprocess.DEVNULL)


@pytest.mark.usefixtures("cache")
def test_a_secret_that_cannot_be_read_is_told_by_its_path(deployed: Site, tmp_path: Path) -> None:
    deployed.set("deploy.varnish-secret", str(tmp_path / "gone"))
    ran = sync(deployed)
    assert ran.code == 73
    assert f"{tmp_path / 'gone'} cannot be read: No such file or directory" in ran.err
    assert finished(deployed)


def test_a_ban_that_the_cache_refuses_is_told_in_its_words(cache: Cache, deployed: Site) -> None:
    deployed.config("deploy.varnish-ban", "req.uri ~ .")
    ran = sync(deployed)
    assert ran.code == 73
    refused = 'it refuses the ban (status 106): Unknown or unsupported field "req.uri"'
    assert f"{cache.address}: {refused}" in ran.err
    assert deployed.everywhere() == {deployed.desired()}


def test_a_pattern_reaches_the_cache_as_varnishadm_sends_it(cache: Cache, deployed: Site) -> None:
    deployed.config("deploy.varnish-ban", r"req.url ~ \\.[ph]{3}$ && req.http.x != a\\sb\"")
    cache.get()
    ran = sync(deployed)
    assert ran.code == 0, ran.err
    assert cache.get() == "version 2\n"
    assert r'req.url ~ \.[ph]{3}$ && req.http.x != a\sb"' in cache.bans()


def test_an_abort_that_leaves_a_stale_cache_says_so(cache: Cache, deployed: Site) -> None:
    before = deployed.desired()
    deployed.hook("post-sync.fail", "exit 1")
    sync(deployed)
    dead = f"127.0.0.1:{varnish.free_port()}"
    deployed.config("deploy.varnish", dead)
    deployed.config("deploy.varnish-ban", "obj.http.x-release != {release}")
    ran = deployed.deploy("abort")
    assert ran.code == 73
    assert "the rollout is aborted, but caches are not purged" in ran.err
    assert f"-T {dead} -S {cache.secret} ban 'obj.http.x-release != {before}'" in ran.err
    assert cache.get() == "version 1\n"
    assert finished(deployed)


# What is recorded and told.


def test_a_dry_run_names_the_caches_and_asks_none(cache: Cache, deployed: Site) -> None:
    before = cache.ban_times()
    ran = sync(deployed, "version 2\n", "--dry-run")
    assert ran.code == 0, ran.err
    assert f"would ban on {cache.address}: req.url ~ ." in ran.err
    assert cache.ban_times() <= before


def test_each_answer_is_an_event_in_the_journal_and_in_json(cache: Cache, deployed: Site) -> None:
    dead = f"127.0.0.1:{varnish.free_port()}"
    deployed.config("deploy.varnish", dead)
    ran = sync(deployed, "version 2\n", "--json")
    answers = {e["cache"]: e for e in ran.events if e["event"] == "cache-answered"}
    assert answers[cache.address]["error"] == ""
    assert answers[dead]["error"] == "Connection refused"
    assert answers[dead]["again"].startswith(f"varnishadm -T {dead} ")
    assert ran.events[-1]["error"] == "CachesStale"
    journal = sqlite3.connect(deployed.state_directory / "journal.sqlite")
    rows = journal.execute("SELECT data FROM events WHERE event = 'cache-answered'").fetchall()
    journal.close()
    assert len(rows) == 2


# Sync scripts.


@pytest.fixture
def scripted(deployed: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    hook = deployed.sync_hook()
    hook.write_text((EXAMPLES / "minimal.sync").read_text())
    return deployed


def test_a_sync_script_purges(cache: Cache, scripted: Site) -> None:
    cache.get()
    ran = sync(scripted)
    assert ran.code == 0, ran.err
    assert cache.get() == "version 2\n"


@pytest.mark.usefixtures("cache")
def test_a_cache_that_a_script_cannot_purge_is_told_at_the_end(scripted: Site) -> None:
    dead = f"127.0.0.1:{varnish.free_port()}"
    scripted.config("deploy.varnish", dead)
    ran = sync(scripted)
    assert ran.code == 73
    assert "is synchronised by the sync hook, and the rollout is finished, but" in ran.err
    assert f"{dead}: Connection refused" in ran.err
    assert finished(scripted)
    assert scripted.everywhere() == {scripted.desired()}


def test_a_script_purges_on_the_way_back_too(cache: Cache, scripted: Site) -> None:
    scripted.hook("post-sync.fail", "exit 1")
    assert sync(scripted).code == 72
    assert cache.get() == "version 2\n"
    ran = scripted.deploy("abort")
    assert ran.code == 0, ran.err
    assert cache.get() == "version 1\n"
