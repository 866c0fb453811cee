"""A name may be anything: it works, or it is refused by name, and nothing is ever executed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.system.site import Ran, Site

SPACES = "two words"
QUOTES = """it's "quoted" """.strip()
NEWLINE = "two\nlines"
DOTS = "up..down"
DASH = "-rf"
SHELL = "$(touch executed)`touch executed`;touch executed|&"
NOT_UTF8 = os.fsdecode(b"caf\xe9")
STAR = "*?[a]"
HEBREW = "שלום"
NAMES = [SPACES, QUOTES, NEWLINE, DOTS, DASH, SHELL, NOT_UTF8, STAR, HEBREW]
IDS = ["spaces", "quotes", "newline", "dots", "dash", "shell", "not-utf8", "star", "hebrew"]


def assert_nothing_executed(site: Site) -> None:
    assert not list(site.root.parent.rglob("executed"))
    assert not Path("executed").exists()


def assert_refused(site: Site, ran: Ran, *said: str) -> None:
    """Refused by a clear error of ours, before anything was tagged or locked."""
    assert ran.code in (1, 2), ran.err
    for words in said:
        assert words in ran.err
    assert "Traceback" not in ran.err
    assert "bug" not in ran.err
    assert site.holder is None
    assert site.tags() == []
    assert_nothing_executed(site)


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_the_directory_of_the_repository(site: Site, name: str) -> None:
    place = site.root / name
    site.repo.rename(place)
    moved = Site(site.root)
    ran = moved.deploy("start", at=place)
    assert ran.code == 1
    assert "the repository's name" in ran.err
    assert "rename the directory" in ran.err
    assert "Traceback" not in ran.err
    assert not (place / ".git" / "deploy" / "lock").exists()
    assert_nothing_executed(site)


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_a_directory_above_the_repository(tmp_path: Path, name: str) -> None:
    site = Site.build(tmp_path / name)
    site.add_submodule("ext/Cite", {"Cite.php": "cite 1\n"})
    ran = site.deploy("start")
    if ran.code:
        assert_refused(site, ran, "deploy.target")  # its root cannot have such a name
        return
    site.ok("sync")
    assert site.everywhere() == {site.desired()}
    assert site.files("web1")["ext/Cite/Cite.php"] == "cite 1\n"
    assert_nothing_executed(site)


BAD_PREFIXES = [*NAMES, "../../up", "a/b", ".hidden", "", "a.lock", "slot0-20260101", "--force"]


@pytest.mark.parametrize("prefix", [one for one in BAD_PREFIXES if one])
def test_the_prefix_on_the_command_line(site: Site, prefix: str) -> None:
    ran = site.deploy("start", "--", prefix)
    assert_refused(site, ran, "the prefix")
    assert ran.code == 2


@pytest.mark.parametrize("prefix", [one for one in BAD_PREFIXES if one])
def test_the_prefix_in_the_configuration(site: Site, prefix: str) -> None:
    site.set("deploy.tag-prefix", prefix)
    assert_refused(site, site.deploy("start"), "deploy.tag-prefix")


@pytest.mark.parametrize("words", [["status"], ["report"], ["show"], ["show-tag"], ["abort"]])
@pytest.mark.parametrize("prefix", [SHELL, "../../up", DASH, NEWLINE])
def test_a_bad_prefix_of_other_commands(site: Site, words: list[str], prefix: str) -> None:
    ran = site.deploy(*words, "--", prefix)
    assert_refused(site, ran)


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_the_path_on_the_targets(site: Site, name: str) -> None:
    site.set("deploy.path", f"/srv/{name}/php-{{prefix}}")
    ran = site.deploy("start")
    if ran.code:
        assert_refused(site, ran, "deploy.path")
        return
    ran = site.deploy("sync")
    assert_nothing_executed(site)
    if ran.code:
        assert ran.code == 1, ran.err
        return
    link = site.target("web1") / "srv" / name / "php-slot0"
    assert (link / "index.php").read_text() == "version 1\n"


@pytest.mark.parametrize(
    "path", ["/srv/../../php", "relative/php", "/", "/srv/./php", "/srv/{unknown}", "/srv/a\tb"]
)
def test_a_path_that_is_no_place_is_refused(site: Site, path: str) -> None:
    site.set("deploy.path", path)
    assert_refused(site, site.deploy("start"), "deploy.path")


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_the_root_of_a_target(site: Site, name: str) -> None:
    root = site.root / "targets" / name
    site.config("deploy.target", f"odd={root}")
    ran = site.deploy("start")
    if ran.code:
        assert_refused(site, ran, "deploy.target")
        return
    site.ok("sync")
    assert (root / "srv/site/php-slot0/index.php").read_text() == "version 1\n"
    assert_nothing_executed(site)


@pytest.mark.parametrize("name", [*NAMES, "", "a/b", ".."])
def test_the_name_of_a_target(site: Site, name: str) -> None:
    site.config("deploy.target", f"{name}={site.root / 'targets' / 'odd'}")
    assert_refused(site, site.deploy("start"), "deploy.target")


def test_a_target_called_like_a_date_is_fine(site: Site) -> None:
    site.config("deploy.target", f"20260101.eqiad_a+b@c={site.root / 'targets' / 'odd'}")
    site.ok("start")
    site.ok("sync")


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_the_path_of_a_submodule(site: Site, name: str) -> None:
    path = f"ext/{name}"
    site.add_submodule(path, {"Cite.php": "cite 1\n"}, name="odd")
    site.ok("start")
    site.ok("sync")
    assert site.files("web1")[f"{path}/Cite.php"] == "cite 1\n"
    assert_nothing_executed(site)


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_a_submodule_with_an_odd_path_that_is_not_checked_out(site: Site, name: str) -> None:
    path = f"ext/{name}"
    site.add_submodule(path, {"Cite.php": "cite 1\n"}, name="odd")
    site.git("submodule", "--quiet", "deinit", "--force", "--all")
    site.ok("--no-remote", "start")
    ran = site.deploy("--no-remote", "sync")
    assert ran.code == 1
    assert "the submodule " in ran.err
    assert "is not checked out" in ran.err
    assert len(site.tags()) == 1


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_the_name_of_a_file_at_the_top_and_below(site: Site, name: str) -> None:
    site.commit({name: "odd\n", f"dir {name}/{name}": "deep\n"}, f"add {name!r}")
    site.push()
    site.ok("start")
    site.ok("sync")
    files = site.files("web1")
    assert files[name] == "odd\n"
    assert files[f"dir {name}/{name}"] == "deep\n"
    site.rollout({name: "changed\n"})
    assert site.files("web1")[name] == "changed\n"
    assert_nothing_executed(site)


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_the_name_of_a_dirty_file(site: Site, name: str) -> None:
    (site.repo / name).write_text("untracked\n")
    ran = site.run("start")
    assert ran.code == 1
    assert "is not clean (1 path)" in ran.err
    assert "Traceback" not in ran.err
    assert (site.repo / name).read_text() == "untracked\n"


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_the_name_of_a_damaged_file_is_reported(site: Site, name: str) -> None:
    site.commit({name: "odd\n"}, "add")
    site.push()
    site.ok("start")
    site.ok("sync")
    (site.slot("web1") / name).write_text("edited\n")
    ran = site.run("report", "--verify")
    assert ran.code == 0, ran.err
    assert "damaged" in ran.out
    ran = site.run("report", "--verify", "--json")
    changed = [one["changed"] for one in ran.document["slots"][0]["targets"]]
    assert [name] in changed


@pytest.mark.parametrize("name", [SPACES, QUOTES, SHELL, HEBREW, NOT_UTF8, NEWLINE])
def test_messages_arrive_as_they_were_typed(site: Site, name: str) -> None:
    site.ok("start", "-m", name)
    assert site.deploy("status").code == 1
    site.ok("sync", "-m", name)
    tag = site.desired()
    assert os.fsencode(name) in os.fsencode(
        (site.slot("web1") / ".deploy").read_text(errors="surrogateescape")
    )
    assert name in site.git("tag", "--list", "--format=%(contents)", tag)
    assert_nothing_executed(site)


@pytest.mark.parametrize("name", [SPACES, QUOTES, SHELL, HEBREW, NOT_UTF8])
def test_names_of_people_and_subjects_of_commits(site: Site, name: str) -> None:
    site.git("config", "user.name", name)
    site.ok("start")
    site.commit({"a.php": "a\n"}, name)
    site.push()
    site.ok("sync", "--verbose")
    site.ok("report")
    site.ok("report", "--json")
    assert_nothing_executed(site)


def test_symbolic_links_and_execute_bits_are_kept(site: Site) -> None:
    (site.repo / "link").symlink_to("index.php")
    (site.repo / "to-directory").symlink_to("lib")
    (site.repo / "dangling").symlink_to("/nowhere at all")
    (site.repo / os.fsdecode(b"l\xefnk")).symlink_to(os.fsdecode(b"t\xe4rget"))
    program = site.repo / "bin" / "run"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    site.commit({"plain.sh": "#!/bin/sh\n"})
    site.push()
    site.ok("start")
    site.ok("sync")
    live = site.slot("web1")
    assert os.fspath((live / "link").readlink()) == "index.php"
    assert os.fspath((live / "to-directory").readlink()) == "lib"
    assert os.fspath((live / "dangling").readlink()) == "/nowhere at all"
    odd = (live / os.fsdecode(b"l\xefnk")).readlink()
    assert os.fsencode(odd) == b"t\xe4rget"
    assert (live / "bin/run").stat().st_mode & stat.S_IXUSR
    assert not (live / "plain.sh").stat().st_mode & stat.S_IXUSR
    site.ok("start")
    program.chmod(0o644)
    site.commit({})
    site.push()
    site.ok("sync")
    assert not (site.slot("web1") / "bin/run").stat().st_mode & stat.S_IXUSR


def test_attributes_of_the_repository_do_not_change_what_arrives(site: Site) -> None:
    text = "one\r\ntwo\n$Id$\n"
    site.git("config", "core.autocrlf", "false")
    (site.repo / ".gitattributes").write_text("*.txt export-ignore\n")
    (site.repo / "a.txt").write_bytes(text.encode())
    site.commit({})
    site.push()
    site.ok("start")
    site.ok("sync")
    assert (site.slot("web1") / "a.txt").read_bytes() == text.encode()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("deploy.max-faild", "1", "did you mean max-failed?"),
        ("deploy.max-failed", "some", "is not a number of targets"),
        ("deploy.max-failed", "200%", "100% is the most"),
        ("deploy.keep-releases", "-1", "1 is the least"),
        ("deploy.timeout", "soon", "is not a whole number"),
        ("deploy.switch", "magic", "atomic"),
        ("deploy.transport", "carrier", "is not one of: local, ssh, salt"),
        ("deploy.target", "web1", "write NAME=ROOT"),
        ("deploy.target", "web1=relative", "write NAME=ROOT"),
        ("deploy.shared", "../outside", ".."),
        ("deploy.shared", ".git/config", ".git"),
        ("deploy.deploy-file", "/etc/passwd", "absolute"),
        ("deploy.canary", "web9", "no target of this name"),
        ("deploy.batch", "0", "1 is the least"),
        ("deploy.date-fmt", "%H", "sort by time"),
        ("deploy.url", "--upload-pack=touch executed", "starts with a dash"),
    ],
)
def test_a_bad_key_or_value_names_file_and_key(site: Site, key: str, value: str, said: str) -> None:
    site.config(key, value)
    ran = site.deploy("start")
    assert_refused(site, ran, key.split(".")[1], said, str(site.repo / ".git" / "config"))
    assert site.deploy("status").code == 1


def test_the_advice_for_a_misspelt_key_works(site: Site) -> None:
    site.config("deploy.max-faild", "1")
    ran = site.deploy("start")
    _, _, below = ran.err.partition("Next:\n")
    for step in below.splitlines():
        words = step.split()
        assert words[0] == "git"
        site.git(*words[1:])
    site.ok("start")
    assert site.git("config", "deploy.max-failed") == "1"
