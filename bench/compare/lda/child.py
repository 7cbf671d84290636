"""Fits in a process of their own.

    python -m bench.compare.lda.child DATA SOLVER TOPICS SEED {cold,warm} SWEEPS …

It loads the corpus and builds the model, says ``ready``, waits for a line, trains, and prints what
came of it as JSON. Several numbers of sweeps are several fits, one after another. *Warm* has fitted
`tiny` before. `Child` is its other end.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.compare.lda import corpora, judge
from bench.compare.lda.solvers import Setting, fit, kind, warm, workers
from bench.compare.process import Process


@dataclass(frozen=True)
class Report:
    """What came of it."""

    begin: float  # of the first fit, by the system's monotonic clock
    end: float  # of the last
    importing: float  # seconds of the library's import, in a cold process
    seconds: tuple[float, ...]  # of every fit
    value: float  # log-likelihood a token of the last
    error: float  # mean s-error of its sweeps, if it tells

    @property
    def cold(self) -> float:
        """Seconds of import and first fit."""
        return self.importing + self.seconds[0]


class Child(Process):
    """Fits in a process of their own."""

    def __init__(self, data: str, name: str, setting: Setting, sweeps: Sequence[int], *,
                 cold: bool = False) -> None:  # fmt: skip
        words = [data, name, str(setting.topics), str(setting.seed), "cold" if cold else "warm"]
        super().__init__(__name__, name, [*words, *map(str, sweeps)])

    def report(self) -> Report:
        """Wait for its end."""
        return Report(**self.answer())


def cold(data: str, name: str, setting: Setting) -> float:
    """Seconds of import and first fit in a fresh process."""
    child = Child(data, name, setting, [setting.sweeps], cold=True)
    child.ready()
    child.go()
    return child.report().cold


def main(data: str, name: str, topics: str, seed: str, temperature: str, *sweeps: str) -> None:
    """Be the child."""
    settings = [Setting(int(topics), int(each), workers(name), int(seed)) for each in sweeps]
    if temperature == "warm":
        warm(name, int(topics))
    counts = corpora.load(data).counts
    begin = time.perf_counter()
    importlib.import_module(kind(name).module)
    importing = time.perf_counter() - begin
    model, seconds = kind(name)(counts, settings[0]), []
    print("ready", flush=True)
    sys.stdin.readline()
    begin = since = time.perf_counter()
    model.train()
    seconds.append(time.perf_counter() - since)
    for setting in settings[1:]:
        del model
        took, model = fit(name, counts, setting)
        seconds.append(took)
    end = time.perf_counter()
    tokens = model.tokens()
    value = judge.log_likelihood(tokens, counts, int(topics)) if tokens else float("nan")
    print(json.dumps({"begin": begin, "end": end, "importing": importing, "seconds": seconds,
                      "value": value, "error": model.error()}))  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
