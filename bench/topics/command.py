"""Latent Dirichlet allocation, ours and peers': time, quality, memory.

python -m bench.compare lda                 time to tomotopy's log-likelihood
python -m bench.compare lda --curves        log-likelihood over time
python -m bench.compare lda --heldout       held-out perplexity over seeds
python -m bench.compare lda --memory        peak memory of one fit
python -m bench.compare lda --scaling       what the second worker buys
python -m bench.compare lda --transform     topics of new documents
python -m bench.compare lda --s-error       staleness of the topic totals
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Annotated, NamedTuple

from typer import Option

from bench.harness.command import loaded
from bench.harness.tables import keep
from bench.topics import cost, quality
from bench.topics.data import corpus
from bench.topics.plan import Plan, Rows

#: Sweeps of tomotopy that set the target: with `MANY` topics or more, and with fewer.
MANY, SWEEPS = 500, (40, 100)
#: Passes of gensim and scikit-learn.
PASSES = 10


EVERY = ("tomotopy", "gensim", "sklearn")


class Mode(NamedTuple):
    """What is measured of one corpus and number of topics, and its defaults."""

    run: Callable[[Plan], Rows]
    data: str
    topics: tuple[int, ...]
    repeats: int
    sweeps: int | None = None
    peers: tuple[str, ...] = ("tomotopy",)


MODES = {
    "race": Mode(quality.race, "uci-nips", (100, 1000), 5),
    "curves": Mode(quality.curves, "uci-nips", (100, 1000), 1),
    "heldout": Mode(quality.heldout, "uci-nips", (100,), 5, peers=EVERY),
    "memory": Mode(cost.memory, "imdb", (1000,), 1, 20),
    "scaling": Mode(cost.scaling, "imdb", (1000,), 3, 20),
    "transform": Mode(quality.transform, "imdb", (100, 1000), 3),
    "s-error": Mode(cost.staleness, "uci-nips", (100,), 1, peers=()),
}  # fmt: skip


def main(
    data: list[str] | None = None,
    topics: list[int] | None = None,
    workers: Annotated[list[int], Option(help="ours")] = (1, 2),
    ours: Annotated[list[str], Option(help="strads: random first topics, or grouped")] = (
        "strads",
    ),
    peers: list[str] | None = None,
    peer_workers: list[int] = (2,),
    sweeps: Annotated[int | None, Option(help="of tomotopy, ours unless they race")] = None,
    budget: Annotated[float, Option(help="seconds of --transform for a solver")] = 60.0,
    repeats: int | None = None,
    no_cold: Annotated[bool, Option(help="leave out fresh processes")] = False,
    tiny: Annotated[bool, Option(help="generated data: does it run at all")] = False,
    curves: bool = False,
    heldout: bool = False,
    memory: bool = False,
    scaling: bool = False,
    transform: bool = False,
    s_error: bool = False,
) -> Rows:  # fmt: skip
    """Latent Dirichlet allocation, ours and peers': time, quality, memory.

    All solvers have the priors α = 0.1 and η = 0.01, and leave them there.
    """
    asked = {"curves": curves, "heldout": heldout, "memory": memory, "scaling": scaling,
             "transform": transform, "s-error": s_error}  # fmt: skip
    name = next((each for each, wanted in asked.items() if wanted), "race")
    mode, rows = MODES[name], []
    sets = ["tiny"] if tiny else data or [mode.data]
    fixed = sweeps or (4 if tiny else mode.sweeps)
    for each, _ in loaded(sets, corpus):
        for k in topics or ([5] if tiny else mode.topics):
            rows += mode.run(Plan(
                data=each, topics=k, sweeps=fixed or SWEEPS[k < MANY],
                passes=1 if tiny else PASSES, repeats=repeats or (1 if tiny else mode.repeats),
                cold=not no_cold, budget=budget, crews=list(peer_workers),
                ours=[f"{family}-{p}" for family, p in itertools.product(ours, workers)],
                peers=list(mode.peers if peers is None else peers),
            ))  # fmt: skip
    if rows and not tiny:
        path = keep(f"lda-{name}", rows)
        if name == "s-error":
            cost.draw(rows, path.with_suffix(".png"))
    return rows
