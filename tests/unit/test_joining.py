"""Modules of a package, joined into one file that travels alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.joining import CannotJoin, join


def package(root: Path, **bodies: str) -> Path:
    """The agent's package below `root`; each module has a docstring and then the given text."""
    directory = root / "sartoris" / "agent"
    directory.mkdir(parents=True)
    for name, body in {"__init__": "", **bodies}.items():
        (directory / f"{name}.py").write_text(f'"""Module {name}."""\n\n{body}')
    return directory


def joined(root: Path, *names: str) -> str:
    return join("sartoris.agent", [f"sartoris.agent.{name}" for name in names], root)


def test_sections_follow_each_other_under_one_set_of_imports(tmp_path: Path) -> None:
    package(
        tmp_path,
        one="from __future__ import annotations\n\nimport sys\nfrom os import path\n\nA = sys\n",
        two="import os\nimport sys\nfrom os import PathLike\n\nfrom sartoris.agent.one import A\n\n"
        'B = A\n\n\nif __name__ == "__main__":\n    sys.exit(B)\n',
        three="C = 3\n",
    )
    _, text = joined(tmp_path, "one", "two", "three").split('"""Module __init__."""\n\n')
    wide = [f"# --- Module {name} ".ljust(100, "-") for name in ("one", "two", "three")]
    assert text.splitlines() == [
        "from __future__ import annotations",
        "",
        "import os",
        "import sys",
        "import types",
        "from os import PathLike, path",
        "",
        "# Some loaders give a module its name in sys.modules only after it has run.",
        "sys.modules.setdefault(__name__, types.ModuleType(__name__))",
        "",
        "",
        *(wide[0], "", "A = sys", "", ""),
        *(wide[1], "", "B = A", "", ""),
        *(wide[2], "", "C = 3", "", ""),
        *('if __name__ == "__main__":', "    sys.exit(B)"),
    ]


def test_a_long_import_is_wrapped(tmp_path: Path) -> None:
    names = ["Z" * 60, "A" * 60]
    package(tmp_path, one=f"from os import {names[0]}\n", two=f"from os import {names[1]}\n")
    wrapped = f"from os import (\n    {names[1]},\n    {names[0]},\n)\n"
    assert wrapped in joined(tmp_path, "one", "two")


CLASHES = {
    "a is defined in one, and also defined in two": ("a = 1", "def a(): ..."),
    "b is defined in one, and also defined in two": ("class b: ...", "if 1:\n    b: int = 1"),
    "os is os, and also defined in two": ("import os", "for os in (): ..."),
    "path is os.path, and also sys.path": ("from os import path", "from sys import path"),
    "two line 3: import without `as`": ("a = 1", "from sartoris.agent.one import a as b"),
    "two line 4: import without `as`": ("", "def f():\n    import os as b"),
    "two line 4: import names, at the top": ("", "def f():\n    from sartoris.agent.one import a"),
    "two line 3: import names, at the top": ("", "import sartoris.agent.one"),
    "one line 3: import names, at the top": ("from sartoris.agent.two import a", "a = 1"),
    "one line 3: import names, at the top, from": ("from .two import a", "a = 1"),
    "two has something else between its imports": ("", "import os\na = 1\nimport sys"),
}


@pytest.mark.parametrize("why", CLASHES)
def test_modules_that_would_mean_something_else_joined_are_refused(
    tmp_path: Path, why: str
) -> None:
    one, two = CLASHES[why]
    package(tmp_path, one=one, two=two)
    with pytest.raises(CannotJoin) as refused:
        joined(tmp_path, "one", "two")
    assert str(refused.value).startswith(why)


def test_a_module_without_a_docstring_has_no_title(tmp_path: Path) -> None:
    (package(tmp_path) / "one.py").write_text("a = 1\n")
    with pytest.raises(CannotJoin, match="one has no docstring"):
        joined(tmp_path, "one")


def test_modules_of_several_packages_become_one_file(tmp_path: Path) -> None:
    package(tmp_path, one="A = 1\n")
    beside = tmp_path / "sartoris" / "salt"
    beside.mkdir()
    (beside / "two.py").write_text('"""Two."""\n\nfrom sartoris.agent.one import A\n\nB = A\n')
    text = join("sartoris.agent", ["sartoris.agent.one", "sartoris.salt.two"], tmp_path)
    assert text.startswith("# Made from modules of sartoris/agent, sartoris/salt; ")
    found: dict[str, int] = {}
    exec(text, {"__name__": "joined"}, found)
    assert found["B"] == 1
