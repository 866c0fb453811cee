"""Being another user, in a process that has no way back."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
from collections.abc import Mapping
from typing import NamedTuple, Optional

from sartoris.agent.errors import Failure
from sartoris.agent.programs import GIT_VARIABLES_KEPT, UMASK

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_KEPT = ("GIT_", "HTTPS_PROXY", "HTTP_PROXY", "LANG", "LC_", "NO_PROXY", "PATH", "TZ")


class Account(NamedTuple):
    """A user of this machine. `groups` are all of them."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str
    shell: str

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """What programs of this user get: root's own variables are not for them."""
        kept = {
            name: value
            for name, value in inherited.items()
            if name.upper().startswith(_KEPT)
            and (not name.startswith("GIT_") or name.startswith(GIT_VARIABLES_KEPT))
        }
        names = {"USER": self.name, "LOGNAME": self.name, "HOME": self.home, "SHELL": self.shell}
        return {"PATH": os.defpath, **kept, **names}

    def become(self, parent: int) -> None:
        """Turn this process, which is root's, into one of this user's for good. Raises Failure.

        From its first moment as the user's, no other process of the user can look into it or take
        what it has open: the kernel sees to it at the change (fs.suid_dumpable), and so do we. What
        the release runs is of the same user, and must not get at a fork's copy of root's memory,
        nor speak for us to `parent`, with which this process dies.
        """
        control = ctypes.CDLL(None).prctl  # looked up before there is any hurry
        try:
            os.umask(UMASK)
            os.setgroups(self.groups)
            os.setresgid(self.gid, self.gid, self.gid)
            os.setresuid(self.uid, self.uid, self.uid)
            # The kernel forgets both at each change of the user.
            control(_PR_SET_DUMPABLE, 0, 0, 0, 0)
            control(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise Failure("permission", f"the agent cannot become {self.name}: {why}") from error
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        _verify_dropped(self)
        environment = self.environment(os.environ)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir("/")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)


def _verify_dropped(account: Account) -> None:
    """Capabilities outlive root where the machine is set up so; then they would give root back."""
    try:
        os.setuid(0)
    except OSError:
        if os.getresuid() == (account.uid,) * 3 and os.getresgid() == (account.gid,) * 3:
            return
    raise Failure("permission", f"the agent can become {account.name}, but could become root again")


def account_of(name: str) -> Optional[Account]:
    try:
        found = pwd.getpwnam(name)
    except (KeyError, ValueError):  # ValueError: no user's name has a null byte
        return None
    groups = os.getgrouplist(found.pw_name, found.pw_gid)
    return Account(
        name=found.pw_name,
        uid=found.pw_uid,
        gid=found.pw_gid,
        groups=tuple(groups),
        home=found.pw_dir,
        shell=found.pw_shell,
    )
