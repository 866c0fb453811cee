"""Announcement mails, through the site's own mail program (git-deploy's `deploy.mail-tool`)."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, formatdate, getaddresses

from sartoris.errors import SartorisError
from sartoris.formatting import shown, without_bytes

# Words that git-deploy takes for "send none".
_NOBODY = ("", "none", "silent")


class MailFailed(SartorisError):
    """The mail program did not take the mail. The rollout itself is not concerned."""


@dataclass(frozen=True)
class Mailer:
    """Hands mails to `tool`, a command line to which sender and receivers are added.

    `sender` and its `address` are git's user.name and user.email. `timeout` is in seconds.
    """

    tool: str
    sender: str
    address: str
    timeout: float = 60

    def send(self, to: str, subject: str, body: str) -> bool:
        """Send a mail to one or more addresses, separated by commas; whether one was to be sent.

        Raises `MailFailed`.
        """
        if is_nobody(to):
            return False
        receivers = getaddresses([_text(to)])
        if not all(address for _, address in receivers) or not _text(to).isprintable():
            raise MailFailed(f"no mail was sent: {to!r} is no list of addresses")
        try:
            message = self._message(receivers, subject, body)
        except (ValueError, LookupError) as error:  # what a header may not contain
            raise MailFailed(f"no mail was sent: {error}") from error
        self._hand_over(message, [address for _, address in receivers])
        return True

    def _message(self, receivers: list[tuple[str, str]], subject: str, body: str) -> bytes:
        message = EmailMessage(policy=SMTP.clone(linesep="\n"))
        message["From"] = formataddr((_text(self.sender), _text(self.address)))
        message["To"] = ", ".join(formataddr(receiver) for receiver in receivers)
        message["Subject"] = " ".join(_text(subject).split())
        message["Date"] = formatdate(localtime=True)
        message.set_content(_text(body))
        return message.as_bytes()

    def _hand_over(self, message: bytes, receivers: list[str]) -> None:
        # Into a file: something that the program leaves running may keep a pipe open.
        with tempfile.TemporaryFile() as said:
            try:
                command = [*shlex.split(self.tool), self.address, *receivers]
                done = subprocess.run(
                    command,
                    input=message,
                    stdout=subprocess.DEVNULL,
                    stderr=said,
                    timeout=self.timeout,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise MailFailed(
                    f"{self.tool} took longer than {self.timeout:g} seconds to send a mail,"
                    " and was stopped"
                ) from error
            except (OSError, ValueError) as error:
                raise MailFailed(f"no mail was sent: {self.tool}: {error}") from error
            if done.returncode:
                said.seek(0)
                text = said.read(4096).decode(errors="replace").strip()
                raise MailFailed(f"no mail was sent: {command[0]} {_end(done.returncode)}: {text}")


def is_nobody(to: str) -> bool:
    """Whether that is how git-deploy's users ask for no mail."""
    return to.strip().lower() in _NOBODY


def _end(code: int) -> str:
    return f"exited with {code}" if code >= 0 else f"was killed by signal {-code}"


def _text(text: str) -> str:
    """With question marks for bytes that are no text, such as a name in another encoding.

    What a terminal would obey is escaped: it is where many people read their mail.
    """
    return shown(without_bytes(text))
