"""Where values come from, and which of them have no effect."""

from __future__ import annotations

from sartoris.config.sources import Source, sources, with_deciding_files
from sartoris.git.command import Git
from tests.unit.config.conftest import Site


def of(site: Site, name: str, git: Git | None = None) -> Source:
    found = sources(git or site.git, git_dir=site.top / ".git", top=site.top)
    return next(one for one in found if one.name == name)


def typed(site: Site, **values: str) -> Git:
    """As `git -c deploy.KEY=VALUE` has it."""
    environment = dict(site.git.environment)
    environment["GIT_CONFIG_COUNT"] = str(len(values))
    for number, (key, value) in enumerate(values.items()):
        environment[f"GIT_CONFIG_KEY_{number}"] = f"deploy.{key.replace('_', '-')}"
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    return Git(site.top, environment=environment)


def test_what_is_typed_for_one_command_wins_over_all_files(site: Site) -> None:
    site.use_site_file()
    site.add('[deploy "repository mediawiki"]\nmax-failed = 3', file=site.site)
    git = typed(site, max_failed="1")
    assert str(site.load(git).max_failed) == "1"
    assert of(site, "max-failed", git).place == "the command line or the environment"
    assert of(site, "max-failed", git).shadowed == ()


def test_a_value_that_the_sites_file_beats_has_no_effect(site: Site) -> None:
    site.use_site_file()
    site.deploy("max-failed = 0", file=site.site)
    site.deploy("max-failed = 1")
    found = of(site, "max-failed")
    assert (found.value, found.place) == ("0", str(site.site))
    assert [one.file for one in found.shadowed] == [site.own]


def test_an_own_section_elsewhere_beats_what_the_clone_says(site: Site) -> None:
    site.add('[deploy "repository mediawiki"]\nbatch = 2', file=site.user)
    site.deploy("batch = 5")
    assert [one.value for one in of(site, "batch").shadowed] == ["5"]


def test_what_git_itself_overrides_is_no_news(site: Site) -> None:
    site.deploy("batch = 2", file=site.user)
    site.deploy("batch = 5")
    found = of(site, "batch")
    assert (found.value, found.shadowed) == ("5", ())


def test_an_own_section_in_the_same_file_is_meant(site: Site) -> None:
    site.add('[deploy "repository mediawiki"]\nbatch = 2')
    site.deploy("batch = 5")
    assert of(site, "batch").shadowed == ()


def test_the_same_value_twice_is_no_news(site: Site) -> None:
    site.use_site_file()
    site.deploy("batch = 5", file=site.site)
    site.deploy("batch = 5")
    assert of(site, "batch").shadowed == ()


def test_what_nobody_has_set_is_the_default(site: Site) -> None:
    found = of(site, "max-failed")
    assert (found.value, found.place) == ("0", "the default")


def test_many_values_are_told_all(site: Site) -> None:
    site.deploy("target = a=/a", "target = b=/b")
    assert of(site, "target").value == "a=/a\nb=/b"


def advised(site: Site, step: str) -> str:
    (told,) = with_deciding_files([step], site.git, git_dir=site.top / ".git", top=site.top)
    return told


def test_advice_names_the_file_that_decides(site: Site) -> None:
    site.use_site_file()
    site.deploy("filters = refuse", file=site.site)
    step = "git config deploy.filters raw   # ships what is committed"
    assert advised(site, step) == (
        f"git config --file {site.site} deploy.filters raw"
        "   # ships what is committed; this file decides it"
    )


def test_advice_that_works_stays_as_it_is(site: Site) -> None:
    site.use_site_file()
    site.deploy("filters = refuse")
    step = "git config deploy.filters raw"
    assert advised(site, step) == step
