"""The picture of placement in `docs/scheduling.md`: couplings across workers, and divergence."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.harness.pictures import STYLES, picture
from bench.harness.ways import varied
from bench.pictures.scheduling import correlated, couplings
from bench.programs.nnls import violation
from bench.programs.placed import OwnResiduals
from strads import Partition, RoundRobin, run
from strads.engine import NotFiniteError

WORKERS: Final = 2
FAMILIES: Final = 20


def draw(out: Path, tiny: bool) -> Iterator[str]:
    """Draw the couplings by worker, and the residuals of two workers and of one."""
    cols, together, epochs = (40, 8, 2) if tiny else (400, 64, 150)
    rng = np.random.default_rng(3)
    A = correlated(4 * cols, cols, FAMILIES, within=0.6)[:, rng.permutation(cols)]
    A = np.asfortranarray(A / np.linalg.norm(A, axis=0))
    b = A @ np.maximum(rng.normal(size=cols), 0.0) + 0.01 * rng.normal(size=4 * cols)
    placed = {
        "at random": rng.permutation(np.arange(cols) % WORKERS),
        "by similarity": owners(Partition.by_columns(A, WORKERS)),
    }
    pairs = couplings(A)
    np.fill_diagonal(pairs, 0.0)
    with picture(out / "figures" / "scheduling-placement.png", 1, 3, (11.0, 3.8)) as (_, grid):
        last = grid.flat[2]
        ways = {"one worker": (np.zeros(cols, np.int64), 1, "")}
        for axes, (name, mine) in zip(grid.flat, placed.items(), strict=False):
            order = np.argsort(mine, kind="stable")
            half = np.count_nonzero(mine == 0) - 0.5
            axes.imshow(pairs[np.ix_(order, order)], cmap="magma", vmin=0.0, vmax=1.0)
            axes.axhline(half, color="white", lw=1)
            axes.axvline(half, color="white", lw=1)
            axes.set(title=f"couplings, placed {name}", xticks=[], yticks=[])
            across = (pairs**2)[mine[:, None] != mine].sum() / (pairs**2).sum()
            yield f"placement {name}: {across:.0%} of the squared couplings across workers"
            ways[f"two, placed {name}"] = (mine, WORKERS, f"{across:.0%}")
        for (name, (mine, workers, _)), (_, line, colour) in zip(
            ways.items(), STYLES, strict=False
        ):
            path = residuals(A, b, mine, workers, together, epochs)
            last.plot(np.arange(len(path)), path, ls=line, color=colour, label=name)
            yield f"placement, {name}: residual {path[-1]:.1e} after {len(path) - 1} epochs"
        last.set(xlabel="epochs", yscale="log", ylim=(1e-6, 10.0),
                 title=f"residual, {together} ids at a time")  # fmt: skip
        last.legend(fontsize=7)


def owners(cut: Partition) -> np.ndarray:
    """Return the worker of every id."""
    found = np.empty(cut.size, np.int64)
    found[cut.order] = cut.holder(np.arange(cut.size))
    return found


def residuals(
    A: Any, b: np.ndarray, mine: np.ndarray, workers: int, together: int, epochs: int
) -> np.ndarray:
    """Relative KKT residual at the start and after every epoch, until it is hopeless."""
    schedule = RoundRobin("cols", lease=together)
    program = varied(OwnResiduals, schedule=schedule)(A=A, b=b)
    start, found = float(np.abs(A.T @ b).max()), []

    def hopeless(step: Any) -> bool:
        found.append(step.figures["certificate"] / start)
        return found[-1] > 1e6

    try:
        result = run(program, workers=workers, partition={"cols": mine}, epochs=epochs, seed=0,
                     executor="serial", align=False, instruments=hopeless)  # fmt: skip
        assert found[-1] > 1.0 or violation(A, b, result.state["w"]) < 1.1 * found[-1] + 1e-12
    except NotFiniteError:
        pass
    return np.array([1.0, *found])
