"""What ssh, a login or sudo said, in our words: the same for all targets with the same trouble."""

from __future__ import annotations

import re

_SAID = 4096  # characters that are kept of it
_BY_SSH = 255  # its exit code, where it failed itself


class NoConnection(Exception):
    """There is no agent to talk to. `error` is a word for the outcome, `output` what was said.

    `again`: whether it may well work in a moment.
    """

    def __init__(self, error: str, message: str, output: str = "", *, again: bool = False) -> None:
        super().__init__(message)
        self.error, self.message, self.output, self.again = error, message, output, again


# In this order: what ssh says first is why it says the rest.
_CAUSES = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|host key for .* has changed",
        "host-key",
        "its host key is not the one that ssh knows: another machine, or one that was set up anew",
    ),
    (r"REVOKED HOST KEY|host key .* revoked", "host-key", "its host key is revoked"),
    (
        r"Host key verification failed|No .* host key is known",
        "host-key",
        "ssh does not know its host key",
    ),
    (
        r"sudo: .*password is required|sudo: a terminal is required|sudo: no password was provided",
        "login-refused",
        "sudo asks for a password there",
    ),
    (
        r"must have a tty to run sudo",
        "login-refused",
        "sudo wants a terminal there (requiretty)",
    ),
    (
        r"not in the sudoers file|may not run sudo|is not allowed to (?:execute|run)|unknown user",
        "login-refused",
        "sudo does not let the user who logs in become deploy.target-user there",
    ),
    (r"sudo: (?:command )?not found", "login-refused", "sudo is not installed there"),
    (
        r"Permission denied \(|Too many authentication failures|No more authentication methods",
        "login-refused",
        "it does not let ssh in with the keys that there are",
    ),
    (
        r"This account is currently not available|account is (?:locked|expired)|nologin",
        "login-refused",
        "the account has no shell there",
    ),
    (r"Could not resolve hostname", "unreachable", "ssh cannot find an address for its name"),
    (r"Connection refused", "unreachable", "the connection was refused"),
    (r"No route to host", "unreachable", "there is no route to it"),
    (r"Network is unreachable", "unreachable", "there is no network on which to reach it"),
    (
        r"timed out|Timeout, server .* not responding|Operation timed out",
        "unreachable",
        "it did not answer in time",
    ),
    (r"Bad configuration option|terminating, .* bad configuration", "unreachable", ""),
    (
        r"ex(?:change)?_identification|Connection (?:closed|reset)|Broken pipe|send disconnect",
        "unreachable",
        "the connection was closed from there",
    ),
)

# What servers and resolvers do with too many at once, and will not do in a moment.
_AGAIN = re.compile(
    r"kex_exchange_identification: (?:Connection (?:closed|reset)|read: Connection reset)"
    r"|ssh_exchange_identification|banner exchange: .*(?:closed|reset|invalid format)"
    r"|Temporary failure in name resolution|Resource temporarily unavailable"
    r"|Connection (?:closed|reset) by (?!.*\[preauth\])"
)


def lost(code: int | None, said: str) -> NoConnection:
    """A connection on which there was an agent. `code` is None where it was ended from here."""
    if code is None or code < 0:
        message = "the connection was lost, and what is live there is not known"
        return NoConnection("unreachable", message, _last(said))
    if code == _BY_SSH:
        words = ended(code, said, "").message
        return NoConnection("unreachable", f"the connection was lost: {words}", _last(said))
    message = f"the agent ended with exit code {code} in the middle of the order"
    return NoConnection("killed", message, _last(said))


def ended(code: int | None, said: str, before_login: str) -> NoConnection:
    """A connection on which there is no agent yet.

    `said` is what came on standard error, `before_login` what came before an agent could speak.
    """
    output = _last(said, before_login)
    for pattern, error, message in _CAUSES:
        found = re.search(pattern, said) or re.search(pattern, before_login)
        if found:
            again = error == "unreachable" and bool(_AGAIN.search(said))
            return NoConnection(error, message or _line_with(found, said), output, again=again)
    if code == _BY_SSH:
        words = _last_line(said) or "ssh said nothing"
        return NoConnection("unreachable", f"ssh failed: {words}", output)
    if code is not None and code < 0:
        return NoConnection("unreachable", f"ssh was ended by signal {-code}", output)
    words = _last_line(said) or _last_line(before_login) or "without a word"
    message = f"the login ended with exit code {code} where the agent should have begun: {words}"
    return NoConnection("unreachable", message, output)


def _line_with(found: re.Match[str], said: str) -> str:
    start = said.rfind("\n", 0, found.start()) + 1
    return f"ssh failed: {said[start:].partition(chr(10))[0].strip()}"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _last(*texts: str) -> str:
    return "\n".join(filter(None, (text.strip() for text in texts)))[-_SAID:]
