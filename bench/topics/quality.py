"""Time to a likelihood, and held-out quality of topics and of new documents."""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from bench.harness.race import Entry, Race, show_race
from bench.harness.tables import Table
from bench.topics.judge import perplexity, proportions
from bench.topics.problem import MOST, Plan, Rows, Topics
from bench.topics.solvers import Model

#: Ours has missed the target if it needs more than this many times tomotopy's sweeps.
PATIENCE = 4
#: Documents whose θ the judge infers, too, and documents that a solver is tried with first.
JUDGED, FEW = 500, 16
SOLVER = ("solver", "{solver} {version}")


def race(plan: Plan) -> Rows:
    """Time to tomotopy's log-likelihood by a fixed number of sweeps: our fewest that reach it."""
    peers, problem = plan.samplers, Topics(plan.data)
    if not peers:
        return []
    most = f"tomotopy-{max(plan.crews)}"
    target = problem.measured(most, plan.setting(most))["value"]
    entries = [Entry(name, plan.setting(name) | {"iterations": None}, target) for name in plan.ours]
    entries += [Entry(name, plan.setting(name), target) for name in peers]
    runner = Race(problem, PATIENCE * plan.sweeps)
    rows = runner.run(entries, repeats=plan.repeats, cold=plan.cold)
    rows = [row | {"likelihood": -row["value"]} for row in rows]
    title = f"{plan.data}, K = {plan.topics}: time to log-likelihood {-target:.4f} a token"
    show_race(title, rows, [("sweeps", "{iterations}"),
                            ("LL a token", "{likelihood:.4f}{missed}")])  # fmt: skip
    return rows


def heldout(plan: Plan) -> Rows:
    """Perplexity of one half of a document, the other half observed.

    A tenth of the documents are held out by a seed, which is also that of the fit. From the topics
    that a solver returns, the judge infers θ for all in the same way. Documents held out differ
    more than solvers do, so each is also divided by the first of the same seed. Solvers that do not
    sample topics use the first seed only.
    """
    rows: Rows = []
    names = plan.everybody
    for name in names:
        plan.warm(name)
    for seed in range(plan.repeats):
        problem = Topics(plan.data, seed, MOST)
        for name in [name for name in names if seed == 0 or Topics.solver(name)[0].samples]:
            setting = plan.setting(name, seed)
            seconds, model = problem.fit(name, setting)
            phi = model.phi()
            theta = proportions(phi, problem.split.observed)
            found = perplexity(theta, phi, problem.split.hidden)
            rows.append(problem.heading(name, setting) | {"seconds": seconds, "perplexity": found})
    runs = pd.DataFrame(rows)
    first = runs[runs["solver"] == rows[0]["solver"]].set_index("seed")["perplexity"]
    runs["ratio"] = runs["perplexity"] / runs["seed"].map(first)
    solvers = runs.groupby(["data", "topics", "solver", "version", "iterations"], sort=False)
    table = solvers.agg(
        seeds=("seed", "size"), seconds=("seconds", "median"),
        perplexity=("perplexity", "median"), low=("perplexity", "min"), high=("perplexity", "max"),
        ratio=("ratio", "median"), least=("ratio", "min"), most=("ratio", "max"),
    ).reset_index()  # fmt: skip
    Table("{data}, K = {topics}: held-out perplexity", [
        SOLVER, ("sweeps", "{iterations}"), ("seeds", "{seeds}"),
        ("perplexity", "{perplexity:,.1f}"), ("min – max", "{low:,.1f} – {high:,.1f}"),
        ("÷ first", "{ratio:.4f}"), ("min – max", "{least:.4f} – {most:.4f}"),
        ("seconds", "{seconds:.2f}"),
    ], table).show()  # fmt: skip
    return rows


def transform(plan: Plan) -> Rows:
    """New documents: how many a second, and how good their θ is.

    Solvers are trained on nine tenths of a corpus and given one half of every other document; each
    says by its own routine what the topics are. Quality is the perplexity of the other half, by
    that θ and, beside it, by the judge's for the same topics. tomotopy by default copies its tables
    for every document: a solver is given the first documents that fit into a budget of time, and
    everybody's perplexity is over documents that all were given.
    """
    problem, rows, answers = Topics(plan.data, 0), [], []
    part = problem.split
    for name in plan.everybody:
        model = problem.fit(name, plan.setting(name))[1]
        phi, documents = model.phi(), model.prepared(part.observed)
        for label, infer in ways(name, model):
            theta, seconds = timed(infer, documents, part.observed.shape[0], plan)
            tokens = int(part.observed[: len(theta)].data.sum(dtype=np.int64))
            rows.append(problem.heading(name, plan.setting(name))
                        | {"solver": label, "documents": len(theta), "tokens": tokens,
                           "seconds": seconds, "rate": len(theta) / seconds})  # fmt: skip
            answers.append((theta, phi))
    few = min([JUDGED, *(len(theta) for theta, _ in answers)])
    observed, hidden = part.observed[:few], part.hidden[:few]
    for row, (theta, phi) in zip(rows, answers, strict=True):
        row["perplexity"] = perplexity(theta, phi, hidden)
        row["judges"] = perplexity(proportions(phi, observed), phi, hidden)
    Table(f"{{data}}, K = {{topics}}: θ of new documents; perplexity of the first {few}", [
        SOLVER, ("documents", "{documents:,}"), ("tokens", "{tokens:,}"),
        ("seconds", "{seconds:.3f}"), ("documents/s", "{rate:,.0f}"),
        ("perplexity", "{perplexity:,.1f}"), ("judge's θ", "{judges:,.1f}"),
    ], rows).show()  # fmt: skip
    return rows


def ways(name: str, model: Model) -> list[tuple[str, Callable[[Any], np.ndarray]]]:
    """A solver's routines that infer θ, each with its name."""
    found: list[tuple[str, Callable[[Any], np.ndarray]]] = [(name, model.transform)]
    if name.startswith("tomotopy"):
        found.append((f"{name}, together", partial(model.transform, together=True)))
    return found


def timed(
    infer: Callable[[Any], np.ndarray], documents: Any, count: int, plan: Plan
) -> tuple[np.ndarray, float]:
    """θ of as many documents as the budget allows, and the median of the seconds they took."""

    def clocked(few: int) -> tuple[np.ndarray, float]:
        begin = time.perf_counter()
        theta = infer(documents[:few])
        return theta, time.perf_counter() - begin

    few = min(count, FEW)
    clocked(few)  # compiled, and warm
    while few < count:
        allowed = int(few * plan.budget / plan.repeats / clocked(few)[1])
        if allowed < 2 * few:
            break
        few = min(count, allowed, 10 * few)
    found = [clocked(few) for _ in range(plan.repeats)]
    return found[-1][0], statistics.median(seconds for _, seconds in found)
