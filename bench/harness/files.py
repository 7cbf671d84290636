"""Data sets: where they lie, and where prepared ones are kept.

A data set is a folder below ``$STRADS_DATA``, which the package of its kind (`bench.lasso.data`,
`bench.ratings.data`, `bench.topics.data`) knows how to read. One that has to be prepared or
generated is a module of that package, of the set's name, with a function `load`.
"""

import importlib
import os
import tarfile
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any


class MissingData(Exception):
    """A data set is not on this machine; the message says where it was looked for."""


@lru_cache(maxsize=2)
def load(package: str, name: str) -> Any:
    """Return a data set by name; after a colon, what its module is given: ``netflix:10000``.

    The last ones are remembered: a tiny one beside a large one.
    """
    module, _, given = name.partition(":")
    if find_spec(f"{package}.{module}"):
        loader = importlib.import_module(f"{package}.{module}").load
        return loader(int(given)) if given else loader()
    return importlib.import_module(package).read(data_folder() / name)


def data_folder() -> Path:
    """Folder of all data sets: ``$STRADS_DATA``, else ``../shared/data`` next to the repository."""
    given = os.environ.get("STRADS_DATA")
    return Path(given) if given else Path(__file__).resolve().parents[3] / "shared" / "data"


def cache_folder() -> Path:
    """The user's cache folder for prepared data sets."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "strads-bench"


def there(path: Path) -> Path:
    """Return the path of a data set's file, if there is one."""
    if not path.exists():
        raise MissingData(f"skipped: {path} is missing; set STRADS_DATA to the folder of data sets")
    return path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a path to write to; it takes its final name at the end, complete.

    So nobody ever reads half a file, or half a folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        part = Path(scratch) / path.name
        yield part
        os.replace(part, path)


def reviews(archive: str, labels: Collection[str]) -> Iterator[tuple[str, str]]:
    """Film reviews of an archive that lie below a folder of one of these names: (path, text)."""
    with tarfile.open(there(data_folder() / "imdb" / archive), "r:xz") as tar:
        for member in tar:
            if member.isfile() and not {*Path(member.name).parts[:-1]}.isdisjoint(labels):
                file = tar.extractfile(member)
                if file is not None:
                    yield member.name, file.read().decode("utf-8").replace("<br />", " ")
