"""`[deploy "slot NAME"]`: settings of one slot."""

from __future__ import annotations

import pytest

from sartoris.config import Configured, read_config

from .conftest import Site

TWO = """
[deploy]
    path = /srv/app/current
    branch = trunk
    max-failed = 1
    target = old=/srv/old
[deploy "slot staging"]
    target = stage1=/srv/stage1
[deploy "slot production"]
    tag-prefix = live
    branch = main
    target = web1=/srv/web1
    target = web2=/srv/web2
"""


def read(site: Site) -> Configured:
    return read_config(site.git, git_dir=site.top / ".git", top=site.top)


def test_a_slot_has_what_its_section_says_and_all_else_as_the_repository_has_it(site: Site) -> None:
    site.add(TWO)
    found = read(site)
    production = found.of("live")
    assert [target.name for target in production.target] == ["web1", "web2"]
    assert (production.branch, str(production.max_failed)) == ("main", "1")
    staging = found.of("staging")
    assert [target.name for target in staging.target] == ["stage1"]
    assert (staging.branch, staging.tag_prefix) == ("trunk", "staging")
    assert [target.name for target in found.of("other").target] == ["old"]


def test_a_slot_is_meant_by_its_prefix_and_by_its_name(site: Site) -> None:
    site.add(TWO)
    found = read(site)
    assert found.of("live") is found.of("production") is found.of_slots["production"]
    assert found.of("production").slot_name("live") == "production"


def test_without_a_prefix_the_configured_one_is_meant_or_the_only_slot(site: Site) -> None:
    site.add('[deploy "slot staging"]\n  target = s=/srv/s')
    assert read(site).of(None).slot == "staging"
    site.deploy("tag-prefix = slot0")
    assert read(site).of(None).slot == ""
    site.add('[deploy "slot zero"]\n  tag-prefix = slot0')
    assert read(site).of(None).slot == "zero"


def test_a_slot_in_the_site_s_file_counts_more_than_one_in_git_s_own(site: Site) -> None:
    site.use_site_file()
    site.add('[deploy "slot a"]\n  branch = one', file=site.site)
    site.add('[deploy "slot a"]\n  branch = two\n[deploy "repository mediawiki"]\n  branch = three')
    found = read(site)
    assert (found.of("a").branch, found.plain.branch) == ("one", "three")


def test_what_is_typed_for_one_command_counts_more_than_a_slot_s_section(site: Site) -> None:
    site.add('[deploy "slot a"]\n  branch = one')
    typed = site.git.with_environment(
        {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "deploy.branch",
            "GIT_CONFIG_VALUE_0": "typed",
        }
    )
    found = read_config(typed, git_dir=site.top / ".git", top=site.top)
    assert found.of("a").branch == "typed"


def test_a_command_in_a_value_is_run_once_however_many_slots_there_are(site: Site) -> None:
    site.deploy('branch = "`echo ran >> ran; echo main`"')
    site.add('[deploy "slot a"]\n  forks = 2\n[deploy "slot b"]\n  forks = 3')
    assert read(site).of("a").branch == "main"
    assert (site.top / "ran").read_text() == "ran\n"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ('[deploy "slot a"]\ntag-prefix = x\n[deploy "slot b"]\ntag-prefix = x', "prefix x both"),
        (
            '[deploy]\npath = /srv/p\n[deploy "slot a"]\nbranch = x\n[deploy "slot b"]\nbranch = y',
            "the slots a and b are at /srv/p both",
        ),
        ('[deploy "slot a b"]\nbranch = y', "the slot's name"),
        ('[deploy "slot a"]\nbranhc = y', "did you mean branch"),
        ('[deploy "slot a"]\nmax-failed = many', "deploy.slot a.max-failed"),
        ('[deploy "slot a"]\nlock-dir-root = /x', "this key is read only in"),
        ('[deploy "slot.a"]\nbranch = y', 'did you mean the section [deploy "slot a"]?'),
        ('[deploy "Slot a"]\nbranch = y', 'did you mean the section [deploy "slot a"]?'),
    ],
)
def test_what_makes_no_sense_in_a_slot_is_refused(site: Site, lines: str, why: str) -> None:
    site.add(lines)
    assert why in site.refusal().message
