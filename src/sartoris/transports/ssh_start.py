"""How an agent is started at the other end of two pipes, with nothing of it there before.

What is reached is a POSIX shell that reads its standard input. It is sent one command, which starts
the first Python that there is; that one says a mark, which nobody else can have said, and only then
is sent the agent. So what a login says first does no harm: banners, `.bashrc`, a message of the
day. And a shell that reads more of its input than its first command finds nothing there.
"""

from __future__ import annotations

import json
import marshal
import os
import secrets
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.util import MAGIC_NUMBER
from pathlib import Path

from sartoris import agent, atomic

OLDEST_PYTHON = (3, 9)
_PYTHONS = ("python3", *(f"python3.{minor}" for minor in range(14, OLDEST_PYTHON[1] - 1, -1)))

# For any Python 3. What it reads then is one letter (m: compiled, for its own kind of Python; s:
# source), a length of four bytes, and so many bytes.
_BOOT = """
import os, shutil, sys
def say(word, more):
    os.write(1, ("\\n%s %s %s\\n" % (os.environ["SARTORIS_MARK"], word, more)).encode())
version = "%d.%d.%d" % sys.version_info[:3]
if sys.version_info < OLDEST:
    for name in NEWER:
        python = shutil.which(name)
        if python:
            start = "import os; exec(os.environ[%r])" % "SARTORIS_BOOT"
            os.execv(python, [python, "-I", "-S", "-c", start])
    say("python-missing", version)
    sys.exit(0)
import _frozen_importlib_external, time, zlib
say("ready", "%s %s %.3f" % (_frozen_importlib_external.MAGIC_NUMBER.hex(), version, time.time()))
for name in "SARTORIS_MARK", "SARTORIS_BOOT":
    del os.environ[name]
def read(size):
    parts = []
    while size:
        part = os.read(0, min(size, 1 << 20))
        if not part:
            sys.exit(1)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
head = read(5)
agent = zlib.decompress(read(int.from_bytes(head[1:], "big")))
if head[:1] == b"m":
    import marshal
    agent = marshal.loads(agent)
sys.argv[1:] = ["--serve", "--connected"]
exec(agent, {"__name__": "__main__", "__file__": "agent"})
"""
_START = 'import os; exec(os.environ["SARTORIS_BOOT"])'


def new_mark() -> str:
    """What an agent's first line begins with; nobody can have said it before."""
    return f"sartoris-{secrets.token_hex(16)}"


def command(mark: str) -> bytes:
    """What the shell at the other end is sent: one line of its input, as shells see it."""
    boot = (
        _BOOT.strip()
        .replace("OLDEST", repr(OLDEST_PYTHON))
        .replace("NEWER", json.dumps(_PYTHONS[1:]))
    )
    names = " ".join(_PYTHONS)
    return (
        f"SARTORIS_MARK={mark} SARTORIS_BOOT='{boot}'; export SARTORIS_MARK SARTORIS_BOOT; "
        f'for p in {names}; do command -v "$p" >/dev/null 2>&1 && '
        f"exec \"$p\" -I -S -c '{_START}'; done; "
        f'printf "\\n%s python-missing none\\n" "$SARTORIS_MARK"; exit 0\n'
    ).encode("ascii")


@dataclass(frozen=True)
class Greeting:
    """What an agent's Python said of itself. `word` is `ready`, or the error that it is; `clock` is
    its time, in seconds since the epoch.
    """

    word: str
    magic: str
    version: str
    clock: float = 0.0

    @classmethod
    def of(cls, line: bytes) -> Greeting:
        """What stands behind the mark."""
        words = line.decode("ascii", "replace").split()
        if len(words) == 4 and words[0] == "ready":
            with suppress(ValueError):
                return cls("ready", words[1], words[2], float(words[3]))
        return cls("python-missing", "", words[1] if len(words) == 2 else "none")


def agent_for(greeting: Greeting) -> bytes:
    """The agent, as that Python is sent it."""
    same = greeting.magic == MAGIC_NUMBER.hex()
    kind, content = (b"m", _compiled()) if same else (b"s", _source())
    return kind + len(content).to_bytes(4, "big") + content


@cache
def _source() -> bytes:
    from sartoris.agent.joined import source

    return _kept("source", source)


@cache
def _compiled() -> bytes:
    """For Pythons of this one's kind, which so need not compile it: that takes longer than all
    else that they do to start.
    """
    from sartoris.agent.joined import source

    def compiled() -> bytes:
        return marshal.dumps(compile(source(), "agent", "exec", optimize=2, dont_inherit=True))

    return _kept("compiled", compiled)


def _kept(name: str, make: Callable[[], bytes]) -> bytes:
    """What `make` makes, compressed; kept for the next command, as Python keeps what it compiles.

    The directory is the user's own, and so is what is in it.
    """
    kept = _cache_directory() / f"agent-{_fingerprint()}-{name}"
    with suppress(OSError, zlib.error):  # nobody is sent what a bad disk made of it
        content = kept.read_bytes()
        zlib.decompress(content)
        return content
    content = zlib.compress(make())
    with suppress(OSError):
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for older in kept.parent.glob(f"agent-*-{name}"):
            older.unlink(missing_ok=True)
        atomic.write_bytes(kept, content)
    return content


def _cache_directory() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "sartoris")


def _fingerprint() -> str:
    """Of this Python, and of the modules that the agent is made of."""
    facts = [sys.version]
    for module in sorted(Path(agent.__file__).parent.glob("*.py")):
        found = module.stat()
        facts.append(f"{module} {found.st_size} {found.st_mtime_ns}")
    return sha256("\n".join(facts).encode()).hexdigest()[:32]
