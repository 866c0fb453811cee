"""What a job may make this minion do beside its function.

Salt lets whoever may publish one function name returners and executors with it, and hands them what
the job says. Which of them there are is a matter of files, and of two settings of the minion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

# These do nothing but call the function, in the way that the minion's own configuration has.
_HARMLESS = {"direct_call", "sudo", "transactional_update"}


def returners(opts: Mapping[str, Any]) -> list[str]:
    """The returners that this minion has, by name, whether or not they would work."""
    return _kept(opts, "returners", "returner")


def executors(opts: Mapping[str, Any]) -> list[str]:
    return [name for name in _kept(opts, "executors", "executor") if name not in _HARMLESS]


def _kept(opts: Mapping[str, Any], kind: str, tag: str) -> list[str]:
    import salt.loader

    found = _names(salt.loader._module_dirs(opts, kind, tag))
    return sorted(found - {str(name) for name in opts.get(f"disable_{kind}") or ()})


def _names(directories: Iterable[str]) -> set[str]:
    files = [path for one in directories for path in Path(one).glob("*")]
    modules = {path.stem for path in files if path.suffix in (".py", ".pyc", ".so", ".pyx")}
    packages = {path.name for path in files if (path / "__init__.py").is_file()}
    return {name for name in modules | packages if not name.startswith("_")}
