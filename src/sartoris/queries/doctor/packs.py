"""Whether packs can be had where targets are told to get them."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from sartoris.diagnostics import Finding, ok, warning
from sartoris.releases.packs import Packs
from sartoris.rollout.site import Site
from sartoris.shell import command
from sartoris.transports.source import FetchedFrom

_PATIENCE = 5.0  # seconds
_ELSE = "targets that get no pack ask git, each for itself"


def pack_url(site: Site) -> Iterator[Finding]:
    """One that is configured. Where it is beside deploy.url, that is looked at.

    Only a warning: there is another way for targets, and they may reach what this machine does not.
    """
    source = site.source
    if not site.config.pack_url or not isinstance(source, FetchedFrom):
        return
    directory = Packs(site.publish_path).directory
    for base in source.pack_urls:
        newest = _newest(directory)
        url = f"{base.rstrip('/')}/{newest}"
        said, step = _ask(url), command("curl", "-I", url)
        if not said.startswith("HTTP"):
            text = f"{base} does not answer this machine: {said}; {_ELSE}"
            yield warning("pack-url", text, step)
        elif newest and said != "HTTP status 200":
            text = f"{base} does not have the newest pack ({said}): is it {directory}? {_ELSE}"
            yield warning("pack-url", text, step)
        else:
            yield ok("pack-url", f"{base} answers this machine")


def _newest(directory: Path) -> str:
    """The name of the newest pack; "" while there is none."""
    found = sorted(directory.glob("*.pack"), key=lambda one: one.stat().st_mtime)
    return found[-1].name if found else ""


def _ask(url: str) -> str:
    """`HTTP status N`, or why there is no answer."""
    request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "sartoris"})
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            return f"HTTP status {answer.status}"
    except urllib.error.HTTPError as error:
        error.close()
        return f"HTTP status {error.code}"
    except TimeoutError:
        return f"nothing came within {_PATIENCE:g} s"
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        return str(getattr(reason, "strerror", "") or reason)
