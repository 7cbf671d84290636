"""The cache of compiled code on disk: one file for each key, bounded in total size.

Several processes may use the folder at once, and may be killed at any time: a file gets its name
only when it is complete, so readers find all of it or nothing. A file holds a header, a digest of
its key and content, and the content. A file that does not match its digest is removed and counts
as absent, also if it is intact but belongs to another key because somebody renamed or copied it.

To load such a file is to run it. So a folder into which another user may write is not used, nor is
a file that another user owns or may change; the system's administrator, who may change anything, is
trusted. Files that we write may be read by their owner only, since they hold users' functions.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import os
import secrets
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MAGIC = b"strads-code-2\n"
SUFFIX = ".code"
#: An unfinished file that is older than so many seconds is left over from a writer that died.
ABANDONED = 3600.0
DEFAULT_MIB = 512.0
NOBODY = 65534

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
    folder = cache_dir()
    path = folder / (key + SUFFIX)
    try:
        with open(path, "rb") as file:
            if not _ours(folder, os.fstat(file.fileno())):
                return None
            content = file.read()
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
        if not _ours(folder):
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(content)
        os.replace(temporary, folder / (key + SUFFIX))
    except OSError as error:
        _remove(temporary)
        _warn_once(folder, error)
        return
    _evict(folder, limit, keep=key + SUFFIX)


def _ours(folder: Path, file: os.stat_result | None = None) -> bool:
    """Whether nobody else can have put code into a folder, or written an open file in it."""
    if not hasattr(os, "geteuid"):
        return True
    status = folder.stat()
    path = foreign(folder, (status.st_ino, status.st_mode, status.st_uid, os.geteuid()))
    if path is None and (file is None or _only_ours(file)):
        return True
    _warn_once(folder, f"another user may write into {path or 'a file in it'}")
    return False


@functools.lru_cache(16)
def foreign(folder: Path, state: Any = None) -> Path | None:
    """Return the first of a folder and those around it into which another user may write.

    In a folder such as /tmp, whose mode has the sticky bit, nobody can replace what is not his.
    `state` changes when the folder does: it is looked up once, since there are many files.
    """
    absolute = Path(os.path.abspath(folder))
    for start in dict.fromkeys((absolute, absolute.resolve())):
        for path in (start, *start.parents):
            status = path.stat()
            sticky = path != start and status.st_mode & stat.S_ISVTX
            if not (sticky or _only_ours(status, around=path != start)):
                return path
    return None


def _only_ours(status: os.stat_result, *, around: bool = False) -> bool:
    """Whether a file or folder is this user's or the administrator's, and others cannot write."""
    # In a container, what the administrator owns outside of it seems to be nobody's.
    if status.st_uid not in (0, os.geteuid()) and not (around and status.st_uid == NOBODY):
        return False
    if status.st_mode & stat.S_IWGRP and not _private_group(status.st_gid):
        return False
    return not status.st_mode & stat.S_IWOTH


def _private_group(number: int) -> bool:
    """Whether a group has this user as its only member, as each user's own has on many systems."""
    import grp
    import pwd

    try:
        me, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(number)
    except KeyError:
        return False
    return (
        number == me.pw_gid and group.gr_name == me.pw_name and not {*group.gr_mem} - {me.pw_name}
    )


def _warn_once(folder: Path, reason: object) -> None:
    if folder not in _warned:
        _warned.add(folder)
        log.warning(
            "cannot keep compiled code in %s (%s); set STRADS_CACHE_DIR to a folder of your own",
            folder, reason,
        )  # fmt: skip


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
