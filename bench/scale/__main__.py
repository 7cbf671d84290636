"""``python -m bench.scale``: what 2 to 64 nodes may be expected to gain.

python -m bench.scale                  # count and measure, into docs/evidence/scale.csv
python -m bench.scale --check          # the model beside two ranks of MPI, into docs/clusters.md
python -m bench.scale --draw           # only tables and picture, from the rows that are there
"""

from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from threadpoolctl import threadpool_limits
from typer import Option

from bench.evidence import renew
from bench.harness.command import command
from bench.harness.tables import Rows
from bench.scale import tables
from bench.scale.check import checked
from bench.scale.counting import rows_of
from bench.scale.problems import problems

DOCS = Path(__file__).resolve().parents[2] / "docs"
NODES = (1, 2, 4, 8, 16, 32, 64)


def main(
    fits: list[str] = ("Lasso", "MF", "LDA"),
    most: Annotated[int, Option(help="largest number of nodes")] = 64,
    scale: Annotated[float, Option(help="multiplies samples, features, users, documents")] = 1.0,
    timed: Annotated[int, Option(help="ranks of which the time is taken")] = 8,
    repeats: Annotated[int, Option(help="how often each is timed")] = 3,
    draw: Annotated[bool, Option(help="measure nothing")] = False,
    check: Annotated[bool, Option(help="compare the model with two ranks of MPI instead")] = False,
    tiny: Annotated[bool, Option(help="does it run at all; writes nothing into docs")] = False,
    out: Annotated[Path, Option(help="folder of the site's sources")] = DOCS,
) -> list[dict[str, Any]]:
    """Count epochs and bytes, measure the work of ranks, and model seconds on two networks."""
    name, scale = "scale-check" if check else "scale", 0.005 if tiny else scale
    file = out / "evidence" / f"{name}.csv"
    if not draw:
        rows, repeats = Rows(name, file.parent), 1 if tiny else repeats
        nodes = [count for count in NODES if count <= (2 if tiny else most)]
        with threadpool_limits(1):
            for problem in problems(scale, fits):
                print(f"{problem.name}: {problem.size}", flush=True)
                made = (
                    checked(problem, scale, repeats)
                    if check
                    else rows_of(problem, nodes, timed, repeats)
                )
                for row in made:
                    rows.add(row)
    known = pd.read_csv(file)
    for make in tables.TABLES[name][0]:
        make(known).show(caption=not draw)
    if not check:
        tables.draw(known, out / "figures" / "clusters-scale.png")
    document = out / "clusters.md"
    if document.exists():
        renew(document, file.parent)
    found: list[dict[str, Any]] = known.to_dict("records")
    return found


if __name__ == "__main__":
    command(main)
