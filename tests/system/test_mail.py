"""Announcements by mail: real ones, taken by a program like sendmail and received by SMTP."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sartoris.config.keys import ACTIONS
from sartoris.integrations import mail as mailing
from tests.system.mailbox import Mailbox, serving
from tests.system.site import Site


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with serving() as mailbox:
        yield mailbox


@pytest.fixture
def mailed(plain: Site, mailbox: Mailbox) -> Site:
    """A site by hand that may make tags and knows where mails go; none is asked for yet."""
    return announcing(plain, mailbox)


def announcing(site: Site, mailbox: Mailbox) -> Site:
    site.config("deploy.mail-tool", mailbox.tool)
    site.config("deploy.announce-mail", "announce@example.org")
    site.config("deploy.can-make-tags", "true")
    return site


def change(site: Site, text: str = "version 2\n", message: str = "a change") -> None:
    site.commit({"index.php": text}, message)
    site.push()


def to_the_tag(site: Site, text: str = "version 2\n") -> None:
    site.ok("start")
    change(site, text)
    site.ok("sync")


class TestAMail:
    @pytest.fixture
    def sent(self, mailed: Site) -> Site:
        mailed.config("deploy.send-mail-on-sync", "true")
        mailed.ok("start")
        mailed.commit({"index.php": "version 2\n"}, "fix the login")
        mailed.git("config", "user.name", "Ann Other")
        mailed.commit({"lib/b.php": "b\n"}, "add a page")
        mailed.git("config", "--unset", "user.name")
        mailed.push()
        mailed.ok("sync", "-m", "the Friday train")
        return mailed

    def test_it_is_from_the_deployer_to_the_site(self, sent: Site, mailbox: Mailbox) -> None:
        (mail,) = mailbox.mails
        del sent
        assert mail.sender == "deployer@example.org"
        assert mail.receivers == ("announce@example.org",)
        assert mail.message["From"] == "Some Deployer <deployer@example.org>"
        assert mail.message["To"] == "announce@example.org"
        assert mail.message["Date"].datetime.timestamp() == pytest.approx(time.time(), abs=120)

    def test_its_subject_says_what_and_where_to(self, sent: Site, mailbox: Mailbox) -> None:
        (mail,) = mailbox.mails
        assert "slot0" in mail.subject
        assert sent.tags()[-1] in mail.subject

    def test_it_has_the_commits_by_author(self, sent: Site, mailbox: Mailbox) -> None:
        body = mailbox.mails[0].body
        log = sent.git("log", "--format=%h", "-2").split()
        assert f"Ann Other (1):\n      {log[0]} add a page\n" in body
        assert f"Some Deployer (1):\n      {log[1]} fix the login\n" in body

    def test_it_has_the_files_that_changed(self, sent: Site, mailbox: Mailbox) -> None:
        body = mailbox.mails[0].body
        del sent
        assert " index.php | 2 +-" in body
        assert " lib/b.php | 1 +" in body
        assert "2 files changed" in body

    def test_it_has_the_deploy_file(self, sent: Site, mailbox: Mailbox) -> None:
        assert (sent.repo / ".deploy").read_text().rstrip("\n") in mailbox.mails[0].body


class TestWhichActions:
    """One setting at a time, while everything that a deployer does is done once."""

    def by_hand(self, site: Site) -> None:
        to_the_tag(site)
        site.ok("finish")
        site.ok("start")
        change(site, "version 3\n")
        site.ok("manual-sync")
        site.ok("finish")
        site.ok("revert", "2")
        site.ok("abort")
        site.ok("start")
        site.ok("release")
        site.ok("tag")
        site.ok("hotfix")
        site.commit({"index.php": "fixed\n"})
        site.ok("push-hotfix")
        site.ok("abort")

    def to_a_fleet(self, site: Site) -> None:
        site.ok("start")
        site.break_target("web1")
        assert site.deploy("sync").code == 71
        site.mend_target("web1")
        site.ok("resync")
        site.target("web1").rename(site.root / "away")
        site.target("web1").mkdir()
        site.ok("converge")
        old = site.desired()
        site.rollout({"index.php": "version 2\n"})
        site.ok("revert", old)

    @pytest.mark.parametrize(
        ("action", "count"),
        [
            ("start", 3), ("sync", 1), ("finish", 3), ("manual-sync", 1), ("revert", 1),
            ("abort", 2), ("release", 1), ("tag", 1), ("hotfix", 1), ("push-hotfix", 1),
        ],
    )  # fmt: skip
    def test_of_a_site_by_hand(
        self, mailed: Site, mailbox: Mailbox, action: str, count: int
    ) -> None:
        mailed.config(f"deploy.send-mail-on-{action}", "true")
        self.by_hand(mailed)
        assert len(mailbox.mails) == count, mailbox.subjects

    @pytest.mark.parametrize(
        ("action", "count"), [("sync", 2), ("resync", 1), ("converge", 1), ("revert", 1)]
    )
    def test_of_a_site_with_a_fleet(
        self, site: Site, mailbox: Mailbox, action: str, count: int
    ) -> None:
        announcing(site, mailbox).config(f"deploy.send-mail-on-{action}", "true")
        self.to_a_fleet(site)
        assert len(mailbox.mails) == count, mailbox.subjects

    def test_of_a_site_that_asks_for_none(self, mailed: Site, mailbox: Mailbox) -> None:
        for action in ACTIONS:
            mailed.config(f"deploy.send-mail-on-{action}", "false")
        self.by_hand(mailed)
        assert mailbox.mails == []

    def test_of_a_sync_hook(self, mailed: Site, mailbox: Mailbox) -> None:
        mailed.config("deploy.send-mail-on-sync", "true")
        mailed.sync_hook("exit 0")
        to_the_tag(mailed)
        mailed.sync_hook("exit 3")
        mailed.ok("start")
        change(mailed, "version 3\n")
        assert mailed.deploy("sync").code == 71
        good, bad = mailbox.mails
        assert "NOT COMPLETE" not in good.subject
        assert "NOT COMPLETE" in bad.subject
        assert "exited with 3" in bad.body

    def test_every_mail_says_what_it_is_about(self, mailed: Site, mailbox: Mailbox) -> None:
        for action in ACTIONS:
            mailed.config(f"deploy.send-mail-on-{action}", "true")
        self.by_hand(mailed)
        assert all("slot0" in subject for subject in mailbox.subjects)
        assert len(set(mailbox.subjects[:3])) == 3
        shown = "\n".join(mailbox.subjects)
        for word in ("started", "by hand", "finished", "revert", "aborted", "released", "hotfix"):
            assert word in shown

    def test_a_rehearsal_sends_none(self, site: Site, mailbox: Mailbox) -> None:
        announcing(site, mailbox).config("deploy.send-mail-on-sync", "true")
        site.ok("start")
        site.ok("sync", "--dry-run")
        assert mailbox.mails == []


class TestToWhom:
    @pytest.fixture
    def asked(self, mailed: Site) -> Site:
        mailed.config("deploy.send-mail-on-start", "true")
        return mailed

    def test_to_several(self, asked: Site, mailbox: Mailbox) -> None:
        asked.set("deploy.announce-mail", "ops@example.org, Dev People <dev@example.org>")
        asked.ok("start")
        (mail,) = mailbox.mails
        assert mail.receivers == ("ops@example.org", "dev@example.org")
        assert mail.message["To"] == "ops@example.org, Dev People <dev@example.org>"

    @pytest.mark.parametrize("before", [True, False])
    def test_to_whom_is_typed(self, asked: Site, mailbox: Mailbox, before: bool) -> None:
        option = ["--to-mail", "me@example.org"]
        asked.ok(*(option if before else []), "start", *([] if before else option))
        assert mailbox.mails[0].receivers == ("me@example.org",)

    def test_to_whom_the_environment_says(
        self, asked: Site, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LIVE_EMAIL_ADDR", "live@example.org")
        asked.ok("start")
        assert mailbox.mails[0].receivers == ("live@example.org",)
        asked.ok("abort")
        asked.ok("--to-mail", "me@example.org", "start")
        assert mailbox.mails[1].receivers == ("me@example.org",)

    @pytest.mark.parametrize("nobody", ["none", "silent"])
    def test_to_nobody(self, asked: Site, mailbox: Mailbox, nobody: str) -> None:
        asked.ok("--to-mail", nobody, "start")
        asked.ok("abort")
        asked.set("deploy.announce-mail", nobody)
        asked.ok("start")
        assert mailbox.mails == []

    def test_to_nobody_without_an_address(self, asked: Site, mailbox: Mailbox) -> None:
        asked.git("config", "--unset", "deploy.announce-mail")
        ran = asked.ok("start")
        assert mailbox.mails == []
        assert "mail" not in ran.err


class TestNames:
    @pytest.fixture
    def asked(self, mailed: Site) -> Site:
        mailed.config("deploy.send-mail-on-sync", "true")
        return mailed

    def test_in_any_script(self, asked: Site, mailbox: Mailbox) -> None:
        asked.git("config", "user.name", "Zo\u00eb \u5f20 \U0001f680")
        asked.ok("start")
        change(asked, message="Gr\u00fc\u00dfe")
        asked.ok("sync", "-m", "\u00c4nderung")
        (mail,) = mailbox.mails
        assert mail.message["From"].addresses[0].display_name == "Zo\u00eb \u5f20 \U0001f680"
        assert "Gr\u00fc\u00dfe" in mail.body
        assert "\u00c4nderung" in mail.body

    def test_in_an_encoding_of_yesterday(self, asked: Site, mailbox: Mailbox) -> None:
        latin = os.fsdecode(b"J\xf6rg")
        asked.git("config", "user.name", latin)
        asked.git("config", "i18n.commitEncoding", "latin1")
        asked.ok("start")
        change(asked, message=os.fsdecode(b"Gr\xfc\xdfe"))
        asked.commit({os.fsdecode(b"caf\xe9.php"): "c\n"})
        asked.push()
        asked.ok("sync", "-m", latin)
        (mail,) = mailbox.mails
        assert mail.message["From"].addresses[0].display_name == "J\ufffdrg"
        assert "J\u00f6rg (2)" in mail.body
        assert "Gr\u00fc\u00dfe" in mail.body

    def test_with_everything_that_a_header_has_a_meaning_for(
        self, asked: Site, mailbox: Mailbox
    ) -> None:
        name = 'Doe, J. (Ops) "x": <y> \\'
        asked.git("config", "user.name", name)
        to_the_tag(asked)
        (mail,) = mailbox.mails
        (sender,) = mail.message["From"].addresses
        assert sender.addr_spec == "deployer@example.org"
        assert "Doe, J. (Ops)" in sender.display_name

    def test_a_long_line_arrives_whole(self, asked: Site, mailbox: Mailbox) -> None:
        asked.ok("start")
        change(asked, message="x" * 5000)
        asked.ok("sync")
        assert "x" * 5000 in mailbox.mails[0].body


class TestTrouble:
    """A mail that is not sent is a warning, and the rollout goes on."""

    @pytest.fixture
    def asked(self, mailed: Site) -> Site:
        for action in ("start", "sync", "finish"):
            mailed.config(f"deploy.send-mail-on-{action}", "true")
        return mailed

    @pytest.fixture
    def program(self, asked: Site) -> Callable[[str], Path]:
        def make(script: str) -> Path:
            path = asked.root / "mailer"
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)
            asked.set("deploy.mail-tool", f"{path} -f")
            return path

        return make

    def whole(self, site: Site) -> list[str]:
        """What a whole rollout says on standard error."""
        said = [site.ok("start").err]
        change(site)
        said += [site.ok("sync").err, site.ok("finish").err]
        assert site.status()["status"] == "none"
        return said

    def test_a_program_that_is_not_installed(self, asked: Site) -> None:
        asked.set("deploy.mail-tool", "/nowhere/sendmail -f")
        for said in self.whole(asked):
            assert "note: no mail was sent: /nowhere/sendmail -f: " in said

    def test_a_program_that_fails(self, asked: Site, program: Callable[[str], Path]) -> None:
        path = program("echo the queue is full >&2; exit 75")
        for said in self.whole(asked):
            assert f"note: no mail was sent: {path} exited with 75: the queue is full" in said

    def test_a_program_that_hangs(
        self, asked: Site, program: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = program("exec sleep 600")
        monkeypatch.setattr(mailing, "Mailer", functools.partial(mailing.Mailer, timeout=0.2))
        for said in self.whole(asked):
            assert f"note: {path} -f took longer than 0.2 seconds" in said

    def test_a_server_that_refuses(self, asked: Site, mailbox: Mailbox) -> None:
        mailbox.refusal = "554 we take no mail from you"
        for said in self.whole(asked):
            assert "we take no mail from you" in said
        assert mailbox.mails == []

    def test_a_server_that_is_down(self, asked: Site) -> None:
        asked.set("deploy.mail-tool", "msmtp --host=127.0.0.1 --port=1 --auto-from=off -f")
        for said in self.whole(asked):
            assert "no mail was sent: msmtp exited with" in said

    @pytest.mark.parametrize("to", ["<", "a@b\nBcc: c@d", "\udcff"])
    def test_an_address_that_is_none(self, asked: Site, mailbox: Mailbox, to: str) -> None:
        ran = asked.ok("--to-mail", to, "start")
        assert "no mail was sent" in ran.err
        assert mailbox.mails == []

    def test_it_is_in_the_log(self, asked: Site) -> None:
        asked.set("deploy.mail-tool", "/nowhere/sendmail -f")
        logs = asked.root / "logs"
        logs.mkdir()
        asked.config("deploy.log-directory", str(logs))
        asked.ok("start")
        assert "WARN: no mail was sent" in (logs / "git-deploy.log").read_text()
