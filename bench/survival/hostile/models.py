"""Saved models and checkpoints, damaged as bytes or in their parts, and then used."""

import contextlib
import io
import json
import random
import re
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

import strads
from bench.survival.counting import Counting
from bench.survival.hostile.arrays import ESTIMATORS, _data
from bench.survival.hostile.files import damaged
from bench.survival.hostile.outcomes import refused
from strads import iterate
from strads.engine.run.checkpoints.container import Arrays, write_arrays

MODELS = ("Lasso", "LinearSVC", "SparseLogisticRegression", "MatrixFactorization", "NMF",
          "LatentDirichletAllocation")  # fmt: skip
CHECKPOINT = "checkpoint"
#: Values that a number or a word in a file may be replaced by.
VALUES = [None, -1, 0, 1e400, 10**30, "x", [], {}, [1, 2], ["array", "nowhere"], ["dict", [[1]]],
          ["list", [["list", [["list", []]]]]], True, ["__reduce__", "x"], 2.5]  # fmt: skip


def attempt(choose: random.Random, folder: Path) -> tuple[str, str | None]:
    """Load one damaged file and use what was loaded; return which, and what was wrong."""
    name = choose.choice([*MODELS, CHECKPOINT])
    content = _saved(name)
    if choose.random() < 0.4:
        content = damaged(content, choose, name)
    else:
        rewrite = _with_other_parts if name != CHECKPOINT else _checkpoint_with_other_parts
        content = rewrite(content, choose)
    path = folder / f"{name}.npz"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            use = _loaded(name, path)
        except Exception as error:
            return name, refused(error, str(path))
        try:
            use()
        except Exception as error:
            return f"{name}, used after it was loaded", refused(error)
    return name, None


def _loaded(name: str, path: Path) -> Callable[[], object]:
    """Load a file; return what uses that."""
    if name == CHECKPOINT:
        return iterate(Counting(ids=8), workers=1, epochs=3, resume_from=path).finish
    model, X = getattr(strads, name).load(path), _data(name)[0]
    return partial(model.predict if hasattr(model, "predict") else model.transform, X)


@cache
def _saved(name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, "saved.npz")
        if name == CHECKPOINT:
            with iterate(Counting(ids=8), workers=1, epochs=2) as steps:
                next(iter(steps))
                steps.save(path)
        else:
            X, y = _data(name)
            model = getattr(strads, name)(**ESTIMATORS[name], max_iter=5, n_workers=1)
            model.fit(X, y) if y is not None else model.fit(X)
            model.save(path)
        return path.read_bytes()


def _with_other_parts(content: bytes, choose: random.Random) -> bytes:
    """Write the file anew, with check sums that are right, and one or two of its parts changed."""
    with np.load(io.BytesIO(content)) as file:
        parts: dict[str, Any] = dict(file)
    _change(parts, choose)
    out = io.BytesIO()
    with zipfile.ZipFile(
        out, "w", choose.choice([zipfile.ZIP_STORED] * 9 + [zipfile.ZIP_DEFLATED])
    ) as file:
        for name, array in parts.items():
            with file.open(f"{name}.npy", "w") as part:
                np.lib.format.write_array(part, np.asanyarray(array), allow_pickle=True)
    return out.getvalue()


def _checkpoint_with_other_parts(content: bytes, choose: random.Random) -> bytes:
    """Write a checkpoint anew, with the right checksum, and one or two of its parts changed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "saved")
        path.write_bytes(content)
        with contextlib.closing(Arrays(path)) as saved:
            parts: dict[str, Any] = {name: saved[name] for name in saved.names}
    _change(parts, choose)
    out = io.BytesIO()
    whole = {name: np.asanyarray(array) for name, array in parts.items()}
    write_arrays(out, {name: a for name, a in whole.items() if not a.dtype.hasobject})
    return out.getvalue()


def _change(parts: dict[str, Any], choose: random.Random) -> None:
    """Change one or two of the parts of a file."""
    for _ in range(choose.randint(1, 2)):
        name = choose.choice(sorted(parts))
        if name == "json" or choose.random() < 0.4:
            parts["json"] = np.frombuffer(_other_text(parts, choose), np.uint8)
        else:
            parts[name] = _other_array(parts[name], choose)
            if parts[name] is None:
                del parts[name]


def _other_text(parts: dict[str, Any], choose: random.Random) -> bytes:
    if "json" not in parts or choose.random() < 0.3:
        return bytes(choose.choice([b"", b"{}", b"[]", b"null", b"[" * 100_000, b"\xff", b"1"]))
    text = parts["json"].tobytes().decode(errors="replace")
    found = [m.span() for m in re.finditer(r'-?\d+(\.\d+)?|"[^"]*"|null|true|false', text)]
    if not found:
        return text.encode()
    first, last = choose.choice(found)
    return (text[:first] + json.dumps(choose.choice(VALUES)) + text[last:]).encode()


def _other_array(array: Any, choose: random.Random) -> Any:
    ways: list[Any] = [
        lambda: None, lambda: array[..., :0], lambda: array.ravel()[:1], lambda: array.astype("U4"),
        lambda: array.astype(complex), lambda: array.astype(object), lambda: array.T,
        lambda: np.full(array.shape, np.nan), lambda: np.full(array.shape, 2**62, np.int64),
        lambda: np.full(array.shape, -1), lambda: array.astype(np.float16), lambda: array > 0,
        lambda: np.concatenate([array, array]) if array.ndim else array, lambda: array[None],
        lambda: np.zeros(3, [("a", "f8")]), lambda: array.astype("M8[s]"), lambda: array[()],
    ]  # fmt: skip
    try:
        return choose.choice(ways)()
    except Exception:  # not every array can be converted to everything
        return np.zeros(1)
