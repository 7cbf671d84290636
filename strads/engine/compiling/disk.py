"""Keep compiled code on disk: one file a key, bounded in size, safe to share and to kill.

A file is a header, a digest of its key and the rest, and the rest; it gets its name only when it is
complete, so readers see all of it or nothing. Whatever does not match its digest is removed and
missed, also what is intact but belongs to another key: files that were renamed or copied.
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
#: Age in seconds at which an unfinished file is left over from a writer that died.
ABANDONED = 3600.0
DEFAULT_MIB = 512.0

log = logging.getLogger("strads.compile")
_warned: set[Path] = set()


def cache_dir() -> Path:
    """Return the folder: ``STRADS_CACHE_DIR``, or ``strads`` in the user's cache folder."""
    if own := os.environ.get("STRADS_CACHE_DIR"):
        return Path(own).expanduser()
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base).expanduser() / "strads"
    home = Path.home()
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "strads"


def limit_bytes() -> int:
    """Return the bound on the total size: ``STRADS_CACHE_MIB``, by default 512; 0 is none."""
    text = os.environ.get("STRADS_CACHE_MIB", "")
    try:
        return max(0, int(float(text or DEFAULT_MIB) * 2**20))
    except (ValueError, OverflowError):
        raise ValueError(f"STRADS_CACHE_MIB must be a number of MiB, not {text!r}") from None


def read(key: str) -> bytes | None:
    """Return what was written under a key, or None; note that it was used."""
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
        os.utime(path)  # the oldest used go first
    return body


def write(key: str, body: bytes) -> None:
    """Keep bytes under a key, if the folder permits; make room for them."""
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
    """Forget a key."""
    _remove(cache_dir() / (key + SUFFIX))


def _entries(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    # Other processes add and remove files meanwhile.
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
