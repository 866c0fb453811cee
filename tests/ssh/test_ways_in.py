"""How real ssh servers let somebody in: through others, with certificates, and as another user."""

from __future__ import annotations

import shutil

from tests.programs import need
from tests.ssh.conftest import Build, wait_until
from tests.ssh.servers import Servers


def test_through_two_hops_and_none_with_certificates_of_hosts(
    servers: Servers, build: Build
) -> None:
    """Nobody's key is known, but that of the authority which has signed them."""
    certificate = servers.certify_host()
    site = build(["web1", "web2", "web3"], f"HostCertificate {certificate}\n")
    hops = "".join(
        f"Host {name}\n  ProxyJump {hop}\n"
        for name, hop in (
            ("web1", "none"),
            ("web2", "web1"),
            ("web3", "web2"),
            ("web*", "nowhere.invalid"),
        )
    )
    servers.write_config(hops)
    authority = servers.authority.with_suffix(".pub").read_text()
    servers.known_hosts.write_text(f"@cert-authority * {authority}")
    before = servers.servers["web1"].logins()
    site.ok("start")
    site.ok("sync")
    assert servers.servers["web1"].logins() - before == 2 * 3  # each in a start and in a sync
    assert {site.live(name) for name in servers.servers} == {site.desired()}


def test_who_logs_in_becomes_another_user_by_sudo_and_is_gone_with_the_connection(
    servers: Servers, build: Build
) -> None:
    """What sudo wants of them is said."""
    need("sudo")
    site = build(["web1"], "AuthorizedKeysFile /etc/ssh/deployer_keys\n")
    web1 = servers.servers["web1"]
    etc = web1.own_etc()
    (etc / "ssh" / "deployer_keys").write_text(servers.key.with_suffix(".pub").read_text())
    for file, line in (
        ("passwd", "deployer:x:4321:65534::/srv:/bin/sh\n"),
        ("shadow", "deployer:*:19000:0:99999:7:::\n"),
    ):
        with (etc / file).open("a") as known:
            known.write(line)
    sudoers = etc / "sudoers"
    sudoers.write_text("root ALL=(ALL) ALL\n")
    (web1.srv / "site").mkdir()
    shutil.chown(web1.srv / "site", "www-data", "www-data")
    site.set("deploy.target", "deployer@web1")
    site.config("deploy.target-user", "www-data")
    assert "web1 cannot be reached: sudo asks for a password there" in site.ok("start").err
    rule = "Defaults use_pty\ndeployer ALL=(www-data) NOPASSWD: ALL\n"
    sudoers.write_text(f"Defaults requiretty\n{rule}")
    assert "sudo wants a terminal there (requiretty)" in site.deploy("sync").err
    sudoers.write_text(rule)
    site.ok("resync")
    assert (site.slot("web1") / "index.php").owner() == "www-data"
    site.preparing("touch /srv/site/began\nexec sleep 600")
    site.ok("start")
    with site.spawn("sync") as process:
        wait_until((web1.srv / "site" / "began").exists)
        assert site.agents()
        process.kill()
    wait_until(lambda: not site.agents())
