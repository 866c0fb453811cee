"""The three ways to bring Sartoris to a master and its minions."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from sartoris.agent import policy
from sartoris.cli import boundary
from sartoris.cli.operator import operators
from sartoris.config.keys import KEYS
from sartoris.salt import formula, made
from tests.salt.cluster import Cluster
from tests.salt.conftest import need_salt

FUNCTIONS = {f"git_deploy.{name}" for name in ("fetch", "switch", "status", "verify", "converge")}
MODULE = "_modules/git_deploy.py"
PAGE = Path(__file__).parents[2] / "docs" / "salt.md"
# The words of the page's steps, in the only order that is safe.
ORDER = (
    "sartoris formula",
    "sartoris.server",
    "sartoris.master",
    "sartoris.target",
    "sync_modules",
)
RELEASE = ["repository=wiki", "slot=slot0", "path=/srv/php-slot0"]


@pytest.fixture
def empty() -> Iterator[Cluster]:
    """A master and one minion that have nothing of Sartoris."""
    need_salt()
    with Cluster() as cluster:
        cluster.minion("web1")
        cluster.start()
        cluster.start_minions()
        yield cluster


def functions(cluster: Cluster) -> set[str]:
    return set(cluster.salt("web1", "sys.list_functions", "git_deploy").document["web1"])


def export(*arguments: str | Path) -> int:
    words = ["formula", *map(str, arguments)]
    return boundary.guarded("sartoris", lambda: operators.main(words, standalone_mode=False))


def assert_works(cluster: Cluster) -> None:
    assert functions(cluster) >= FUNCTIONS
    answer = cluster.run("git_deploy.status", "web1", *RELEASE).document
    assert answer["web1"]["ok"], answer
    assert "what is live" in cluster.salt("web1", "sys.doc", "git_deploy.status").out


def test_the_formula_in_a_file_root_and_sync_modules(
    empty: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert functions(empty) == set()
    assert export(empty.files) == 0
    printed = capsys.readouterr().out
    assert printed == (
        f'file_roots:\n  base:\n    - "{empty.files}"\nrunner_dirs:\n  - "{empty.files}/_runners"\n'
    )
    empty.configure_master({"runner_dirs": [str(empty.files / "_runners")]})
    empty.restart_master()
    empty.ping("web1")
    synced = empty.salt("*", "saltutil.sync_modules").document
    assert synced == {"web1": ["modules.git_deploy"]}
    assert_works(empty)


def test_the_entry_points_of_an_installed_package() -> None:
    need_salt()
    with Cluster({"runner_dirs": []}, installed=True) as cluster:
        cluster.minion("web1")
        cluster.start()
        cluster.start_minions()
        assert_works(cluster)
        assert not list(cluster.directory.rglob("git_deploy.py"))


def test_a_synced_module_wins_over_an_installed_one() -> None:
    need_salt()
    with Cluster(installed=True) as cluster:
        (cluster.files / "_modules").mkdir()
        (cluster.files / "_modules" / "git_deploy.py").write_text("def older():\n    return 1\n")
        cluster.minion("web1")
        cluster.start()
        cluster.start_minions()
        cluster.salt("web1", "saltutil.sync_modules")
        assert functions(cluster) == {"git_deploy.older"}


def test_the_export_has_the_whole_formula(tmp_path: Path) -> None:
    assert export(tmp_path) == 0
    assert (tmp_path / MODULE).read_text() == made.texts()[MODULE]
    states = {path.stem for path in (tmp_path / "sartoris").glob("*.sls")}
    assert states >= {"server", "master", "target", "converge"}
    assert (tmp_path / "reactor" / "sartoris_converge.sls").exists()
    assert (tmp_path / "pillar.example").exists()
    assert not list(tmp_path.rglob("*.pyc"))


def test_a_file_that_is_in_the_way_is_refused_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "_modules").mkdir()
    (tmp_path / "_modules" / "git_deploy.py").write_text("ours\n")
    assert export(tmp_path) == 1
    assert "_modules/git_deploy.py" in capsys.readouterr().err
    assert not (tmp_path / "sartoris").exists()
    assert export("--force", tmp_path) == 0
    assert (tmp_path / MODULE).read_text() == made.texts()[MODULE]


Prepare = Callable[[Path], object]
NOT_ITS_KIND: dict[str, tuple[str, Prepare]] = {
    "a file for the directory": (".", Path.touch),
    "a file above it": ("..", Path.touch),
    "a link that leads nowhere for the directory": (".", lambda path: path.symlink_to("nowhere")),
    "a file for a directory": ("_modules", Path.touch),
    "a link that leads nowhere": ("_modules", lambda path: path.symlink_to("nowhere")),
    "a link to itself": ("sartoris/files", lambda path: path.symlink_to("files")),
    "a directory for a file": ("_modules/git_deploy.py", Path.mkdir),
    "a directory for the record": (formula.RECORD, Path.mkdir),
}


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize(("name", "prepare"), NOT_ITS_KIND.values(), ids=NOT_ITS_KIND)
def test_what_is_not_of_the_kind_that_has_to_be_there_is_refused_and_stays(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    prepare: Prepare,
    force: list[str],
) -> None:
    directory = tmp_path / "a" / "b"
    wrong = Path(os.path.normpath(directory / name))
    wrong.parent.mkdir(parents=True, exist_ok=True)
    prepare(wrong)
    before = sorted(tmp_path.rglob("*"))
    assert export(*force, directory) == 1
    told = capsys.readouterr().err
    assert f"  {wrong} is " in told
    assert "sartoris formula ANOTHER-DIRECTORY" in told
    assert "git deploy" not in told
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["_modules/git_deploy.py", formula.RECORD])
def test_a_link_that_leads_nowhere_is_replaced_by_force_only(tmp_path: Path, name: str) -> None:
    link = tmp_path / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to("nowhere")
    assert export(tmp_path) == 1
    assert link.is_symlink()
    assert not (tmp_path / "sartoris").exists()
    assert export("--force", tmp_path) == 0
    assert link.is_file()
    assert not link.is_symlink()


def test_an_empty_directory_name_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert export("") == 2
    assert "Next:\n  sartoris formula /srv/salt\n" in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_a_link_to_a_directory_will_do(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "root").symlink_to("elsewhere")
    assert export(tmp_path / "root") == 0
    assert (tmp_path / "elsewhere" / "_modules" / "git_deploy.py").exists()


def test_a_file_that_was_changed_since_is_refused(tmp_path: Path) -> None:
    assert export(tmp_path) == 0
    changed = tmp_path / "sartoris" / "target.sls"
    changed.write_text(f"{changed.read_text()}\n# ours\n")
    assert export(tmp_path) == 1
    assert changed.read_text().endswith("# ours\n")


def test_a_later_version_replaces_what_the_earlier_one_wrote(tmp_path: Path) -> None:
    assert export(tmp_path) == 0
    assert formula.export(tmp_path) == []
    earlier = {"sartoris/target.sls": "earlier\n", "sartoris/gone.sls": "gone\n"}
    record = json.loads((tmp_path / formula.RECORD).read_text())
    for name, text in earlier.items():
        (tmp_path / name).write_text(text)
        record[name] = formula._digest(text)
    (tmp_path / formula.RECORD).write_text(json.dumps(record))
    assert formula.export(tmp_path) == sorted(earlier)
    assert not (tmp_path / "sartoris" / "gone.sls").exists()


def _blocks(page: str) -> list[str]:
    """What is indented in a page, block by block."""
    found = re.findall(r"(?:^    .*\n(?:\n(?=    ))*)+", page, re.MULTILINE)
    return [re.sub("^    ", "", one, flags=re.MULTILINE) for one in found]


def test_the_page_gives_targets_their_list_before_their_module() -> None:
    typed = [line for block in _blocks(PAGE.read_text()) for line in block.splitlines()]
    firsts = {word: next(n for n, line in enumerate(typed) if word in line) for word in ORDER}
    assert list(firsts) == sorted(firsts, key=firsts.__getitem__)


def test_the_pillar_of_the_page_is_one_that_states_targets_and_configuration_take() -> None:
    (text,) = [block for block in _blocks(PAGE.read_text()) if "sartoris.sls" in block]
    pillar = yaml.safe_load(text.partition("sartoris.sls")[2])["sartoris"]
    known = yaml.safe_load((Path(formula.__file__).parent / "pillar.example").read_text())
    assert set(pillar) <= set(known["sartoris"])
    for part in ("server", "master"):
        assert set(pillar[part]) <= set(known["sartoris"][part])
    entries = policy._deployments({"version": 1, "deployments": pillar["deployments"]})
    ((name, repository),) = pillar["server"]["repositories"].items()
    assert {key.replace("_", "-") for key in repository} <= {key.name for key in KEYS}
    (entry,) = entries
    assert (entry.repository, entry.url) == (name, repository["url"])
    assert entry.covers(repository["path"].replace("{prefix}", repository["tag-prefix"]))
