"""A tag on what is checked out, outside of a rollout, where the site allows it."""

from __future__ import annotations

import re

import pytest

from tests.system.site import Site

TAG = r"slot0-\d{8}-\d{6}"


@pytest.fixture
def allowed(plain: Site) -> Site:
    plain.config("deploy.can-make-tags", "true")
    return plain


@pytest.fixture(params=["tag", "--make-tag"])
def way(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The two ways to say it; `--make-tag` needs a message."""
    return (request.param, "-m", "a tag")


def refuse_pushes(site: Site) -> None:
    hook = site.origin / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho no tags today >&2; exit 1\n")
    hook.chmod(0o755)


def test_the_tag_is_printed_made_and_pushed(allowed: Site, way: tuple[str, ...]) -> None:
    ran = allowed.ok(*way)
    tag = ran.out.rstrip("\n")
    assert re.fullmatch(TAG, tag)
    assert allowed.commit_of(tag) == allowed.commit_of(tag, at=allowed.origin) == allowed.head()
    assert allowed.git("tag", "--list", "--format=%(contents)", tag).rstrip("\n") == "a tag"
    assert allowed.status()["status"] == "none"


def test_tags_are_made_where_the_site_allows_it(plain: Site, way: tuple[str, ...]) -> None:
    ran = plain.deploy(*way)
    assert ran.code == 1
    assert "deploy.can-make-tags is not true" in ran.err
    assert ran.out == ""
    assert plain.tags() == []


@pytest.mark.parametrize("value", ["false", "no", "0"])
def test_a_site_may_say_no(plain: Site, way: tuple[str, ...], value: str) -> None:
    plain.config("deploy.can-make-tags", value)
    assert plain.deploy(*way).code == 1


def test_a_tag_that_the_remote_refuses_is_not_made(allowed: Site, way: tuple[str, ...]) -> None:
    refuse_pushes(allowed)
    ran = allowed.deploy(*way)
    assert ran.code == 1
    assert "no tags today" in ran.err
    assert ran.out == ""
    assert allowed.tags() == []


def test_a_tag_that_a_hook_refuses_is_not_made(allowed: Site, way: tuple[str, ...]) -> None:
    allowed.hook("post-tag.no", "exit 1")
    ran = allowed.deploy(*way)
    assert ran.code == 1
    assert "post-tag" in ran.err
    assert allowed.tags() == []
    assert allowed.git("tag", "--list", at=allowed.origin) == ""


def test_without_the_remote_it_is_made_here(allowed: Site, way: tuple[str, ...]) -> None:
    with allowed.no_network():
        tag = allowed.ok("--no-remote", *way).out.strip()
    assert allowed.tags() == [tag]


def test_make_tag_needs_a_message(allowed: Site) -> None:
    ran = allowed.deploy("--make-tag")
    assert ran.code != 0
    assert "--message" in ran.err
    assert allowed.tags() == []


def test_tag_has_a_message_of_its_own(allowed: Site) -> None:
    tag = allowed.ok("tag").out.strip()
    assert "slot0" in allowed.git("tag", "--list", "--format=%(contents)", tag)


def test_tag_writes_the_deploy_file_and_make_tag_does_not(allowed: Site) -> None:
    allowed.ok("--make-tag", "-m", "a tag")
    assert not (allowed.repo / ".deploy").exists()
    tag = allowed.ok("tag").out.strip()
    assert f"tag: {tag}" in (allowed.repo / ".deploy").read_text()
    assert allowed.git("status", "--porcelain") == ""


def test_a_tree_that_is_not_clean_is_not_tagged(allowed: Site, way: tuple[str, ...]) -> None:
    (allowed.repo / "index.php").write_text("not committed\n")
    assert allowed.deploy(*way).code == 1
    assert allowed.tags() == []
    allowed.ok("--no-check-clean", *way)


def test_the_prefix_is_the_one_that_is_typed(allowed: Site) -> None:
    assert re.fullmatch(r"cron-\d{8}-\d{6}", allowed.ok("tag", "cron").out.strip())


def test_the_date_is_written_as_asked(allowed: Site) -> None:
    tag = allowed.ok("tag", "--date-fmt", "%Y%m%d_%H%M%S").out.strip()
    assert re.fullmatch(r"slot0-\d{8}_\d{6}", tag)


@pytest.mark.parametrize("date", ["%Y%m%d", "%Y_%m", "%Y%m%d-%H%M"])
def test_a_date_that_does_not_tell_seconds_apart_is_refused(allowed: Site, date: str) -> None:
    ran = allowed.deploy("tag", "--date-fmt", date)
    assert ran.code == 2
    assert "need seconds, as in %Y%m%d-%H%M%S" in ran.err
    assert allowed.tags() == []


@pytest.mark.parametrize("name", ["/tmp/x/d", "../d", ".git/config", "lib//d", ""])
def test_a_deploy_file_outside_of_the_release_is_refused(allowed: Site, name: str) -> None:
    config = (allowed.repo / ".git" / "config").read_text()
    ran = allowed.deploy("--deploy-file-name", name, "tag")
    assert ran.code == 2
    assert f"--deploy-file-name {name!r}" in ran.err
    assert allowed.tags() == []
    assert (allowed.repo / ".git" / "config").read_text() == config


def test_two_tags_of_one_second_differ(allowed: Site) -> None:
    tags = [allowed.ok("tag").out.strip() for _ in range(3)]
    assert tags == sorted(set(tags))


def test_a_tag_may_be_made_beside_somebodys_rollout(allowed: Site) -> None:
    with allowed.typed_by("Ann"):
        allowed.ok("start")
    before = allowed.status()["rollout"]
    allowed.ok("tag")
    assert allowed.status()["rollout"] == before


def test_post_tag_hooks_know_the_tag(allowed: Site) -> None:
    told = allowed.root / "told"
    allowed.hook("post-tag.tell", f'echo "$GIT_DEPLOY_ACTION $GIT_DEPLOY_ROLLOUT_TAG" > "{told}"')
    tag = allowed.ok("tag").out.strip()
    assert told.read_text() == f"tag {tag}\n"
