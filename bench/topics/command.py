"""Latent Dirichlet allocation, ours and peers': time, quality, memory."""

import itertools
from typing import Annotated, NamedTuple

from typer import Option

from bench.harness.command import loaded
from bench.harness.tables import keep
from bench.topics import cost, quality
from bench.topics.data import corpus
from bench.topics.problem import Plan, Rows

#: Sweeps of tomotopy that set the target: with `MANY` topics or more, and with fewer.
MANY, SWEEPS = 500, (40, 100)
#: Passes of gensim and scikit-learn.
PASSES = 10


class Mode(NamedTuple):
    """Defaults of what is measured."""

    data: str
    topics: tuple[int, ...]
    repeats: int
    sweeps: int | None = None
    peers: tuple[str, ...] = ("tomotopy",)


MODES = {
    quality.race: Mode("uci-nips", (100, 1000), 5),
    quality.heldout: Mode("uci-nips", (100,), 5, None, ("tomotopy", "gensim", "sklearn")),
    cost.memory: Mode("imdb", (1000,), 1, 20),
    cost.scaling: Mode("imdb", (1000,), 3, 20),
    quality.transform: Mode("imdb", (100, 1000), 3),
    cost.s_error: Mode("uci-nips", (100,), 1, None, ()),
}


def main(
    data: list[str] | None = None,
    topics: list[int] | None = None,
    workers: Annotated[list[int], Option(help="ours")] = (1, 2),
    ours: Annotated[list[str], Option(help="strads, of random first topics, or grouped")] = (
        "strads",
    ),
    peers: list[str] | None = None,
    peer_workers: list[int] = (2,),
    sweeps: Annotated[int | None, Option(help="of tomotopy, and ours unless they race")] = None,
    budget: Annotated[float, Option(help="seconds of --transform for a solver")] = 60.0,
    repeats: int | None = None,
    no_cold: Annotated[bool, Option(help="leave out fresh processes")] = False,
    tiny: Annotated[bool, Option(help="generated data: does it run at all")] = False,
    heldout: Annotated[bool, Option(help="held-out perplexity over seeds")] = False,
    memory: Annotated[bool, Option(help="peak memory of one fit")] = False,
    scaling: Annotated[bool, Option(help="what the second worker buys")] = False,
    transform: Annotated[bool, Option(help="topics of new documents")] = False,
    s_error: Annotated[bool, Option(help="staleness of the topic totals")] = False,
) -> Rows:  # fmt: skip
    """Time to tomotopy's log-likelihood, or one of the other figures.

    All solvers have the priors α = 0.1 and η = 0.01, and leave them there.
    """
    asked = {quality.heldout: heldout, cost.memory: memory, cost.scaling: scaling,
             quality.transform: transform, cost.s_error: s_error}  # fmt: skip
    run = next((each for each, wanted in asked.items() if wanted), quality.race)
    mode, rows = MODES[run], []
    fixed = sweeps or (4 if tiny else mode.sweeps)
    for each, _ in loaded(["tiny"] if tiny else data or [mode.data], corpus):
        for k in topics or ([5] if tiny else mode.topics):
            rows += run(Plan(
                each, k, fixed or SWEEPS[k < MANY], 1 if tiny else PASSES,
                repeats or (1 if tiny else mode.repeats), not no_cold, budget,
                [f"{family}-{crew}" for family, crew in itertools.product(ours, workers)],
                list(mode.peers if peers is None else peers), list(peer_workers),
            ))  # fmt: skip
    if rows and not tiny:
        path = keep(f"lda-{run.__name__}", rows)
        if s_error:
            cost.draw(rows, path.with_suffix(".png"))
    return rows
