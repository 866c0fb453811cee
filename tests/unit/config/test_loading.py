"""Which value of which file counts, and how it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.config import Config, CountOrPercent, Target
from sartoris.git.command import Git, GitResult

from .conftest import Site


def test_without_any_value_everything_has_its_default(site: Site) -> None:
    config = site.load()

    assert config.repo_name == "mediawiki"
    assert config.tag_prefix is None
    assert config.hook_dir is None
    assert config.max_failed == CountOrPercent(0)
    assert config.batch == CountOrPercent(100, percent=True)
    assert (config.forks, config.timeout, config.keep_releases) == (50, 600, 5)
    assert config.hook_timeout == 3600
    assert config.deploy_file == ".deploy"
    assert config.target == ()
    assert config.send_mail_on == frozenset()
    assert config.unknown == ()


def test_a_fleet_is_read_with_its_types(site: Site) -> None:
    site.deploy(
        "tag-prefix = slot0",
        "target = web1=/srv/fleet/web 1/",
        "target = web2=/srv/fleet//web2",
        "path = /usr/local/apache/common/php-{prefix}/",
        "max-failed = 5%",
        "batch = 2",
        "canary = web2",
        "shared = images/uploads",
        "shared = .env",
        "send-mail-on-sync",
        "send-mail-on-start = off",
        "restrict-umask = 0002",
    )

    config = site.load()

    assert config.target == (
        Target("web1", Path("/srv/fleet/web 1")),
        Target("web2", Path("/srv/fleet/web2")),
    )
    assert config.path == "/usr/local/apache/common/php-{prefix}"
    assert (config.max_failed, config.batch) == (CountOrPercent(5, percent=True), CountOrPercent(2))
    assert config.canary == ("web2",)
    assert config.shared == ("images/uploads", ".env")
    assert config.send_mail_on == {"sync"}
    assert config.restrict_umask == 0o002


def test_keys_are_found_in_any_case(site: Site) -> None:
    site.add("[DEPLOY]\nTag-PREFIX = slot0")

    assert site.load().tag_prefix == "slot0"


@pytest.mark.parametrize("strongest", [0, 1, 2, 3])
def test_the_order_of_the_files_is_that_of_git_deploy(site: Site, strongest: int) -> None:
    site.use_site_file()
    places = [
        ("site-own", '[deploy "repository mediawiki"]', site.site),
        ("git-own", '[deploy "repository mediawiki"]', site.own),
        ("site-all", "[deploy]", site.site),
        ("git-all", "[deploy]", site.own),
    ]
    for name, section, file in places[strongest:]:
        site.add(f"{section}\ntag-prefix = {name}", file=file)

    assert site.load().tag_prefix == places[strongest][0]


def test_the_section_of_another_repository_does_not_count(site: Site) -> None:
    site.add('[deploy "repository MediaWiki"]\ntag-prefix = other\nmax-failed = nonsense')

    assert site.load().tag_prefix is None


def test_of_gits_own_files_the_last_one_wins(site: Site) -> None:
    site.deploy("tag-prefix = user", "forks = 7", file=site.user)
    site.deploy("tag-prefix = first", "tag-prefix = second")

    assert (site.load().tag_prefix, site.load().forks) == ("second", 7)


def test_a_value_on_gits_command_line_counts(site: Site) -> None:
    site.deploy("tag-prefix = slot0")
    one = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "deploy.tag-prefix"}
    git = Git(site.top, environment={**site.git.environment, **one, "GIT_CONFIG_VALUE_0": "slot1"})

    assert site.load(git).tag_prefix == "slot1"


def test_many_values_are_all_those_of_the_strongest_place_in_order(site: Site) -> None:
    site.deploy("shared = weaker")
    site.add('[deploy "repository mediawiki"]\nshared = b', file=site.user)
    site.add('[deploy "repository mediawiki"]\nshared = a\nshared = c')

    assert site.load().shared == ("b", "a", "c")


def test_an_empty_value_takes_back_the_many_before_it(site: Site) -> None:
    site.deploy("shared = a", "shared =", "shared = b")
    assert site.load().shared == ("b",)

    site.add('[deploy "repository mediawiki"]\nshared =')
    assert site.load().shared == ()


def test_an_empty_value_is_as_good_as_none(site: Site) -> None:
    site.deploy("block-reason =", "forks =", "tag-prefix = slot0")
    site.add('[deploy "repository mediawiki"]\ntag-prefix =')

    config = site.load()

    assert (config.block_reason, config.forks, config.tag_prefix) == (None, 50, "slot0")


def test_an_empty_boolean_is_false_as_in_git(site: Site) -> None:
    site.deploy("can-make-tags = true")
    site.add('[deploy "repository mediawiki"]\ncan-make-tags =')

    assert site.load().can_make_tags is False


def test_paths_on_the_deployment_server_start_at_the_top(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    site.deploy(
        "hook-dir = deploy",
        "publish-dir = .git/deploy/publish.git",
        "block-file = ~/blocked",
        "target = web1=~/fleet/web1",
    )

    config = site.load()

    assert config.hook_dir == site.top / "deploy"
    assert config.publish_dir == site.top / ".git/deploy/publish.git"
    assert config.block_file == Path("/home/ann/blocked")
    assert config.target == (Target("web1", Path("/home/ann/fleet/web1")),)


def test_a_value_with_quotes_newlines_and_bytes_that_are_no_text_survives(site: Site) -> None:
    line = b'[deploy]\nblock-reason = "it\'s \\"down\\"\\n# not a comment"\nblock-file = /b\xff\n'
    site.own.write_bytes(site.own.read_bytes() + line)

    config = site.load()

    assert config.block_reason == 'it\'s "down"\n# not a comment'
    assert config.block_file == Path("/b\udcff")


def test_unknown_keys_are_left_to_the_site_and_listed(site: Site) -> None:
    site.deploy("irc-channel = #ops", "tag-prefix = slot0")
    site.add('[deploy "repository mediawiki"]\nowner = ann')
    site.add('[deploy "repository other"]\nowner = bob')
    site.add('[deploy "Menu.left"]\ncolour = blue')

    assert site.load().unknown == (
        "deploy.irc-channel",
        "deploy.repository mediawiki.owner",
        "deploy.Menu.left.colour",
    )


class _CountingGit(Git):
    calls: list[tuple[str, ...]]

    def run(self, *arguments: str, **options: object) -> GitResult:
        self.calls.append(arguments)
        return super().run(*arguments, **options)  # type: ignore[arg-type]


def _load_counting(site: Site) -> tuple[Config, int]:
    git = _CountingGit(site.top, environment=site.git.environment)
    object.__setattr__(git, "calls", [])
    return site.load(git), len(git.calls)


def test_one_git_process_is_enough_and_two_with_a_file_of_the_site(site: Site) -> None:
    assert _load_counting(site)[1] == 1

    site.use_site_file()
    site.deploy("tag-prefix = slot0", file=site.site)
    config, processes = _load_counting(site)

    assert (config.tag_prefix, config.config_file, processes) == ("slot0", site.site, 2)


def test_a_value_in_backticks_is_what_the_command_writes(site: Site) -> None:
    (site.top / "slot").write_text("slot7\n")
    site.deploy('tag-prefix = " ` cat slot; echo noise >&2 ` "', "hook-dir = `echo hooks`")

    config = site.load()

    assert (config.tag_prefix, config.hook_dir) == ("slot7", site.top / "hooks")


def test_a_command_in_a_value_that_does_not_win_is_not_run(site: Site) -> None:
    site.deploy("tag-prefix = `touch ran`")
    site.add('[deploy "repository mediawiki"]\ntag-prefix = slot0')

    assert site.load().tag_prefix == "slot0"
    assert not (site.top / "ran").exists()


def test_a_command_sees_the_repository_and_not_the_callers_git_dir(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.deploy("block-reason = `git rev-parse --absolute-git-dir`")
    monkeypatch.setenv("GIT_DIR", "/nowhere")

    assert site.load().block_reason == str(site.top / ".git")
