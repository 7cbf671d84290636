"""Fits of a topic model in a process of its own.

    python -m bench.compare.lda.child DATA SOLVER TOPICS {cold,warm} SWEEPS …

It loads the corpus and builds the model before it says that it is ready; see
`bench.harness.process`. Several numbers of sweeps are several fits, one after another. *Warm* has
fitted `tiny` before.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Sequence
from typing import Any

from bench.compare.lda import corpora
from bench.compare.lda.solver import Setting
from bench.compare.lda.solvers import fit, judged, kind, warm, workers
from bench.harness.process import Process, serve


def start(
    data: str, name: str, topics: int, sweeps: Sequence[int], *, cold: bool = False
) -> Process:
    """Start a process that will fit.

    Its answer holds, beside ``begin`` and ``end``: ``seconds`` of the last fit (of a single one in
    a cold process with the import of the library); ``sweep``, the seconds of a sweep by the
    difference of two fits; ``error``, the mean s-error of the last fit's sweeps, if the solver
    tells; ``value``, its log-likelihood a token.
    """
    return Process(__name__, name, [data, name, topics, "cold" if cold else "warm", *sweeps])


def main(data: str, name: str, topics: str, temperature: str, *sweeps: str) -> None:
    """Be the child."""
    settings = [Setting(int(topics), int(each), workers(name)) for each in sweeps]
    if temperature == "warm":
        warm(name, int(topics))
    counts = corpora.load(data).counts
    begin = time.perf_counter()
    importlib.import_module(kind(name).module)
    importing = time.perf_counter() - begin
    model = kind(name)(counts, settings[0])

    def fits() -> dict[str, Any]:
        nonlocal model
        begin = time.perf_counter()
        model.train()
        seconds = [importing + time.perf_counter() - begin]
        for setting in settings[1:]:
            del model
            took, model = fit(name, counts, setting)
            seconds.append(took)
        end = time.perf_counter()
        sweep = float("nan")
        if len(settings) > 1:
            more = settings[-1].sweeps - settings[0].sweeps
            sweep = (seconds[-1] - seconds[0]) / more
        return {"begin": begin, "end": end, "seconds": seconds[-1], "sweep": sweep,
                "error": model.error(), "value": judged(model)}  # fmt: skip

    serve(fits)


if __name__ == "__main__":
    main(*sys.argv[1:])
