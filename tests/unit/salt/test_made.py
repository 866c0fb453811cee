"""The files for Salt that are made of other modules."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from sartoris import agent
from sartoris.agent.actions import ACTIONS
from sartoris.salt import loader, made
from sartoris.salt.module import joined as module
from sartoris.salt.runner import joined as runner


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(made, "_cache", lambda: tmp_path / "cache" / "salt")
    return tmp_path / "cache" / "salt"


def test_in_a_checkout_salt_finds_them_where_they_are_made(cache: Path) -> None:
    found = loader.directories()
    for kind in ("modules", "runners"):
        (directory,) = found[kind]
        assert Path(directory).is_relative_to(cache)
        text = (Path(directory) / "git_deploy.py").read_text()
        assert text == made.texts()[f"_{kind}/git_deploy.py"]
    assert cache.stat().st_mode & 0o777 == 0o700
    (states,) = found["states"]
    assert (Path(states) / "git_deploy.py").is_file()


def test_they_are_made_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = made.directory()
    monkeypatch.setattr(made, "texts", dict)
    assert made.directory() == first
    assert [path.name for path in cache.iterdir()] == [first.name]


def test_they_are_made_anew_when_what_they_are_made_of_has_changed(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made.directory()
    monkeypatch.setattr(made, "_version", lambda: "another")
    assert made.directory() == cache / "another" != first


def test_one_that_another_process_has_made_meanwhile_is_taken(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = made._version()

    def meanwhile() -> dict[str, str]:
        (cache / version / "_modules").mkdir(parents=True)
        return {"_modules/git_deploy.py": ""}

    monkeypatch.setattr(made, "texts", meanwhile)
    assert made.directory() == cache / version
    assert [path.name for path in cache.iterdir()] == [version]


@pytest.mark.parametrize("name", sorted(made.texts()))
def test_they_are_syntax_of_python_3_9(name: str) -> None:
    ast.parse(made.texts()[name], feature_version=(3, 9))


@pytest.mark.parametrize(("joined", "package"), [(module, "module"), (runner, "runner")])
def test_every_module_of_the_packages_is_in_them(joined: Any, package: str) -> None:
    directory = Path(made.__file__).parent / package
    own = {path.stem for path in directory.glob("*.py")} - {"__init__", "joined"}
    inside = f"sartoris.salt.{package}."
    assert {name.removeprefix(inside) for name in joined.MODULES if name.startswith(inside)} == own


def test_the_module_is_the_agent_s_core_and_salt_s_own() -> None:
    core = Path(agent.__file__).parent.glob("*.py")
    names = {f"sartoris.agent.{path.stem}" for path in core} - {
        "sartoris.agent.__init__",
        "sartoris.agent.joined",
    }
    assert names <= set(module.MODULES)


@pytest.mark.parametrize("name", sorted(made.texts()))
def test_each_offers_a_function_for_every_action_and_none_hides_another_name(name: str) -> None:
    tree = ast.parse(made.texts()[name])
    defined = {getattr(node, "name", "") for node in tree.body}
    assert defined & set(ACTIONS) <= {"fetch"}
    loaded: dict[str, Any] = {"__name__": "loaded", "__file__": name}
    exec(compile(tree, name, "exec"), loaded)
    for action in ACTIONS:
        assert action in loaded["__load__"]
        assert loaded[action].__name__ == action
        assert ACTIONS[action].meaning in loaded[action].__doc__
