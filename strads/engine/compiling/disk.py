"""The cache of compiled code on disk: one file for each key, bounded in total size.

Several processes may use the folder at once, and may be killed at any time: a file gets its name
only when it is complete, so readers find all of it or nothing. A file holds a header, a digest of
its key and content, and the content. A file that does not match its digest is removed and counts
as absent, also if it is intact but belongs to another key because somebody renamed or copied it.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path

MAGIC = b"strads-code-2\n"
SUFFIX = ".code"
#: An unfinished file that is older than so many seconds is left over from a writer that died.
ABANDONED = 3600.0
DEFAULT_MIB = 512.0

log = logging.getLogger("strads.compile")
_warned: set[Path] = set()


def cache_dir() -> Path:
    """Return the folder: ``STRADS_CACHE_DIR``, or ``strads`` in the cache folder of the user."""
    if own := os.environ.get("STRADS_CACHE_DIR"):
        return Path(own).expanduser()
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base).expanduser() / "strads"
    home = Path.home()
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "strads"


def limit_bytes() -> int:
    """Return the bound on the total size: ``STRADS_CACHE_MIB``, by default 512 MiB; 0: no cache."""
    text = os.environ.get("STRADS_CACHE_MIB", "")
    try:
        return max(0, int(float(text or DEFAULT_MIB) * 2**20))
    except (ValueError, OverflowError):
        raise ValueError(f"STRADS_CACHE_MIB must be a number of MiB, not {text!r}") from None


def read(key: str) -> bytes | None:
    """Return what was written under a key, or None; note the time of use."""
    path = cache_dir() / (key + SUFFIX)
    try:
        content = path.read_bytes()
    except OSError:
        return None
    start = len(MAGIC) + 32
    body = content[start:]
    if content[:start] != _head(key, body):
        log.info("removed a damaged cache entry, %s", path)
        _remove(path)
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # files that were not used for the longest time are evicted first
    return body


def write(key: str, body: bytes) -> None:
    """Keep bytes under a key; evict others if need be. Only warns if it cannot write."""
    folder, limit = cache_dir(), limit_bytes()
    content = _head(key, body) + body
    if len(content) > limit:
        return
    temporary = folder / f"{key}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary.write_bytes(content)
        os.replace(temporary, folder / (key + SUFFIX))
    except OSError as error:
        _remove(temporary)
        if folder not in _warned:
            _warned.add(folder)
            log.warning("cannot keep compiled code in %s (%s); set STRADS_CACHE_DIR", folder, error)
        return
    _evict(folder, limit, keep=key + SUFFIX)


def _head(key: str, body: bytes) -> bytes:
    return MAGIC + hashlib.sha256(key.encode() + b"\0" + body).digest()


def remove(key: str) -> None:
    """Remove what was written under a key."""
    _remove(cache_dir() / (key + SUFFIX))


def _entries(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    # Other processes may add and remove files meanwhile.
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        if name.endswith(SUFFIX):
            with contextlib.suppress(OSError):
                yield folder / name, (folder / name).stat()


def _evict(folder: Path, limit: int, keep: str) -> None:
    found = sorted(_entries(folder), key=lambda entry: (entry[0].name == keep, entry[1].st_mtime))
    total = sum(status.st_size for _, status in found)
    for path, status in found:
        if total <= limit:
            break
        _remove(path)
        total -= status.st_size
    for path in folder.glob("*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > ABANDONED:
                _remove(path)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
