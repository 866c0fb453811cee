"""The execution module and the runner as files, which are made of other modules.

They are in a package that was built (`hatch_build.py`), and nowhere in a checkout: there they are
made when Salt asks for them, in the cache of the user that it runs as.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
from pathlib import Path

from sartoris import joining

_HERE = Path(__file__).parent


def texts() -> dict[str, str]:
    """The text of each file, by its name below this directory. Raises `CannotJoin`."""
    from sartoris.salt.module import joined as module
    from sartoris.salt.runner import joined as runner

    return {
        "_modules/git_deploy.py": module.joined(),
        "_runners/git_deploy.py": runner.joined(),
    }


def directory() -> Path:
    """Where `_modules` and `_runners` are; made now if they were not built. Raises OSError."""
    if (_HERE / "_modules" / "git_deploy.py").is_file():
        return _HERE
    made = _cache() / _version()
    if not made.is_dir():
        _make(made)
    return made


def _make(made: Path) -> None:
    """By one rename, so that nobody finds half of it."""
    made.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = made.with_name(f"{made.name}.{os.getpid()}")
    for name, text in texts().items():
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        (new / name).write_text(text)
    try:
        new.rename(made)
    except OSError:
        if not made.is_dir():
            raise
        shutil.rmtree(new)  # another process was faster


def _cache() -> Path:
    """A directory that only this user writes to: Salt runs what is in it, often as root.

    So not what the environment says, which may be that of who typed `sudo`.
    """
    return Path(pwd.getpwuid(os.geteuid()).pw_dir) / ".cache" / "sartoris" / "salt"


def _version() -> str:
    """A name for what the files are made of."""
    digest = hashlib.sha256(Path(joining.__file__).read_bytes())
    for part in ("agent", "salt"):
        for path in sorted((joining.ROOT / "sartoris" / part).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
