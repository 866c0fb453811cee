"""Sends the mails that a site has asked for (`deploy.send-mail-on-ACTION`)."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sartoris.errors import SartorisError
from sartoris.events import Event, EventStream, MailOffered
from sartoris.git.command import Git
from sartoris.integrations import mail

# Whatever the encoding in which the site writes its commits.
_UTF8 = "i18n.logOutputEncoding=UTF-8"


class Mails:
    """A listener. In `events`, a mail that was sent is a note, and one that cannot be is a warning.

    `topics` are the actions that ask for one, `to` is who gets it, `tool` the program that sends
    it. `person` tells who is at work, `NAME <ADDRESS>`; `git` has the commits.
    """

    def __init__(
        self,
        *,
        topics: Collection[str],
        to: str,
        tool: str,
        person: Callable[[], str],
        git: Git,
        events: EventStream,
    ) -> None:
        self._topics = topics
        self._to = to
        self._tool = tool
        self._person = person
        self._git = git
        self._events = events

    def __call__(self, event: Event) -> None:
        if not isinstance(event, MailOffered):
            return
        if event.to and mail.is_nobody(self._to):
            return  # this command is to send none
        if not event.to and event.topic not in self._topics:
            return
        try:
            self._send(event)
        except SartorisError as error:
            self._events.warn(error.message)

    def _send(self, event: MailOffered) -> None:
        name, _, address = self._person().rpartition(" ")
        mailer = mail.Mailer(self._tool, name, address.strip("<>"))
        body = f"{event.text}{self._what_ships(event.commits)}\n{event.deploy_text}"
        to = event.to or self._to
        if mailer.send(to, event.subject, body):
            self._events.note(f"mail sent to {to}")

    def _what_ships(self, commits: str) -> str:
        """The commits by author and the files that changed; "" for a mail that is not about any."""
        if not commits:
            return ""
        shortlog = self._git.text("-c", _UTF8, "shortlog", "--format=%h %s", commits)
        files = self._git.text("diff", "--stat", commits)
        return f"Commits by author ({commits}):\n{shortlog}\n\nFiles:\n{files}\n"
