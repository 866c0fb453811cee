"""`git deploy doctor --host-keys`: first contact with many targets, in one answer."""

from __future__ import annotations

from contextlib import closing

from sartoris.cli.confirming import Asking
from sartoris.display import streams
from sartoris.errors import WrongUsage
from sartoris.formatting import plural
from sartoris.rollout.listed_targets import with_listed_targets
from sartoris.rollout.site import Site
from sartoris.transports.base import HasHostKeys
from sartoris.transports.configured import configured


def show_host_keys(site: Site, *, yes: bool) -> None:
    """Show the keys of targets that are not known yet, ask, and know them from then on.

    Raises `WrongUsage` where targets have no such keys, `NotConfirmed`.
    """
    with closing(
        configured(with_listed_targets(site), site.publish_path, (), make=False)
    ) as transport:
        if not isinstance(transport, HasHostKeys):
            raise WrongUsage(
                f"deploy.transport is {site.config.transport}: its targets have no host keys of ssh"
            )
        found, without = transport.new_host_keys()
        for key in found:
            streams.say(f"{key.target}  {key.fingerprint}")
        for target, why in without.items():
            streams.say(f"{target}  no key to show: {why}")
        if not found:
            streams.say("No target shows a host key that is not known.")
            return
        targets = {key.target for key in found}
        files = sorted({str(key.file) for key in found})
        question = f"Add the keys of {plural(len(targets), 'target')} to {', '.join(files)}?"
        Asking(("doctor", "--host-keys"), yes)(question)
        transport.trust(found)
        streams.say(f"{plural(len(found), 'key')} added.")
