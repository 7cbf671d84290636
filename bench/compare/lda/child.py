"""Fits of a topic model in a process of its own.

    python -m bench.compare.lda.child DATA SOLVER TOPICS SEED {cold,warm} SWEEPS …

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
    data: str, name: str, setting: Setting, sweeps: Sequence[int], *, cold: bool = False
) -> Process:
    """Start a process that will fit.

    Its answer holds, beside ``begin`` and ``end``: ``importing``, the seconds of the library's
    import in a cold process; ``seconds`` of every fit; ``value``, the log-likelihood a token of the
    last one; ``error``, the mean s-error of its sweeps, if the solver tells.
    """
    temperature = "cold" if cold else "warm"
    return Process(__name__, name, [data, name, setting.topics, setting.seed, temperature, *sweeps])


def cold(data: str, name: str, setting: Setting) -> float:
    """Seconds of import and first fit in a fresh process."""
    answer = start(data, name, setting, [setting.sweeps], cold=True).run()
    return answer["importing"] + answer["seconds"][0]


def main(data: str, name: str, topics: str, seed: str, temperature: str, *sweeps: str) -> None:
    """Be the child."""
    settings = [Setting(int(topics), int(each), workers(name), int(seed)) for each in sweeps]
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
        seconds = [time.perf_counter() - begin]
        for setting in settings[1:]:
            del model
            took, model = fit(name, counts, setting)
            seconds.append(took)
        end = time.perf_counter()
        return {"begin": begin, "end": end, "importing": importing, "seconds": seconds,
                "value": judged(model), "error": model.error()}  # fmt: skip

    serve(fits)


if __name__ == "__main__":
    main(*sys.argv[1:])
