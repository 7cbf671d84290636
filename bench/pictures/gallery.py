"""What the examples print, and pictures of their results."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.harness.pictures import STYLES, picture

EXAMPLES: Final = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))  # they import each other as scripts do


def record(out: Path, tiny: bool) -> Iterator[str]:
    """Run every example as its script does; keep what it prints, and draw its picture."""
    for path in sorted(EXAMPLES.glob("*.py")):
        module = import_module(path.stem)
        if not tiny:
            printed = io.StringIO()
            with redirect_stdout(printed):
                module.main()
            file = out / "gallery" / f"{path.stem}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(printed.getvalue())
            yield f"{path.name}: {printed.getvalue().count(chr(10))} lines"
        if path.stem in PICTURES:
            caption = PICTURES[path.stem](module, out / "figures" / f"gallery-{path.stem}.png",
                                          tiny)  # fmt: skip
            (out / "figures" / f"gallery-{path.stem}.txt").write_text(caption + "\n")


def _figures(result: Any, name: str) -> np.ndarray:
    return np.array([figures[name] for figures in result.history])


def _falling(path: Path, values: np.ndarray, label: str) -> None:
    with picture(path, size=(6.0, 3.2)) as (_, ((axes,),)):
        axes.semilogy(np.arange(1, len(values) + 1), values, color=STYLES[2][2])
        axes.set(xlabel="epoch", ylabel=label)


def own_program(module: Any, path: Path, tiny: bool) -> str:
    """Draw the certificate of every epoch."""
    A, b = module.problem()
    result = module.run(module.NNLS(A=A, b=b), workers=2, tol=1e-9, epochs=2000, seed=0,
                        executor="serial")  # fmt: skip
    _falling(path, _figures(result, "certificate"), "largest KKT residual")
    return "The largest KKT residual after every epoch."


def factorisation(module: Any, path: Path, tiny: bool) -> str:
    """Draw the error of every epoch."""
    result, _ = module.factorise(executor="serial", epochs=4 if tiny else 60)
    _falling(path, _figures(result, "rmse"), "RMSE of the known ratings")
    return "The root mean square error of the known ratings after every epoch."


def pagerank(module: Any, path: Path, tiny: bool) -> str:
    """Draw ranks against the place of a page."""
    links = module.problem()
    program = module.PageRank(links=links)
    x = module.run(program, workers=2, tol=1e-10, epochs=200, executor="serial").state["x"]
    with picture(path, size=(6.0, 3.2)) as (_, ((axes,),)):
        incoming = np.diff(links.indptr)
        axes.loglog(incoming + 1, x, ".", ms=2, color=STYLES[2][2])
        axes.set(xlabel="different pages that link here, + 1", ylabel="rank")
    return "Rank of every page against the number of pages that link to it."


def potts(module: Any, path: Path, tiny: bool) -> str:
    """Draw the lattice below and above the point where it orders itself."""
    side = 16 if tiny else 128
    with picture(path, 1, 2, (7.0, 3.6)) as (_, grid):
        for axes, beta in zip(grid.flat, (0.5, 1.5), strict=True):
            state = module.sample(side, beta=beta, executor="serial").state["s"]
            axes.imshow(state.reshape(side, side), cmap="viridis", interpolation="nearest")
            axes.set(xticks=[], yticks=[], title=f"β = {beta}")
    return "The states of all sites after 200 sweeps: a colour for each of the three states."


def ising(module: Any, path: Path, tiny: bool) -> str:
    """Draw the lattice after some sweeps, and the energy of every sweep."""
    side, sweeps = 16 if tiny else 64, 50 if tiny else 400
    result, _ = module.sample(side, sweeps, executor="serial")
    with picture(path, 1, 2, (8.0, 3.4)) as (_, ((left, right),)):
        left.imshow(result.state["s"].reshape(side, side), cmap="gray", interpolation="nearest")
        left.set(xticks=[], yticks=[], title=f"spins after {sweeps} sweeps")
        right.plot(_figures(result, "energy"), color=STYLES[2][2], lw=0.8)
        right.axhline(module.onsager(0.3), color=STYLES[1][2], ls="--", label="Onsager, exact")
        right.set(xlabel="sweep", ylabel="energy per site")
        right.legend()
    return "Spins of a smaller run at β = 0.3, and the energy per site of each of its sweeps."


PICTURES: Final[dict[str, Callable[[Any, Path, bool], str]]] = {
    "own_program": own_program,
    "pagerank": pagerank,
    "potts": potts,
    "sketch_factorisation": factorisation,
    "sketch_ising": ising,
}
