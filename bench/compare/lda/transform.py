"""New documents: how many a second, and how good their θ is.

Solvers are trained on nine tenths of a corpus and given one half of every other document; each says
by its own routine what the topics are. Quality is the perplexity of the other half, by that θ and,
beside it, by the judge's for the same topics. tomotopy by default copies its tables for every
document: a solver is given the first documents that fit into a budget of time, and everybody's
perplexity is over documents that all were given.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from bench.compare.lda import judge
from bench.compare.lda.corpora import Corpus, split
from bench.compare.lda.solver import Solver
from bench.compare.lda.solvers import everybody, fit, heading, wanted
from bench.harness.tables import show_rows

#: Documents whose θ the judge infers, too.
JUDGED = 500
#: Documents that a solver is tried with first.
FEW = 16


def run(corpus: Corpus, topics: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """All solvers on one corpus; *rate* is documents a second, *judges* perplexity by its own θ."""
    part, rows, answers = split(corpus, 0), [], []
    for name in everybody(options):
        model = fit(name, part.train.counts, wanted(name, topics, options))[1]
        phi, documents = model.phi(), model.prepared(part.observed)
        for label, infer in _ways(name, model):
            theta, seconds = _timed(infer, documents, part.observed.shape[0], options)
            tokens = int(part.observed[: len(theta)].data.sum(dtype=np.int64))
            rows.append(heading(corpus.name, topics, name)
                        | {"solver": label, "documents": len(theta), "tokens": tokens,
                           "seconds": seconds, "rate": len(theta) / seconds})  # fmt: skip
            answers.append((theta, phi))
    few = min([JUDGED, *(len(theta) for theta, _ in answers)])
    observed, hidden = part.observed[:few], part.hidden[:few]
    for row, (theta, phi) in zip(rows, answers, strict=True):
        row["perplexity"] = judge.perplexity(theta, phi, hidden)
        row["judges"] = judge.perplexity(judge.proportions(phi, observed), phi, hidden)
    show_rows(
        f"{{data}}, K = {{topics}}: θ of new documents; perplexity of the first {few}",
        [("solver", "{solver} {version}"), ("documents", "{documents:,}"), ("tokens", "{tokens:,}"),
         ("seconds", "{seconds:.3f}"), ("documents/s", "{rate:,.0f}"),
         ("perplexity", "{perplexity:,.1f}"), ("judge's θ", "{judges:,.1f}")],
        rows,
    )  # fmt: skip
    return rows


def _ways(name: str, model: Solver) -> list[tuple[str, Callable[[Any], np.ndarray]]]:
    """A solver's routines that infer θ, each with its name."""
    ways: list[tuple[str, Callable[[Any], np.ndarray]]] = [(name, model.transform)]
    if name.startswith("tomotopy"):
        ways.append((f"{name}, together", partial(model.transform, together=True)))
    return ways


def _timed(
    infer: Callable[[Any], np.ndarray], documents: Any, count: int, options: argparse.Namespace
) -> tuple[np.ndarray, float]:
    """θ of as many documents as the budget allows, and the median of the seconds they took."""
    few = min(count, FEW)
    _clocked(infer, documents[:few])  # compiled, and warm
    while few < count:
        _, seconds = _clocked(infer, documents[:few])
        allowed = int(few * options.budget / options.repeats / seconds)
        if allowed < 2 * few:
            break
        few = min(count, allowed, 10 * few)
    found = [_clocked(infer, documents[:few]) for _ in range(options.repeats)]
    return found[-1][0], statistics.median(seconds for _, seconds in found)


def _clocked(infer: Callable[[Any], np.ndarray], documents: Any) -> tuple[np.ndarray, float]:
    begin = time.perf_counter()
    theta = infer(documents)
    return theta, time.perf_counter() - begin
