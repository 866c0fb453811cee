"""What can be wrong between a deployment server and targets that it reaches by ssh."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from sartoris.config.values import Host
from sartoris.diagnostics import Answers, Check, Finding, ok, warning, wrong
from sartoris.formatting import plural
from sartoris.shell import command

if TYPE_CHECKING:
    from sartoris.transports.ssh import Way
    from sartoris.transports.ssh_connection import Login

_SECONDS = 60.0  # longer than a target that hangs is waited for
_CLOCK = 5.0  # seconds of difference that do no harm
_DESCRIPTORS = 3  # of a connection
_OWN_DESCRIPTORS = 50
_SHOWN = 8  # names, of many


class Ssh(Protocol):
    """What the transport answers."""

    def logins(self) -> Mapping[str, Login]: ...


def checks(ssh: Ssh, way: Way, hosts: Mapping[str, Host], answers: Answers) -> Sequence[Check]:
    """They change nothing, here or on a target."""

    def look() -> Iterator[Finding]:
        if shutil.which(way.program[0]) is None:
            text = f"{way.program[0]} is not installed on the deployment server"
            yield wrong("ssh", text, _install(way))
            return
        yield from _descriptors(len(hosts))
        yield from answers(tuple(hosts), _remedies(way, hosts))
        yield from _logins(ssh.logins())

    return [Check("targets", "ssh", look, _SECONDS)]


def _install(way: Way) -> str:
    if way.is_ssh:
        return "apt-get install openssh-client"
    return "git config deploy.ssh COMMAND   # what reaches the targets"


def _descriptors(targets: int) -> Iterator[Finding]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = _DESCRIPTORS * targets + _OWN_DESCRIPTORS
    if hard != resource.RLIM_INFINITY and hard < needed:
        text = (
            f"a process may have {hard} files open, and connections to {targets} targets need"
            f" {needed}"
        )
        yield wrong("open files", text, f"ulimit -Hn {needed}   # as root, or in limits.conf")


def _remedies(way: Way, hosts: Mapping[str, Host]) -> Mapping[str, Sequence[str]]:
    """What to type, by the word of an error."""
    some = next(iter(hosts.values()))
    port = ("-p", str(some.port)) if some.port else ()
    plain = command(*way.program, *port, some.address)
    login = [f"{plain}   # by hand, or another of them", f"ssh-copy-id {some.address}"]
    if way.user:
        rule = f"LOGIN ALL=({way.user}) NOPASSWD: ALL"
        login = [
            f"{plain} sudo -n -u {way.user} true   # by hand",
            f"visudo -f /etc/sudoers.d/sartoris   # on the target: {rule}",
        ]
    return {
        "host-key": ("git deploy doctor --host-keys   # shows them, and asks once",),
        "login-refused": login,
        "python-missing": ("apt-get install python3   # on the target",),
        "git-missing": ("apt-get install git   # on the target",),
        "unreachable": (f"{plain} true   # by hand, or another of them",),
    }


def _logins(logins: Mapping[str, Login]) -> Iterator[Finding]:
    if logins:
        versions = sorted({one.python for one in logins.values()})
        text = f"{plural(len(logins), 'target')} let ssh in, with Python {', '.join(versions)}"
        yield ok("logins", text)
    noisy = [name for name, one in logins.items() if one.said]
    if noisy:
        first = logins[noisy[0]].said.splitlines()[0]
        text = f"{_names(noisy)} say something at a login, which does no harm: {first}"
        yield ok("logins", text)
    for name, one in logins.items():
        if abs(one.clock) > _CLOCK:
            way = "ahead of" if one.clock > 0 else "behind"
            text = f"the clock of {name} is {abs(one.clock):.0f} s {way} this machine's"
            yield warning("clocks", text, "timedatectl   # on both")


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
