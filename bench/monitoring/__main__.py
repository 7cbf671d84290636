"""``python -m bench.monitoring``: what it costs to see a fit.

Fits that write the folder of a run and show the live display in a terminal run in turns with fits
that do neither. The terminal is a pseudo terminal whose other end another process
reads and throws away.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pty
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import strads
from strads.monitoring import read_events

Fit = Callable[..., Any]


def lasso(name: str = "imdb") -> Fit:
    """The Lasso on a set of bench.lasso, at a hundredth of the largest penalty."""
    from bench.lasso.data import dataset
    from bench.lasso.judge import alpha_max

    X, y = dataset(name)
    alpha = alpha_max(X, y, fit_intercept=True) / 100
    return lambda **given: strads.Lasso(alpha, tol=1e-6, **given).fit(X, y)


def factorisation(name: str = "ml-1m") -> Fit:
    """Twenty epochs of factors of rank 40 on a set of bench.ratings."""
    from bench.ratings.data import ratings

    X = ratings(name).train
    return lambda **given: strads.MatrixFactorization(40, max_iter=20, tol=0, **given).fit(X)


#: What is fitted, and the set that the tests take.
CASES = {"lasso": (lasso, "tiny"), "factorisation": (factorisation, "tiny")}


@contextlib.contextmanager
def terminal() -> Iterator[None]:
    """Let stderr be a terminal that nobody looks at."""
    outer, inner = pty.openpty()
    # A thread that reads would take turns with the fit, which no real terminal does.
    quiet = subprocess.DEVNULL
    with subprocess.Popen(["cat"], stdin=outer, stdout=quiet, stderr=quiet):
        os.close(outer)
        with os.fdopen(inner, "w") as stream, contextlib.redirect_stderr(stream):
            yield


def timed(fit: Fit, folder: Path | None) -> tuple[float, Any]:
    """Seconds of a fit, and its model; with a folder it is watched in all ways."""
    warnings.simplefilter("ignore")
    given: dict[str, Any] = {} if folder is None else {"run_dir": folder, "verbose": 1}
    with contextlib.nullcontext() if folder is None else terminal():
        since = time.perf_counter()
        model = fit(**given)
        return time.perf_counter() - since, model


def compare(name: str, fit: Fit, times: int) -> bool:
    """Fit in turns, print the medians, and return whether the models are equal bit for bit."""
    seconds: dict[bool, list[float]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(times + 1):
            models = []
            for watched, taken in seconds.items():
                folder = Path(scratch) / f"run {number}" if watched else None
                spent, model = timed(fit, folder)
                models.append(model)
                if number:  # the first fits start processes and compile
                    taken.append(spent)
        folder = Path(scratch) / f"run {times}"
        events = read_events(folder / "events.jsonl")
        model_s = json.loads((folder / "run.json").read_text())["model_seconds"]
        sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    plain, watched_s = statistics.median(seconds[False]), statistics.median(seconds[True])
    told = events[-1]["told_seconds"]
    small = sum(size for path, size in sizes.items() if path != "model.npz")
    print(
        f"{name}: {plain:.3f} s, watched {watched_s:.3f} s: {100 * (watched_s / plain - 1):+.1f} %,"
        f" {100 * ((watched_s - model_s) / plain - 1):+.1f} % without the file of the model."
        f" {len(events)} events took {1e3 * told:.1f} ms ({100 * told / plain:.1f} %); the folder"
        f" has {small / 1e3:.0f} kB, and a model of {sizes.get('model.npz', 0) / 1e6:.1f} MB"
    )
    found = ["coef_" if hasattr(model, "coef_") else "item_factors_" for model in models]
    one, other = (getattr(model, word) for model, word in zip(models, found, strict=True))
    return bool(np.array_equal(one, other))


def main(words: list[str] | None = None) -> bool:
    """Compare all that is asked for; return whether watching has changed no bit."""
    parser = argparse.ArgumentParser(prog="python -m bench.monitoring", description=__doc__)
    parser.add_argument("--times", type=int, default=9, help="fits of each kind")
    parser.add_argument("--tiny", action="store_true", help="on tiny data, as in tests")
    parser.add_argument("cases", nargs="*", default=list(CASES), help=", ".join(CASES))
    given = parser.parse_args(words)
    equal = True
    for name in given.cases:
        make, tiny = CASES[name]
        equal &= compare(name, make(tiny) if given.tiny else make(), given.times)
    return equal


if __name__ == "__main__":
    sys.exit(0 if main() else "watching a fit has changed its result")
