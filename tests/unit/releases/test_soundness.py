"""A publish repository that is damaged is found to be so, and made anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sartoris.errors import SartorisError
from sartoris.releases.publish import PublishRepository
from sartoris.releases.soundness import damage
from tests.unit.git.sample import Sample


@pytest.fixture
def site(tmp_path: Path) -> Sample:
    site = Sample.create(tmp_path / "site").write(index="x" * 999, other="y")
    site.submodule("ext/one")
    site.commit()
    return site


@pytest.fixture
def path(site: Sample, tmp_path: Path) -> Path:
    path = tmp_path / "publish.git"
    publish = PublishRepository(path, site.git)
    publish.prepare()
    publish.publish("slot0-1", site.head)
    site.write(index="z" * 999).commit()
    publish.publish("slot0-2", site.head)
    return path


def first(path: Path, ending: str) -> Path:
    return min((path / "objects/pack").glob(f"*.{ending}"))


def overwrite(path: Path, at: int, content: bytes) -> None:
    path.chmod(0o644)
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + content + whole[at + len(content) :])


def lost_pack(path: Path) -> None:
    first(path, "pack").unlink()


def lost_index(path: Path) -> None:
    first(path, "idx").unlink()


def index_that_leads_nowhere(path: Path) -> None:
    index = first(path, "idx")
    index.unlink()
    index.symlink_to("/nowhere/at-all")


def flipped_bits(path: Path) -> None:
    overwrite(first(path, "pack"), 30, b"\xff\xff")


def cut_off_pack(path: Path) -> None:
    pack = first(path, "pack")
    pack.chmod(0o644)
    pack.write_bytes(pack.read_bytes()[:-40])


def zeroed_index(path: Path) -> None:
    overwrite(first(path, "idx"), 0, b"\0" * 600)


def lost_head(path: Path) -> None:
    (path / "HEAD").unlink()


def zeroed_config(path: Path) -> None:
    (path / "config").write_bytes(b"\0" * 100)


def cut_off_config(path: Path) -> None:
    config = path / "config"
    config.write_text(config.read_text().partition("window = ")[0] + "window = ")


def no_ref(path: Path) -> None:
    (path / "refs/tags/slot0-2").write_bytes(b"\0" * 41)


def lost_objects(path: Path) -> None:
    (path / "objects").rename(path / "gone")


DAMAGES = [
    lost_pack,
    lost_index,
    index_that_leads_nowhere,
    flipped_bits,
    cut_off_pack,
    zeroed_index,
    lost_head,
    zeroed_config,
    cut_off_config,
    no_ref,
    lost_objects,
]


@pytest.mark.parametrize("harm", DAMAGES)
def test_each_damage_is_found_and_mended(
    harm: Callable[[Path], None], site: Sample, path: Path
) -> None:
    publish = PublishRepository(path, site.git)
    before = publish.find("slot0-2")
    assert before is not None
    assert damage(path) == ""
    harm(path)
    assert damage(path) != ""
    aside = publish.make_anew()
    assert aside.is_dir()
    assert publish.publish("slot0-2", site.head).commit == before.commit
    assert publish.find("slot0-1") is None
    assert damage(path) == ""


def test_what_is_set_up_there_for_those_who_fetch_stays(site: Sample, path: Path) -> None:
    site.git.run("config", "--file", str(path / "config"), "http.uploadpack", "true")
    (path / "git-daemon-export-ok").touch()
    lost_pack(path)
    PublishRepository(path, site.git).make_anew()
    assert (path / "git-daemon-export-ok").exists()
    config = ("config", "--file", str(path / "config"), "http.uploadpack")
    assert site.git.text(*config) == "true"


def test_a_directory_of_somebody_else_is_not_ours_to_mend(site: Sample, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/file").write_text("x")
    assert damage(tmp_path / "theirs") == ""
    with pytest.raises(SartorisError):
        PublishRepository(tmp_path / "theirs", site.git).prepare()


def test_submodules_that_travel_by_themselves_are_no_damage(tmp_path: Path) -> None:
    upstream = Sample.create(tmp_path / "up").write(a="1")
    upstream.commit()
    site = Sample.create(tmp_path / "site").write(index="x")
    allow = site.git.with_environment(
        {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "protocol.file.allow",
            "GIT_CONFIG_VALUE_0": "always",
        }
    )
    allow.run("submodule", "--quiet", "add", "--", str(upstream.path), "ext")
    site.commit()
    publish = PublishRepository(tmp_path / "publish.git", site.git, "update")
    publish.prepare()
    publish.publish("slot0-1", site.head)
    assert damage(tmp_path / "publish.git") == ""
