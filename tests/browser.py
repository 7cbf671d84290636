"""A headless Chromium, and what it asks the network for."""

from __future__ import annotations

import json
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: What a browser does by itself and no page asks for.
QUIET = (
    "--headless", "--disable-gpu", "--no-sandbox", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-domain-reliability", "--disable-extensions",
    "--disable-features=OptimizationHints,MediaRouter,NetworkTimeServiceQuerying",
)  # fmt: skip


class Seen(NamedTuple):
    """What a browser made of a page, and the addresses that the page made it ask for."""

    dom: str
    through_proxy: list[str]
    logged: list[str]


def chromium() -> str:
    """Return the browser, or skip the test."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"there is no browser here: none of {', '.join(NAMES)}")
    return found


@contextmanager
def proxy() -> Iterator[tuple[int, list[str]]]:
    """Serve as the only way out; yield its port and the first lines of all that came."""
    lines: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            lines.append(self.rfile.readline(2000).decode("latin-1").strip())
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1], lines
        finally:
            server.shutdown()
            thread.join()


def open_page(path: Path, folder: Path, *options: str) -> Seen:
    """Open a page with no way to the network but a proxy that refuses everything."""
    log = folder / "net.json"
    with proxy() as (port, lines):
        command = [
            chromium(), *QUIET, f"--proxy-server=http://127.0.0.1:{port}",
            "--proxy-bypass-list=<-loopback>", f"--user-data-dir={folder / 'profile'}",
            f"--log-net-log={log}", "--virtual-time-budget=3000", "--dump-dom", *options,
            path.resolve().as_uri(),
        ]  # fmt: skip
        ended = subprocess.run(command, capture_output=True, timeout=120, check=True)
    by_page, by_browser = _addresses(log)
    asked = [line.split()[1] for line in lines if len(line.split()) > 1]
    own = {_host(url) for url in by_browser}
    through = [url for url in asked if _host(url) not in own]
    return Seen(ended.stdout.decode("utf-8", "replace"), through, by_page)


def _host(url: str) -> str:
    """Return the host of an address, or of what a proxy is asked to connect to."""
    return url.rpartition("://")[2].partition("/")[0].partition(":")[0]


def _addresses(log: Path) -> tuple[list[str], list[str]]:
    """Return the addresses of the network in a log of Chromium: of pages, and its own.

    It looks for updates of its own whatever it is told. Such requests have no origin; those of a
    page have that of the page.
    """
    text = log.read_text(errors="replace").rstrip().rstrip(",")
    try:
        events = json.loads(text)["events"]
    except ValueError:  # it had no time to write the end
        events = json.loads(f"{text}]}}")["events"]
    asked = [one["params"] for one in events if "initiator" in one.get("params", {})]
    found: dict[bool, set[str]] = {True: set(), False: set()}
    for request in asked:
        url = str(request.get("url", ""))
        if url.startswith(("http:", "https:", "ws:", "wss:", "ftp:")):
            found[request["initiator"] != "not an origin"].add(url)
    return sorted(found[True]), sorted(found[False])
