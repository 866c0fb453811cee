"""Real Varnishes in front of a real web server, which serves what is live on a target."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.programs import need

_STARTS_WITHIN = 60.0  # seconds: it has a C compiler make its program first


class Backend(http.server.ThreadingHTTPServer):
    """Serves the files below `top`, to be cached for an hour, and names the release they are of."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Pages)
        self.top = Path("/nonexistent")


class _Pages(http.server.BaseHTTPRequestHandler):
    server: Backend

    def do_GET(self) -> None:
        page = self.server.top / self.path.partition("?")[0].lstrip("/")
        text = page.read_bytes() if page.is_file() else b"nothing"
        self.send_response(200)
        self.send_header("Cache-Control", "max-age=3600")
        self.send_header("X-Release", self.server.top.resolve().name)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called
        """Say nothing."""


@dataclass(frozen=True)
class Cache:
    """A running varnishd. `address` is that of its management interface."""

    address: str
    port: int
    secret: Path
    backend: Backend = field(repr=False)

    def get(self, page: str = "index.php") -> str:
        """The page, as a visitor of the site gets it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", f"/{page}")
            return connection.getresponse().read().decode()

    def bans(self) -> str:
        return self.admin("ban.list")

    def ban_times(self) -> set[str]:
        """By which bans are told apart. Old ones go by themselves."""
        return {line.split()[0] for line in self.bans().splitlines()[1:] if line.strip()}

    def admin(self, *command: str) -> str:
        program = [need("varnishadm"), "-T", self.address, "-S", str(self.secret), *command]
        return subprocess.run(program, capture_output=True, check=True, text=True).stdout


def free_port(host: str = "127.0.0.1") -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as one:
        one.bind((host, 0))
        port: int = one.getsockname()[1]
        return port


@contextlib.contextmanager
def serving() -> Iterator[Backend]:
    with Backend() as backend:
        threading.Thread(target=backend.serve_forever, daemon=True).start()
        try:
            yield backend
        finally:
            backend.shutdown()


@contextlib.contextmanager
def cache(directory: Path, backend: Backend, host: str = "127.0.0.1") -> Iterator[Cache]:
    """A Varnish that has `directory` for itself, and is commanded at `host`."""
    program = need("varnishd")
    directory.mkdir(parents=True)
    secret = directory / "secret"
    secret.write_bytes(os.urandom(16) + b"\n")
    port, admin = free_port(), free_port(host)
    address = f"[{host}]:{admin}" if ":" in host else f"{host}:{admin}"
    command = [program, "-F", "-j", "none", "-n", str(directory / "work"), "-S", str(secret)]
    command += ["-a", f"127.0.0.1:{port}", "-T", address, "-s", "malloc,8m"]
    command += ["-b", f"127.0.0.1:{backend.server_port}"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        _wait(process, port, directory / "log")
        yield Cache(address, port, secret, backend)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Until it serves pages. It says so nowhere else."""
    until = time.monotonic() + _STARTS_WITHIN
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            with contextlib.closing(connection):
                connection.request("GET", "/")
                if connection.getresponse().status == 200:
                    return
        time.sleep(0.02)
