"""What the examples print, and pictures of the same runs."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from bench.harness.pictures import STYLES, picture

EXAMPLES: Final = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))  # they import each other as scripts do
#: Names in examples of what makes results: a run, or an estimator.
MAKERS: Final = ("run", "LatentDirichletAllocation", "GraphSampler", "DictionaryLearning")
BLUE: Final = STYLES[2][2]


def record(out: Path, tiny: bool) -> Iterator[str]:
    """Run every example as its script does; keep what it prints, and draw its picture."""
    for path in sorted(EXAMPLES.glob("*.py")):
        if tiny and path.stem != "own_program":
            continue
        module, printed = import_module(path.stem), io.StringIO()
        with redirect_stdout(printed), watched(module) as results:
            module.main()
        file = out / "gallery" / f"{path.stem}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(printed.getvalue())
        drawn = out / "figures" / f"gallery-{path.stem}.png"
        caption = PICTURES[path.stem](module, drawn, results)
        drawn.with_suffix(".txt").write_text(caption + "\n")
        yield f"{path.name}: {printed.getvalue().count(chr(10))} lines, {drawn.name}"


@contextmanager
def watched(module: ModuleType) -> Iterator[list[Any]]:
    """Collect the results, or estimators, that an example makes."""
    results: list[Any] = []
    made = {name: getattr(module, name) for name in MAKERS if hasattr(module, name)}

    def keeping(make: Callable[..., Any]) -> Callable[..., Any]:
        def keep(*given: Any, **options: Any) -> Any:
            results.append(make(*given, **options))
            return results[-1]

        return keep

    for name, make in made.items():
        setattr(module, name, keeping(make))
    try:
        yield results
    finally:
        for name, make in made.items():
            setattr(module, name, make)


def figures(result: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps whose history has a figure, counted from 1, and the figure."""
    history = result.history_ if hasattr(result, "history_") else result.history
    known = [(at, step[name]) for at, step in enumerate(history, start=1) if name in step]
    at, values = np.array(known).T
    return at, values


def falling(name: str, label: str, caption: str) -> Callable[[ModuleType, Path, list[Any]], str]:
    """Return what draws a figure of every epoch, on a logarithmic scale."""

    def draw(module: ModuleType, path: Path, results: list[Any]) -> str:
        with picture(path, size=(6.0, 3.4)) as (_, ((axes,),)):
            axes.semilogy(*figures(results[0], name), color=BLUE)
            axes.set(xlabel="epoch", ylabel=label)
        return caption

    return draw


def pagerank(module: ModuleType, path: Path, results: list[Any]) -> str:
    """Draw ranks against the number of links."""
    incoming = np.diff(module.problem().indptr)
    with picture(path, size=(6.0, 3.4)) as (_, ((axes,),)):
        axes.loglog(incoming + 1, results[0].state["x"], ".", ms=2, color=BLUE)
        axes.set(xlabel="pages that link here, + 1", ylabel="rank")
    return "The rank of every page against the number of pages that link to it."


def potts(module: ModuleType, path: Path, results: list[Any]) -> str:
    """Draw the lattice below and above the point where it orders itself."""
    with picture(path, 1, 2, (6.0, 3.4)) as (_, grid):
        for axes, beta, result in zip(grid.flat, (0.5, 1.5), results, strict=True):
            state = result.state["s"]
            axes.imshow(state.reshape(round(state.size**0.5), -1), interpolation="nearest")
            axes.set(xticks=[], yticks=[], title=f"β = {beta}")
    return "The states of all sites after 200 sweeps: a colour for each of the three states."


def ising(module: ModuleType, path: Path, results: list[Any]) -> str:
    """Draw the last spins, and the energy of the first sweeps."""
    spins = results[0].state["s"]
    at, energy = figures(results[0], "energy")
    with picture(path, 1, 2, (7.0, 3.4)) as (_, ((left, right),)):
        left.imshow(spins.reshape(round(spins.size**0.5), -1), cmap="gray",
                    interpolation="nearest")  # fmt: skip
        left.set(xticks=[], yticks=[], title=f"spins after {len(at):,} sweeps")
        right.plot(at[:400], energy[:400], color=BLUE, lw=0.8)
        right.axhline(module.onsager(0.3), color=STYLES[1][2], ls="--", label="Onsager, exact")
        right.set(xlabel="sweep", title="energy per site")
        right.legend()
    return "The last spins, and the energy per site of the first 400 sweeps."


def denoise(module: ModuleType, path: Path, results: list[Any]) -> str:
    """Draw the picture as it was seen, and how sure the model is of every pixel."""
    truth = module.image()
    flipped = np.random.default_rng(0).random(truth.shape) < 0.15
    seen = np.where(flipped, -truth, truth)
    means = results[0].magnetization_.reshape(truth.shape)
    with picture(path, 1, 3, (9.0, 3.2)) as (_, grid):
        shown = (("seen", seen), ("mean of the samples", means), ("truth", truth))
        for axes, (title, values) in zip(grid.flat, shown, strict=True):
            axes.imshow(values, cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
            axes.set(xticks=[], yticks=[], title=title)
    return "A picture with 15 % of its pixels flipped, the mean of 200 samples, and the truth."


def cooled(quantity: str, caption: str) -> Callable[[ModuleType, Path, list[Any]], str]:
    """Return what draws the energies of several coolings, and the best state of the slowest."""

    def draw(module: ModuleType, path: Path, results: list[Any]) -> str:
        state = results[-1].best_state_
        wide = round(state.size**0.5)
        with picture(path, 1, 2, (7.0, 3.4)) as (_, ((left, right),)):
            square = state[: wide * wide] if wide * wide <= state.size else state[: (wide - 1) ** 2]
            left.imshow(square.reshape(round(square.size**0.5), -1), cmap="gray",
                        interpolation="nearest")  # fmt: skip
            left.set(xticks=[], yticks=[], title="best state")
            for result in results:
                at, energy = figures(result, "energy")
                share = at / at[-1]
                right.plot(share, energy / state.size, lw=0.9, label=f"{result.n_sweeps} sweeps")
            right.set(xlabel="share of the sweeps", title=quantity)
            right.legend()
        return caption

    return draw


def topics(module: ModuleType, path: Path, results: list[Any]) -> str:
    """Draw the likelihood and the s-error of the sweeps that were judged."""
    names = ("log_likelihood_per_token", "s_error")
    with picture(path, 1, 2, (7.0, 3.4)) as (_, grid):
        for axes, name, title in zip(grid.flat, names, ("log-likelihood a token", "s-error"),
                                     strict=True):  # fmt: skip
            axes.plot(*figures(results[0], name), color=BLUE)
            axes.set(xlabel="sweep", title=title)
    return (
        "The likelihood of the sampled topics, and the s-error: by how much the workers' copies "
        "of the topic totals were off while they sampled."
    )


def atoms(module: ModuleType, path: Path, results: list[Any]) -> str:
    """Draw the atoms of a dictionary of patches, those of similar direction near each other."""
    found = results[0].components_
    side = round(len(found) ** 0.5)
    order = np.argsort(
        [np.abs(np.fft.fft2(a.reshape(module.SIDE, -1))).argmax() for a in found], kind="stable"
    )
    with picture(path, side, side, (5.0, 5.0)) as (_, grid):
        for axes, atom in zip(grid.flat, found[order], strict=True):
            axes.imshow(atom.reshape(module.SIDE, -1), cmap="gray", interpolation="nearest")
            axes.set(xticks=[], yticks=[])
    return "The atoms: edges and textures, of which a few make up any patch of the photograph."


RESIDUAL: Final = falling(
    "certificate", "largest violation",
    "By how much the conditions of the optimum are violated at most, after every epoch.",
)  # fmt: skip
PICTURES: Final[dict[str, Callable[[ModuleType, Path, list[Any]], str]]] = {
    "data_parallel_lasso": falling(
        "certificate", "relative duality gap", "The relative duality gap, every few iterations."
    ),
    "group_lasso": RESIDUAL,
    "logistic": RESIDUAL,
    "own_program": RESIDUAL,
    "pagerank": pagerank,
    "patch_dictionary": atoms,
    "potts": potts,
    "sketch_factorisation": falling(
        "rmse", "RMSE", "The root mean square error of the known ratings after every epoch."
    ),
    "sketch_ising": ising,
    "sketch_nnls": RESIDUAL,
    "svm": falling(
        "certificate", "relative duality gap", "The relative duality gap after every epoch."
    ),
    "topics": topics,
    "denoise": denoise,
    "spin_glass": cooled(
        "energy per site",
        "The state of lowest energy that the slowest cooling found, and the mean energy of the "
        "chains during each cooling.",
    ),
    "maxcut": cooled(
        "energy per node",
        "The camps of the best cut, node by node, and the mean energy of the chains during each "
        "cooling.",
    ),
}
