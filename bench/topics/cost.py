"""Memory, scaling, and the staleness of what workers share."""

import os
from pathlib import Path

import pandas as pd

from bench.harness import footprint
from bench.harness.pictures import picture
from bench.harness.process import Process
from bench.harness.tables import Table
from bench.topics.data import corpus
from bench.topics.problem import Plan, Rows, Topics
from bench.topics.solvers.strads import Strads

#: Exchanges in a sweep, of every worker.
SYNCS = (1, 2, 8, 32)
EVALUATED = "log_likelihood_per_token"
#: Styles of lines that can be told apart in grey, by workers, and marks, by exchanges.
LINES, MARKS = ("-", "--", ":", "-."), ("o", "s", "^", "x")


def memory(plan: Plan) -> Rows:
    """Peak memory of one fit of every solver that samples."""
    found = []
    for name in plan.ours + plan.samplers:
        child = Process(Topics(plan.data), name, plan.setting(name), compiled=True)
        found += footprint.footprint([child])
    return shown(plan, found)


def scaling(plan: Plan) -> Rows:
    """What a second worker buys.

    Seconds of a sweep are the difference of two fits of one process, so that what a fit does
    besides is left out.
    """
    whole = plan.setting("strads-1")
    fits = [whole | {"iterations": max(1, plan.sweeps // 4)}, whole]
    problem = Topics(plan.data)
    return shown(plan, footprint.scaling(problem, fits, plan.repeats, "sweeps", "iteration"))


def shown(plan: Plan, found: Rows) -> Rows:
    """Rows for the file of results, printed."""
    problem = Topics(plan.data)
    rows = [problem.heading(row["solver"], plan.setting(row["solver"])) | row for row in found]
    Table("{data}, K = {topics}, {iterations} sweeps", [
        ("solver", "{solver} {version}"), ("run", "{run}"), ("seconds", "{seconds:.2f}"),
        ("a sweep", "{iteration:.3f}"), ("s-error", "{error:.2e}"),
        ("input MiB", "{input_mib:,.0f}"), ("peak MiB", "{peak_mib:,.0f}"),
        ("LL a token", "{likelihood:.4f}"),
    ], rows).show()  # fmt: skip
    return rows


def s_error(plan: Plan) -> Rows:
    """How far workers' copies of the topic totals are from the truth, sweep by sweep.

    The s-error is the mean over workers and rounds of Σ_k |copy − truth| / tokens (Lee et al., NIPS
    2014), for every number of workers above one with several numbers of exchanges in a sweep. It
    follows from the seed and the number of workers, not from the cores; seconds, of a sweep, are
    given where there is a core for every worker.
    """
    rows: Rows = []
    for name in plan.ours:
        _, workers = Topics.solver(name)
        if workers == 1:
            continue
        plan.warm(name)
        for syncs in (each * workers for each in SYNCS):
            setting = plan.setting(name) | {"workers": workers}
            model = Strads(corpus(plan.data), setting, syncs_per_sweep=syncs)
            model.train()
            enough = workers <= len(os.sched_getaffinity(0))
            taken = model.model.statistics_["phases"]["main"]["seconds"] / plan.sweeps
            rows += [
                {"data": plan.data, "topics": plan.topics, "workers": workers, "syncs": syncs,
                 "sweep": at, "s_error": step["s_error"], "value": step.get(EVALUATED),
                 "seconds": taken if enough else None}
                for at, step in enumerate(model.model.history_, 1)
            ]  # fmt: skip
    last = pd.DataFrame(rows).groupby(["workers", "syncs"], sort=False).agg(
        data=("data", "last"), topics=("topics", "last"), sweeps=("sweep", "last"),
        first=("s_error", "first"), last=("s_error", "last"), value=("value", "last"),
        seconds=("seconds", "last"),
    )  # fmt: skip
    Table("{data}, K = {topics}, {sweeps} sweeps: s-error", [
        ("run", "{workers} workers, {syncs} exchanges"), ("first sweep", "{first:.1e}"),
        ("last", "{last:.1e}"), ("LL a token", "{value:.4f}"),
        ("seconds a sweep", "{seconds:.4f}"),
    ], last.reset_index()).show()  # fmt: skip
    return rows


def draw(rows: Rows, path: Path) -> None:
    """Draw the s-error over the sweeps, a picture for every corpus and number of topics."""
    for (data, topics), part in pd.DataFrame(rows).groupby(["data", "topics"], sort=False):
        named = path.with_stem(f"{path.stem}-{data}-{topics}")
        with picture(named, size=(7.5, 4.0)) as (figure, ((axes,),)):
            crews = list(part["workers"].unique())
            for (workers, syncs), mine in part.groupby(["workers", "syncs"], sort=False):
                axes.plot(mine["sweep"], mine["s_error"], color="0.2", linewidth=1.0,
                          linestyle=LINES[crews.index(workers) % len(LINES)],
                          marker=MARKS[SYNCS.index(syncs // workers)], markersize=4,
                          markevery=(0, max(1, len(mine) // 8)),
                          label=f"{workers} workers, {syncs} exchanges")  # fmt: skip
            axes.set(yscale="log", xlabel="sweep", ylabel="s-error", title=f"{data}, K = {topics}")
            figure.legend(loc="outside right upper", fontsize="small")
        print("drawn:", named)
