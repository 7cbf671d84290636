"""``python -m bench.evidence``: measure, draw and tabulate what `docs/evidence.md` shows.

    python -m bench.evidence --quick      # the shape of every figure, in less than ten minutes
    python -m bench.evidence              # everything, into docs/evidence; some hours on two cores
    python -m bench.evidence --tables     # only the tables, from the rows that are there

A document says ``<!-- table: NAME -->`` and, further down, ``<!-- end -->``; what is between is
replaced by the table. Those of `docs/evidence.md` are renewed whenever its folder of rows is read.
"""

import re
from pathlib import Path
from typing import Annotated, Final

import pandas as pd
from typer import Option

from bench.engine.round_model import TABLES as OF_ROUNDS
from bench.harness.command import command
from bench.harness.pictures import STYLES, picture
from bench.harness.tables import RESULTS, made
from bench.large import __main__ as large
from bench.large import tables as of_large
from bench.scale.tables import TABLES as OF_NODES
from bench.schedules import __main__ as schedules
from bench.schedules import tables as of_schedules
from strads.engine import available_cores

FULL: Final = Path(__file__).resolve().parents[1] / "docs" / "evidence"
DOCUMENT: Final = FULL.with_suffix(".md")
QUICK: Final = RESULTS / "evidence-quick"
MARKED: Final = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
TABLES: Final = {**of_schedules.TABLES, **of_large.TABLES, **OF_ROUNDS, **OF_NODES}


def main(
    quick: Annotated[bool, Option(help="in less than ten minutes")] = False,
    tiny: Annotated[bool, Option(help="random data: does it run at all")] = False,
    tables: Annotated[bool, Option(help="measure nothing")] = False,
    out: Annotated[Path | None, Option(help="folder of rows and figures")] = None,
) -> None:
    """Run all experiments, unless only tables are wanted.

    The full run goes on where it was interrupted, as far as schedules are concerned.
    """
    small = quick or tiny
    folder = out or (QUICK if small else FULL)
    if not tables:
        schedules.main(jobs=available_cores(), quick=quick, tiny=tiny, out=folder)
        for name in ("fit", "growth") if small else ("fit", "peers", "growth"):
            large.main(name, quick=quick, tiny=tiny, out=folder)
        draw_growth(folder)
    if folder.resolve() == FULL:
        renew(DOCUMENT, folder)
    size = "-tiny" if tiny else "-quick" if quick else ""
    print("\n\n".join(texts(folder, size).values()))


def texts(folder: Path, size: str = "") -> dict[str, str]:
    """Tables in Markdown by name, of the files of rows that are there.

    The names of the files of schedules end in `size` where the run was a smaller one.
    """
    rows = {path.stem.removesuffix(size): pd.read_csv(path) for path in folder.glob("*.csv")
            if path.stem.endswith(size) or path.stem.startswith("large")}  # fmt: skip
    return {name: "\n\n".join(table.markdown() for table in tables)
            for name, tables in made(TABLES, rows).items()}  # fmt: skip


def renew(document: Path, folder: Path) -> None:
    """Replace the tables of a document by those of the rows in a folder."""
    known = texts(folder)

    def found(match: re.Match[str]) -> str:
        name = match[2]
        return f"{match[1]}{known[name]}\n\n{match[3]}" if name in known else match[0]

    document.write_text(MARKED.sub(found, document.read_text()))


def draw_growth(folder: Path) -> None:
    """Draw ``large-growth.png``: seconds and bytes against the number of columns."""
    fits = pd.read_csv(folder / "large-growth-fits.csv")
    workers = fits["solver"].str.removeprefix("strads-")
    fits["line"] = workers + workers.map(lambda n: " worker" if n == "1" else " workers")
    plain = pd.read_csv(folder / "large-growth.csv").rename(columns={"schedule": "line"})
    most = plain["workers"].max()
    shown = (
        ("seconds of a fit", fits, "seconds", 1.0),
        ("GiB, all processes", fits, "peak_bytes", 2.0**-30),
        (f"ns a dispatched id, {most} workers", plain[plain["workers"] == most], "id_seconds", 1e9),
    )
    with picture(folder / "large-growth.png", 1, 3, (10.5, 3.2)) as (_, grid):
        for axes, (title, rows, column, factor) in zip(grid.flat, shown, strict=True):
            lines = zip(rows.groupby("line"), STYLES, strict=False)
            for (name, mine), (mark, line, colour) in lines:
                axes.plot(mine["columns"], mine[column] * factor, marker=mark, ls=line,
                          color=colour, label=str(name))  # fmt: skip
            axes.set_title(title, fontsize=9)
            axes.set(xscale="log", yscale="log", xlabel="columns")
            axes.tick_params(which="both", labelsize=7)
            axes.legend(fontsize=7)


if __name__ == "__main__":
    command(main)
