"""What a site gets that installs the wheel: commands, manual, completions."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import click
import pytest

from sartoris.salt import made
from tests.programs import need

TOP = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh virtual environment with the wheel of this tree, without its dependencies."""
    directory = tmp_path_factory.mktemp("installed")
    pip("wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", str(directory), str(TOP))
    (wheel,) = directory.glob("*.whl")
    prefix = directory / "venv"
    venv.create(prefix, with_pip=False)
    pip("--python", str(prefix / "bin" / "python"), "install", "--no-deps", str(wheel))
    return prefix


def pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", ["git-deploy", "sartoris"])
def test_man_finds_the_pages_of_an_installation_whose_commands_are_in_path(
    prefix: Path, page: str
) -> None:
    path = f"{prefix / 'bin'}:/usr/bin:/bin"
    found = subprocess.run(
        [need("man"), "-w", page], env={"PATH": path}, capture_output=True, text=True, check=True
    )
    assert Path(found.stdout.strip()) == prefix / "share" / "man" / "man1" / f"{page}.1"


def test_git_help_deploy_shows_the_manual(prefix: Path) -> None:
    need("man")
    path = f"{prefix / 'bin'}:/usr/bin:/bin"
    shown = subprocess.run(
        ["git", "help", "deploy"],
        env={"PATH": path, "PAGER": "cat", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.startswith("GIT-DEPLOY(1)")


def test_the_documentation_is_shown_where_the_program_is_only_linked_to(
    prefix: Path, tmp_path: Path
) -> None:
    need("man")
    links, libraries = tmp_path / "bin", tmp_path / "lib"
    for link, target in (
        (links / "git-deploy", prefix / "bin" / "git-deploy"),
        (libraries / "click", Path(click.__file__).parent),  # the wheel is there without them
    ):
        link.parent.mkdir()
        link.symlink_to(target)
    environment = {
        "PATH": f"{links}:/usr/bin:/bin",
        "PYTHONPATH": str(libraries),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
    }

    def shown(*words: str) -> str:
        command = ["git", "deploy", "help", *words]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert shown("first-day") == (TOP / "docs" / "first-day.md").read_text()
    assert str(prefix) in shown()
    assert shown("manual").startswith("GIT-DEPLOY(1)")


@pytest.mark.parametrize(
    "name", ["bash-completion/completions/git-deploy", "zsh/site-functions/_git-deploy"]
)
def test_the_completions_are_where_the_shells_look(prefix: Path, name: str) -> None:
    assert (prefix / "share" / name).read_text() == (TOP / "share" / name).read_text()


def test_everything_that_the_package_reads_is_installed(prefix: Path) -> None:
    ours = {path.relative_to(TOP / "src") for path in (TOP / "src").rglob("*") if is_ours(path)}
    (packages,) = (prefix / "lib").glob("python*/site-packages")
    assert [str(path) for path in sorted(ours) if not (packages / path).exists()] == []
    assert os.access(prefix / "bin" / "git-deploy", os.X_OK)


def is_ours(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def test_the_salt_formula_is_in_it_whole(prefix: Path, tmp_path: Path) -> None:
    program = "import sys; from sartoris.salt.formula import *; export(Path(sys.argv[1]))"
    formula = tmp_path / "formula"
    command = [str(prefix / "bin" / "python"), "-I", "-c", program, str(formula)]
    subprocess.run(command, check=True, cwd=tmp_path)
    source = TOP / "src" / "sartoris" / "salt"
    kept = {
        path.relative_to(source)
        for part in ("_states", "reactor", "sartoris")
        for path in (source / part).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    there = {path.relative_to(formula) for path in formula.rglob("*") if path.is_file()}
    apart = {Path("pillar.example"), Path(".sartoris-formula.json")}
    assert there - apart == {*kept, *map(Path, made.texts())}


def test_salt_finds_the_modules_that_the_package_was_built_with(prefix: Path) -> None:
    (packages,) = (prefix / "lib").glob("python*/site-packages")
    program = "from sartoris.salt.loader import *; print(*directories()['modules'], sep='')"
    command = [str(prefix / "bin" / "python"), "-I", "-c", program]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    assert Path(told) == packages / "sartoris" / "salt" / "_modules"
    for name, text in made.texts().items():
        assert (packages / "sartoris" / "salt" / name).read_text() == text
