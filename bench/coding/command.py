"""``python -m bench.compare coding``: dictionary learning to an equal objective.

The target is what scikit-learn's coordinate descent has after a few epochs over all signals, from
the same first atoms; other solvers make as few epochs as reach it, which are looked for untimed.
"""

from typing import Annotated, Any

from typer import Option

from bench.coding.problem import Dictionary
from bench.harness.race import Entry, Race, show_race
from bench.harness.tables import keep

COLUMNS = [
    ("epochs", "{iterations}"), ("objective", "{value:.6f}{missed}"), ("error ≤", "{error:.1e}"),
    ("weights", "{weights:.1f}"), ("idle", "{idle:.3f}"),
]  # fmt: skip


def main(
    signals: Annotated[int, Option(help="patches")] = 250_000,
    atoms: list[int] = (64, 256),
    alpha: Annotated[float, Option(help="the mean length of a patch is 1")] = 0.1,
    epochs: Annotated[int, Option(help="epochs of scikit-learn, which set the target")] = 10,
    target: Annotated[float, Option(help="the objective itself; 0: that of scikit-learn")] = 0.0,
    workers: Annotated[list[int], Option(help="0: the number that strads chooses")] = (1, 2),
    peers: list[str] = ("sklearn-1", "spams-1", "spams-2"),
    batches: Annotated[bool, Option(help="mini-batches as well")] = False,
    limit: Annotated[float, Option(help="seconds after which no solver goes on")] = 900.0,
    fit_limit: Annotated[
        float, Option(help="seconds after which a single fit of a peer is ended; 0: never")
    ] = 0.0,
    repeats: Annotated[int, Option(help="timed fits of every solver")] = 5,
    cold: Annotated[bool, Option(help="time fresh processes as well")] = False,
    tiny: Annotated[bool, Option(help="few patches and atoms: does it run at all")] = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """Time to the objective that scikit-learn reaches; patches of the photographs it ships."""
    names = [f"strads-{each}" for each in workers]
    names += [f"strads-batches-{each}" for each in workers if batches]
    names += Dictionary.present(peers)
    rows: list[dict[str, Any]] = []
    for count in (6,) if tiny else atoms:
        problem = Dictionary("tiny" if tiny else "images", signals, count, alpha)
        reference, aim = "sklearn-1", target
        if aim == 0.0:
            first = problem.measured(reference, {"iterations": epochs})
            print(f"{reference}: {epochs} epochs, {first['seconds']:.1f} s, {first['value']:.6f}")
            aim = first["value"] * (1.0 + 1e-5)
        entries = [
            Entry(name, {"iterations": epochs if name.startswith("sklearn-") else None}, aim)
            for name in names
        ]
        raced = Race(problem, limit=limit, fit_limit=fit_limit).run(
            entries, repeats=repeats, cold=cold
        )
        show_race(title(problem, aim), raced, COLUMNS)
        rows += raced
    if not tiny:
        keep("coding", rows)
    return rows


def title(problem: Dictionary, target: float) -> str:
    """What a table is of."""
    n, p = problem.load().shape
    return (f"{n:,} patches of {p} pixels, {problem.atoms} atoms, α = {problem.alpha:g}, "
            f"to {target:.6f}")  # fmt: skip
