"""What can be wrong between a deployment server and targets that it reaches by ssh."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from sartoris.config.targets import Host
from sartoris.diagnostics import Answers, Check, Finding, Remedy, ok, warning, wrong
from sartoris.formatting import plural
from sartoris.shell import command
from sartoris.transports import ssh_files
from sartoris.transports.ssh_certificates import expired
from sartoris.transports.ssh_many import key_exchange, through_jump_hosts
from sartoris.transports.ssh_settings import settings

if TYPE_CHECKING:
    from sartoris.transports.ssh import Way
    from sartoris.transports.ssh_connection import Login

_SECONDS = 60.0  # longer than a target that hangs is waited for
_CLOCK = 5.0  # seconds of difference that do no harm
_SHOWN = 8  # names, of many


class Ssh(Protocol):
    """What the transport answers."""

    def logins(self) -> Mapping[str, Login]: ...
    def hops(self) -> Mapping[str, str]: ...


def checks(ssh: Ssh, way: Way, hosts: Mapping[str, Host], answers: Answers) -> Sequence[Check]:
    """They change nothing, here or on a target."""

    def look() -> Iterator[Finding]:
        if shutil.which(way.program[0]) is None:
            text = f"{way.program[0]} is not installed on the deployment server"
            yield wrong("ssh", text, _install(way))
            return
        if too_few := ssh_files.lacking(len(hosts)):
            yield wrong("open files", too_few, ssh_files.remedy(len(hosts)))
            return
        yield from answers(tuple(hosts), _remedy(way, hosts))
        logins = ssh.logins()
        yield from _logins(logins)
        yield from through_jump_hosts(ssh.hops())
        if way.is_ssh:
            yield from key_exchange(way, hosts, logins)

    return [Check("targets", "ssh", look, _SECONDS)]


def _install(way: Way) -> str:
    if way.is_ssh:
        return "apt-get install openssh-client"
    return "git config deploy.ssh COMMAND   # what reaches the targets"


def _remedy(way: Way, hosts: Mapping[str, Host]) -> Remedy:
    """What to type, with the first of the targets that it is about."""

    def remedy(error: str, targets: Sequence[str]) -> Sequence[str]:
        host = hosts[targets[0]]
        by_hand = way.by_hand(host)
        port = ("-p", str(host.port)) if host.port else ()
        if error == "login-refused" and way.user:
            login = settings(way, host).get("user", "LOGIN")
            rule = f"{login} ALL=({way.user}) NOPASSWD: ALL"
            visudo = way.by_hand(host, "sudo", "visudo", "-f", "/etc/sudoers.d/sartoris")
            return (
                f"{by_hand} sudo -n -u {way.user} true   # by hand",
                f"{visudo}   # for sudo, the rule: {rule}",
                f"{command('ssh-copy-id', *port, host.address)}   # if it is ssh that is refused",
            )
        if error == "python-missing":
            return (way.by_hand(host, "sudo", "apt-get", "install", "-y", "python3"),)
        steps = {
            "host-key": (
                "git deploy doctor --host-keys   # shows new ones, and asks once",
                f"{by_hand} true   # by hand, for one that has changed",
            ),
            "login-refused": (
                *(expired(way, host) if way.is_ssh and error == "login-refused" else ()),
                f"{by_hand} true   # by hand",
                command("ssh-copy-id", *port, host.address),
            ),
            "unreachable": (f"{by_hand} true   # by hand",),
            "timeout": (f"{by_hand} true   # by hand",),
        }
        return steps.get(error, ())

    return remedy


def _logins(logins: Mapping[str, Login]) -> Iterator[Finding]:
    if logins:
        versions = sorted({one.python for one in logins.values()})
        text = f"{plural(len(logins), 'target')} let ssh in, with Python {', '.join(versions)}"
        yield ok("logins", text)
    noisy = [name for name, one in logins.items() if one.said]
    if noisy:
        first = logins[noisy[0]].said.splitlines()[0]
        says = "says" if len(noisy) == 1 else "say"
        text = f"{_names(noisy)} {says} something at a login, which does no harm: {first}"
        yield ok("logins", text)
    for name, one in logins.items():
        if abs(one.clock) > _CLOCK:
            way = "ahead of" if one.clock > 0 else "behind"
            text = f"the clock of {name} is {abs(one.clock):.0f} s {way} this machine's"
            yield warning("clocks", text, "timedatectl   # on both")


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
