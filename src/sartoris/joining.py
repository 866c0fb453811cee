"""Join modules into one file that travels alone.

The agent travels to targets so, and the Salt runner to masters that do not have Sartoris.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]  # where Python finds `sartoris`
_WIDTH = 100
# For dataclasses, which look for the module of a class there.
_NAMED = """\
# Some loaders give a module its name in sys.modules only after it has run.
sys.modules.setdefault(__name__, types.ModuleType(__name__))
"""


class CannotJoin(Exception):
    """The modules would not mean in one file what they mean apart."""


@dataclass(frozen=True)
class _Module:
    full_name: str
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        return self.full_name.rpartition(".")[2]

    @property
    def imports(self) -> list[ast.Import | ast.ImportFrom]:
        return [node for node in self.tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]

    @property
    def docstring(self) -> str:
        """As it is written, with its quotes."""
        return ast.get_source_segment(self.text, self.tree.body[0]) or ""

    @property
    def start(self) -> ast.stmt | None:
        """The `if __name__ == "__main__":` at the end of the module."""
        last = self.tree.body[-1]
        asks = isinstance(last, ast.If) and ast.unparse(last.test) == "__name__ == '__main__'"
        return last if asks else None

    def defined(self) -> set[str]:
        symbols = symtable.symtable(self.text, self.name, "exec").get_symbols()
        return {one.get_name() for one in symbols if one.is_assigned() and not one.is_imported()}

    def section(self) -> str:
        """A title and everything below the imports, without the start of the program."""
        title = self.docstring.strip('"').partition("\n")[0].rstrip(".")
        end = None if self.start is None else self.start.lineno - 1
        head = self.tree.body[len(self.imports)]
        body = "".join(self.text.splitlines(keepends=True)[head.end_lineno : end])
        return f"# --- {title} ".ljust(_WIDTH, "-") + f"\n{body.rstrip()}\n"

    def starting(self) -> str:
        return "" if self.start is None else f"{ast.get_source_segment(self.text, self.start)}\n"


def join(package: str, names: Sequence[str], root: Path = ROOT) -> str:
    """The text of the file that travels. Raises CannotJoin.

    `names` are modules of Sartoris by their full names, each after those it imports; `root` is
    where Python finds them. What the docstring of `package` says is the file's docstring.
    """
    first, *modules = [_read(root, name) for name in (f"{package}.__init__", *names)]
    _refuse_other_heads([first, *modules])
    _refuse_hidden_imports(modules)
    _refuse_clashes(modules)
    places = dict.fromkeys(name.rpartition(".")[0].replace(".", "/") for name in names)
    header = f"# Made from modules of {', '.join(places)}; changes belong there.\n"
    head = f"{header}{first.docstring}\n\n{_imports(modules)}\n{_NAMED}\n\n"
    starts = [text for text in (module.starting() for module in modules) if text]
    return head + "\n\n".join([*(module.section() for module in modules), *starts])


def _read(root: Path, name: str) -> _Module:
    text = (root / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")
    return _Module(name, text, ast.parse(text, feature_version=(3, 9)))


def _refuse_other_heads(modules: Iterable[_Module]) -> None:
    """What is below the imports is what is taken over, so nothing may stand between them."""
    for module in modules:
        if ast.get_docstring(module.tree) is None:
            raise CannotJoin(f"{module.name} has no docstring")
        if module.tree.body[1 : len(module.imports) + 1] != module.imports:
            raise CannotJoin(f"{module.name} has something else between its imports")


def _refuse_hidden_imports(modules: Iterable[_Module]) -> None:
    """Sartoris's own names are imported at the top, by name, from modules that come before."""
    known: set[str] = set()
    for module in modules:
        for node in _every_import(module):
            if any(alias.asname for alias in node.names):
                raise CannotJoin(f"{module.name} line {node.lineno}: import without `as`")
            if _is_own(node) and not (node in module.imports and _source(node) in known):
                rule = "import names, at the top, from a module before it in MODULES"
                raise CannotJoin(f"{module.name} line {node.lineno}: {rule}")
        known.add(module.full_name)


def _every_import(module: _Module) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node


def _is_own(node: ast.Import | ast.ImportFrom) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.level > 0 or (node.module or "").partition(".")[0] == "sartoris"
    return any(alias.name.partition(".")[0] == "sartoris" for alias in node.names)


def _source(node: ast.Import | ast.ImportFrom) -> str:
    """Which module the names come from; "" for other ways to import it."""
    return (node.module or "") if isinstance(node, ast.ImportFrom) and not node.level else ""


def _refuse_clashes(modules: Iterable[_Module]) -> None:
    """A name means one thing in the whole file."""
    meaning: dict[str, str] = {}
    for module in modules:
        for name in sorted(module.defined()):
            _give(meaning, name, f"is defined in {module.name}")
        for node in module.imports:
            if not _is_own(node):
                origin = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
                for alias in node.names:
                    bound = alias.name.partition(".")[0]
                    _give(meaning, bound, f"is {origin}{bound}")


def _give(meaning: dict[str, str], name: str, what: str) -> None:
    earlier = meaning.setdefault(name, what)
    if earlier != what:
        raise CannotJoin(f"{name} {earlier}, and also {what.removeprefix('is ')}")


def _imports(modules: Iterable[_Module]) -> str:
    """The standard imports of all modules, each once, in the order that ruff gives them."""
    plain = {"sys", "types"}
    named: dict[str, set[str]] = {}
    for node in (node for module in modules for node in module.imports if not _is_own(node)):
        if isinstance(node, ast.Import):
            plain.update(alias.name for alias in node.names)
        else:
            named.setdefault(node.module or "", set()).update(alias.name for alias in node.names)
    future = named.pop("__future__", set())
    lines = [_from("__future__", future), ""] if future else []
    lines += [f"import {name}" for name in sorted(plain)]
    lines += [_from(source, names) for source, names in sorted(named.items())]
    return "\n".join(lines) + "\n"


def _from(source: str, names: set[str]) -> str:
    ordered = sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    line = f"from {source} import {', '.join(ordered)}"
    if len(line) <= _WIDTH:
        return line
    return f"from {source} import (\n" + "".join(f"    {name},\n" for name in ordered) + ")"
