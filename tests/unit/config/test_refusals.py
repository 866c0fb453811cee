"""What is refused, in which words, and with which way out."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from sartoris.config import BadValue, ConfigError, commands
from sartoris.config.values import parse_date_format
from sartoris.git.command import Git

from .conftest import Site

BAD = [
    ("max-failed", "abc", "write N or N%"),
    ("max-failed", "101%", "100% is the most"),
    ("max-failed", "-1", "write N or N%"),
    ("max-failed", "9" * 5000, "write N or N%"),
    ("batch", "0%", "1 is the least"),
    ("forks", "0", "1 is the least"),
    ("forks", "many", "not a whole number"),
    ("forks", "08", "not a whole number"),
    ("forks", "9" * 5000, "not a whole number"),
    ("forks", "4g", "is too large"),
    ("timeout", "-5", "1 is the least"),
    ("timeout", "8640000", "604800 is the most"),
    ("keep-releases", "10001", "10000 is the most"),
    ("keep-releases", "0", "1 is the least"),
    ("can-make-tags", "maybe", "write true or false"),
    ("can-make-tags", "`echo true`", "write true or false"),
    ("restrict-umask", "22", "write 022 for octal"),
    ("restrict-umask", "010000", "not a umask"),
    ("switch", "Atomic", "is not one of: atomic, in-place"),
    ("transport", "carrier", "is not one of: local, ssh, salt"),
    ("submodules", "merge", "is not one of: compose, update, none"),
    ("repo-name-detection", "guess", "is not one of: dot-git-parent-dir"),
    ("tag-prefix", "-slot", "not a safe name"),
    ("tag-prefix", "slot 0", "not a safe name"),
    ("tag-prefix", "slot/0", "not a safe name"),
    ("tag-prefix", "sl\\nt", "not a safe name"),
    ("tag-prefix", "a..b", "not a safe name"),
    ("tag-prefix", "slot.lock", "not a safe name"),
    ("tag-prefix", "slot-20261123-140200", "ends like a rollout's date"),
    ("tag-prefix", "20261123", "ends like a rollout's date"),
    ("tag-prefix", "schlüssel", "not a safe name"),
    ("path", "srv/php", "not an absolute path"),
    ("path", "/srv/../php", '".."'),
    ("path", "/", "root directory"),
    ("path", "/srv/{slot}", "unknown placeholder {slot}; there are: {prefix}, {repo}"),
    ("path", "/srv/{prefix", "single brace"),
    ("path", "/srv/p\\thp", "control character"),
    ("shared", "/etc/passwd", "relative to the top"),
    ("shared", "../x", '".."'),
    ("shared", "x//", "final slash"),
    ("shared", "/", "final slash"),
    ("shared", ".git/config", "inside .git"),
    ("deploy-file", "/etc/passwd", "relative to the top"),
    ("target", "web1", "write NAME=ROOT"),
    ("target", "web1=web1.example.com:99999", "the largest is 65535"),
    ("target", "[::1]:22", "needs a name, as in web1="),
    ("target", "-oProxyCommand=x@web1", "is not a safe name"),
    ("target", "a@b@web1", "is no target"),
    ("target-user", "-u root", "is not the name of a user"),
    ("ssh", "ssh 'a", "cannot be split into words"),
    ("target", "web1=srv/web1", "relative root"),
    ("target", "web1=/srv/../web1", '".."'),
    ("target", "-web=/srv/web1", "not a safe name"),
    ("target", "=/srv/web1", "not a safe name"),
    ("url", "--upload-pack=x", "starts with a dash"),
    ("block-file", "~nobody-of-this-name/x", "the home directory ~nobody-of-this-name"),
    ("date-fmt", "2026", "would not sort"),
    ("date-fmt", "at-%Y%m%d-%H%M%S", "the digit after their prefix"),
    ("date-fmt", "%Y/%m/%d", "not safe in a tag"),
    ("date-fmt", "%d%m%Y-%H%M", "would not sort"),
    ("date-fmt", "%Y%m%d", "again a second later"),
    ("date-fmt", "%Y_%m", "again a second later"),
    ("date-fmt", "%Y%m%d-%H%M", "need seconds, as in %Y%m%d-%H%M%S"),
    ("date-fmt", "%Y%m%d-%S", "would not sort"),
    ("date-fmt", "%Y%m%d-%H%S", "would not sort"),
    ("date-fmt", "%Y%m%d-%I%M%S", "would not sort"),
]


@pytest.mark.parametrize(("key", "value", "why"), BAD, ids=[f"{k}={v[:20]}" for k, v, _ in BAD])
def test_a_bad_value_is_refused_with_file_key_and_reason(
    site: Site, key: str, value: str, why: str
) -> None:
    site.deploy(f'{key} = "{value}"')

    error = site.refusal()

    assert error.exit_code == 1
    assert len(error.problems) == 1
    assert f'deploy.{key} = "' in error.message
    assert f"in {site.own}: " in error.message
    assert why in error.message
    assert "\n" not in error.message
    assert error.next_steps == (f"git config --file {site.own} --edit",)


def test_a_key_without_a_value_is_refused_where_a_value_is_needed(site: Site) -> None:
    site.deploy("tag-prefix")

    assert site.refusal().message == f"deploy.tag-prefix in {site.own}: has no value"


def test_all_problems_are_reported_at_once_one_line_each(site: Site) -> None:
    site.use_site_file()
    site.deploy("max-failed = abc", "max-faild = 3", "target = web1", file=site.site)
    site.deploy("forks = none", "check-url = http://localhost/")

    lines = site.refusal().message.split("\n")

    assert lines[0] == "5 problems in the configuration:"
    assert len(lines) == 6
    for key in ("max-failed", "max-faild", "target", "forks", "check-url"):
        assert sum(f"  deploy.{key} = " in line for line in lines) == 1


def test_a_bad_value_that_is_overridden_does_no_harm(site: Site) -> None:
    site.deploy("forks = none")
    site.add('[deploy "repository mediawiki"]\nforks = 3')

    assert site.load().forks == 3


def test_a_misspelt_key_is_refused_with_the_one_that_was_meant(site: Site) -> None:
    site.deploy("max-faild = 3")

    error = site.refusal()

    assert error.message == (
        f'deploy.max-faild = "3" in {site.own}: there is no such key; did you mean max-failed?'
    )
    assert error.next_steps == (
        f"git config --file {site.own} deploy.max-failed 3",
        f"git config --file {site.own} --unset-all deploy.max-faild",
    )


def test_the_next_steps_for_a_misspelt_key_mend_it(site: Site) -> None:
    site.deploy("targt = web1=/srv/it's here", "target = web2=/srv/web2")
    site.add('[deploy "repository mediawiki"]\nsend-mail-on-snyc = true')

    for step in site.refusal().next_steps:
        subprocess.run(shlex.split(step), check=True)

    config = site.load()
    assert [target.name for target in config.target] == ["web2", "web1"]
    assert config.send_mail_on == {"sync"}


@pytest.mark.parametrize(
    "key",
    ["check-url", "check-command", "pool", "pool-socket", "notify"],
)  # fmt: skip
def test_a_key_that_this_version_cannot_do_is_refused(site: Site, key: str) -> None:
    site.deploy(f"{key} = reload", f"{key} = restart")

    error = site.refusal()

    assert error.message.endswith("this version does not do this yet")
    assert error.next_steps == (f"git config --file {site.own} --unset-all deploy.{key}",)


def test_a_key_where_nothing_reads_it_is_refused(site: Site) -> None:
    site.use_site_file()
    site.deploy("config-file = /etc/another", file=site.site)
    site.add('[deploy "repository mediawiki"]\nrepo-name-detection = dot-git-parent-dir')

    message = site.refusal().message

    assert "read only in [deploy] of git's own files" in message
    assert "deploy.repository mediawiki.repo-name-detection" in message
    assert f"in {site.own}: this key is read only in [deploy]" in message


@pytest.mark.parametrize("section", ["mediawiki", "repo mediawiki", "Repository mediawiki"])
def test_a_section_that_was_meant_for_this_repository_is_refused(site: Site, section: str) -> None:
    site.add(f'[deploy "{section}"]\ntag-prefix = slot0')

    error = site.refusal()
    assert 'did you mean the section [deploy "repository mediawiki"]?' in error.message
    for step in error.next_steps:
        subprocess.run(shlex.split(step), check=True)
    assert site.load().tag_prefix == "slot0"


def test_two_targets_of_one_name_or_with_one_root_are_refused(site: Site) -> None:
    site.deploy("target = web1=/a", "target = web1=/b", "target = web3=//a/")

    message = site.refusal().message

    assert 'deploy.target = "web1=/b"' in message
    assert "there is already a target of this name" in message
    assert 'deploy.target = "web3=//a/"' in message
    assert "there is already a target with this root" in message


def test_a_canary_that_is_no_target_is_refused(site: Site) -> None:
    site.deploy("target = web1=/a", "target = web2=relative", "canary = web2", "canary = web9")

    message = site.refusal().message

    assert 'deploy.canary = "web9"' in message
    assert "there is no target of this name; there are: web1, web2" in message
    assert 'deploy.canary = "web2"' not in message


def test_a_canary_is_not_looked_for_among_the_targets_of_another_transport(site: Site) -> None:
    site.deploy("target = web1=/a", "transport = salt", "targets = minion*", "canary = minion1")
    assert site.load().canary == ("minion1",)


def test_a_shared_path_inside_another_is_refused(site: Site) -> None:
    site.deploy("shared = images/uploads", "shared = images", "shared = images2")

    message = site.refusal().message

    assert 'deploy.shared = "images/uploads"' in message
    assert "it is inside images, which is shared as a whole" in message
    assert "images2" not in message


def test_a_file_of_the_site_that_is_missing_is_refused(site: Site) -> None:
    site.use_site_file()
    site.site.unlink()

    assert site.refusal().message == (
        f'deploy.config-file = "{site.site}" in {site.user}: no such file'
    )


def test_a_file_of_the_site_that_git_cannot_read_is_refused_with_what_git_says(site: Site) -> None:
    site.use_site_file()
    site.site.write_text("[deploy\n")

    assert f"in {site.user}: git cannot read it: " in site.refusal().message
    assert str(site.site) in site.refusal().message.partition("git cannot read it")[2]


def test_a_command_that_fails_is_refused_with_its_last_words(site: Site) -> None:
    site.deploy('tag-prefix = "`echo no slot >&2; exit 3`"')

    assert "is a command that failed (3): no slot" in site.refusal().message


def test_a_command_that_takes_too_long_is_stopped_with_all_its_children(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "LONGEST", 0.2)
    site.deploy('tag-prefix = "`sleep 60 | sleep 60`"')

    assert "is a command that took longer than 0.2 seconds" in site.refusal().message


def test_a_value_that_is_no_plain_text_is_shown_on_one_line(site: Site) -> None:
    site.deploy('tag-prefix = "a\\nb\\u"'.replace("\\u", "\\t"))

    assert 'deploy.tag-prefix = "a\\nb\\t"' in site.refusal().message


def test_a_bad_value_from_gits_command_line_is_said_to_be_from_there(site: Site) -> None:
    one = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "deploy.forks", "GIT_CONFIG_VALUE_0": "x"}
    git = Git(site.top, environment={**site.git.environment, **one})

    with pytest.raises(ConfigError) as caught:
        site.load(git)

    assert 'deploy.forks = "x" in the command line or the environment' in caught.value.message
    assert caught.value.next_steps == ()


@pytest.mark.parametrize(
    "date_format", ["%Y-%m-%d_%H%M%S", "%Y_%j.%H-%M-%S", "%y%m%d%H%M%S", "%s", "%Y%m%dT%H%M%S%z"]
)
def test_a_date_format_with_seconds_that_sorts_is_taken(date_format: str) -> None:
    assert parse_date_format(date_format) == date_format


def test_a_date_format_that_is_no_text_is_refused() -> None:
    # Whether strftime(3) takes these bytes or not depends on the locale; neither may get through.
    with pytest.raises(BadValue, match="is not"):
        parse_date_format("%Y\udcff")
