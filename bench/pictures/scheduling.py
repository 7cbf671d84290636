"""Pictures of `docs/scheduling.md`: rounds, what a filter rejects, and what that prevents."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np
import scipy.sparse as sp

from bench.harness.pictures import STYLES, picture
from bench.schedules.problem import Design
from bench.schedules.run import arm_program, follow
from bench.schedules.settings import Setting
from examples.own_program import NNLS
from strads import (
    Colouring,
    Correlation,
    Priority,
    Random,
    Recorder,
    Rotation,
    RoundRobin,
    Schedule,
    Shuffled,
    data,
    run,
)
from strads.engine import Result

WORKERS: Final = 2
RHO: Final = 0.1
COLOURS: Final = (STYLES[1][2], STYLES[2][2])  # of the two workers


class WithConflicts(NNLS):
    """The example, with the graph that a colouring needs."""

    conflicts = data("cols", "cols", layout="csr")


def draw(out: Path, tiny: bool) -> Iterator[str]:
    """Draw all pictures of the page; yield the figures that it states."""
    folder = out / "figures"
    cols, rows, features, cap = (60, 100, 20, 2) if tiny else (500, 3000, 400, 30)
    yield from draw_rounds(folder / "scheduling-rounds.png")
    yield from draw_importance(folder / "scheduling-importance.png", cols)
    yield from draw_filter(folder / "scheduling-filter.png", cols // 5, rows)
    yield from draw_divergence(folder / "scheduling-divergence.png", features, cap)


# -- which ids are scheduled when --------------------------------------------------------------


def sparse_problem(cols: int, seed: int = 0) -> dict[str, Any]:
    """Non-negative least squares: a tenth of the planted weights are positive."""
    rng = np.random.default_rng(seed)
    A = sp.random_array((4 * cols, cols), density=min(1.0, 4.0 / cols), format="csc",
                        random_state=seed, data_sampler=rng.standard_normal)  # fmt: skip
    w = np.where(rng.random(cols) < 0.1, 1.0, -0.3) * rng.exponential(size=cols)
    return {"A": A, "b": A @ w + 0.1 * rng.normal(size=4 * cols)}


def recorded(
    schedule: Schedule, given: dict[str, Any], epochs: int, kind: type[NNLS] = NNLS
) -> tuple[list[tuple[int, int, np.ndarray]], Result]:
    """Run a schedule; return (micro-round, worker, ids) of every block, and the result."""
    recorder = Recorder()
    program = type(kind.__name__, (kind,), {"schedule": schedule})(**given)
    result = run(program, workers=WORKERS, epochs=epochs, seed=0, instruments=recorder,
                 executor="serial", align=False)  # fmt: skip
    blocks, micro = [], 0
    for record in recorder.log():
        for m in range(record.cuts.shape[1] - 1):
            blocks += [(micro, p, record.ids[p, record.cuts[p, m] : record.cuts[p, m + 1]])
                       for p in range(WORKERS)]  # fmt: skip
            micro += 1
    return blocks, result


def draw_rounds(path: Path) -> Iterator[str]:
    """Draw the first micro-rounds of five schedules: which worker updates which id."""
    given = sparse_problem(40)
    A = given["A"]
    conflicts = sp.csr_array(abs(A).T @ abs(A))
    shown: Sequence[tuple[str, Schedule]] = (
        ("RoundRobin", RoundRobin("cols", lease=4, micro=4)),
        ("Shuffled", Shuffled("cols", lease=4, micro=4)),
        ("Random", Random("cols", lease=4, micro=4)),
        ("Colouring", Colouring("cols", graph="conflicts", lease=4)),
        ("Rotation", Rotation("cols", micro=10)),
        ("Priority", Priority("cols", rho=RHO, coupling=Correlation("A"), lease=4, micro=4)),
    )
    with picture(path, 2, 3, (10.0, 7.0)) as (_, grid):
        for axes, (name, schedule) in zip(grid.flat, shown, strict=True):
            kind, more = (WithConflicts, {"conflicts": conflicts}) if name == "Colouring" else (
                NNLS, {})  # fmt: skip
            blocks, _ = recorded(schedule, given | more, 4, kind)
            for p in range(WORKERS):
                points = [(micro, j) for micro, q, ids in blocks if q == p for j in ids]
                at, ids = np.array([xy for xy in points if xy[0] < 60]).T
                axes.scatter(at, ids, s=12, marker="so"[p], color=COLOURS[p], label=f"worker {p}")
            axes.axhline(20.5, color="grey", lw=0.6)  # worker 0 holds the ids above
            for first in range(0, 60, 4 if name != "Rotation" else 10):
                axes.axvline(first - 0.5, color="lightgrey", lw=0.5, zorder=0)
            axes.set_title(name)
            axes.set(xlabel="micro-round", xlim=(-1, 60), ylim=(39.7, -0.7))
        for axes in grid[:, 0]:
            axes.set_ylabel("id")
        grid[0, 0].legend(fontsize=7, loc="lower right", framealpha=1.0)
    yield f"rounds: {A.shape[1]} ids, the first 60 micro-rounds"


def draw_importance(path: Path, cols: int) -> Iterator[str]:
    """Draw how often the priority schedule updates each id, by the size of its weight."""
    given, epochs = sparse_problem(cols), 12
    schedule = Priority("cols", rho=RHO, coupling=Correlation("A"))
    blocks, result = recorded(schedule, given, epochs)
    last = max(micro for micro, _, _ in blocks) + 1
    w = result.state["w"]
    order = np.argsort(-w, kind="stable")
    place = np.empty(cols, np.int64)
    place[order] = np.arange(cols)
    bins, rows = 60, min(cols, 50)
    count = np.zeros((rows, bins))
    for micro, _, ids in blocks:
        np.add.at(count, (place[ids] * rows // cols, micro * bins // last), 1.0)
    positive = np.count_nonzero(w) / cols
    updates = np.bincount(np.concatenate([ids for *_, ids in blocks]), minlength=cols)
    with picture(path, 1, 2, (11.0, 3.8)) as (figure, ((left, right),)):
        image = left.imshow(count * rows / cols, aspect="auto", cmap="magma",
                            extent=(0, last, cols, 0))  # fmt: skip
        left.axhline(positive * cols, color="white", lw=1, ls="--")
        left.set(xlabel="micro-round", ylabel="ids, largest weight first",
                 title="updates of each id")  # fmt: skip
        figure.colorbar(image, ax=left, label="updates an id")
        right.plot(np.arange(cols), updates[order], ".", ms=4, color=STYLES[2][2])
        right.axvline(positive * cols, color="grey", lw=1, ls="--")
        right.set(xlabel="ids, largest weight first", ylabel="updates in all",
                  title="the same, added up")  # fmt: skip
    zero = w == 0.0
    yield (f"importance: {cols} ids, {np.count_nonzero(w)} weights are positive; updates an id: "
           f"{updates[~zero].mean():.1f} where positive, {updates[zero].mean():.1f} where zero; "
           f"{updates[~zero].sum() / updates.sum():.0%} of {updates.sum()}")  # fmt: skip


# -- what the filter rejects -------------------------------------------------------------------


def correlated(rows: int, cols: int, families: int, within: float, seed: int = 0) -> np.ndarray:
    """Return columns in families, with a given correlation within each and none between them."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(rows, families))[:, np.arange(cols) * families // cols]
    own = rng.normal(size=(rows, cols))
    return np.asfortranarray(np.sqrt(within) * common + np.sqrt(1.0 - within) * own)


def couplings(A: np.ndarray) -> np.ndarray:
    """Absolute correlations, about zero, of columns."""
    unit = A / np.linalg.norm(A, axis=0)
    return np.abs(unit.T @ unit)


def draw_filter(path: Path, cols: int, rows: int) -> Iterator[str]:
    """Draw couplings of all pairs, and of the pairs that moved together with and without filter."""
    rng = np.random.default_rng(1)
    A = correlated(rows, cols, 5, within=0.5)
    given = {"A": A, "b": A @ np.maximum(rng.normal(size=cols), 0.0) + rng.normal(size=rows)}
    pairs = couplings(A)
    bins = np.linspace(0.0, 1.0, 41)
    with picture(path, 1, 2, (11.0, 4.0)) as (figure, ((left, right),)):
        image = left.imshow(pairs, cmap="magma", vmin=0.0, vmax=1.0)
        figure.colorbar(image, ax=left, label="coupling: |correlation|")
        left.set(xlabel="id", ylabel="id", title="all pairs of ids")
        for (name, rho), (_, line, colour) in zip(
            (("no filter", 1.0), (f"ρ = {RHO}", RHO)), STYLES[1:], strict=False
        ):
            schedule = Priority("cols", rho=rho, coupling=Correlation("A"), lease=8, micro=4)
            blocks, result = recorded(schedule, given, 30)
            together: dict[int, list[int]] = {}
            for micro, _, ids in blocks:
                together.setdefault(micro, []).extend(ids.tolist())
            moved = [pairs[i, j] for ids in together.values() for i, j in combinations(ids, 2)]
            right.hist(moved, bins, histtype="step", ls=line, color=colour, lw=1.8, label=name)
            counts, strong = result.statistics["schedules"]["main"], np.array(moved) >= RHO
            yield (
                f"filter, {name}: {counts['dispatched']} dispatched, {counts['deferred']} deferred,"
                f" {len(moved)} pairs moved together, largest coupling {max(moved):.3f}, "
                f"{strong.mean():.0%} of them at least {RHO}"
            )
        right.axvline(RHO, color="grey", lw=1)
        right.set(xlabel="coupling of two ids that moved together", ylabel="pairs", yscale="log",
                  title="pairs that moved together")  # fmt: skip
        right.legend()


# -- what that does to divergence --------------------------------------------------------------


def draw_divergence(path: Path, cols: int, cap: int) -> Iterator[str]:
    """Draw the objective of a Lasso against updates, for more and more ids that move together."""
    rng = np.random.default_rng(2)
    X = correlated(4 * cols, cols, 20, within=0.8)
    y = X[:, :: cols // 20] @ rng.normal(size=len(range(0, cols, cols // 20)))
    problem = Design("families", X, y - y.mean())
    start = problem.objective_at_zero
    arms = (("random", 1.0, "random, no filter"), ("priority", 1.0, "priority, no filter"),
            ("both", RHO, f"priority, ρ = {RHO}"))  # fmt: skip
    most = (4, 16, 64)
    with picture(path, 1, len(most), (11.0, 3.6)) as (_, grid):
        for axes, together in zip(grid.flat, most, strict=True):
            for (arm, rho, name), (_, line, colour) in zip(arms, STYLES[1:], strict=False):
                setting = Setting("", 10.0, arm, 4, together // 4, rho, cap=cap)
                way, _ = follow(arm_program(problem, setting), setting, start)
                epochs = np.append(0.0, way["updates"]) / cols
                gap = np.append(1.0, way["gap"])
                axes.plot(epochs, gap, ls=line, color=colour, label=name)
                last = way["objective"].iloc[-1] / start
                used = way["updates"].iloc[-1] / way["rounds"].iloc[-1]
                yield (
                    f"divergence, {together} together, {name}: gap {gap[-1]:.1e} after "
                    f"{epochs[-1]:.1f} epochs, objective {last:.3g} of the start, "
                    f"{used:.1f} ids in the mean micro-round"
                )
            axes.axhline(1.0, color="grey", lw=0.6)
            axes.set(xlabel="epochs (updates / ids)", yscale="log", ylim=(1e-6, 300.0),
                     xlim=(-0.5, 31), title=f"{together} ids move together")  # fmt: skip
        grid[0, 0].set_ylabel("relative duality gap")
        grid[0, 0].legend(fontsize=8)
    yield f"divergence: spectral radius of {cols} unit columns {problem.radius:.0f}"
