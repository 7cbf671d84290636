"""``python -m bench.evidence``: measure, draw and tabulate what `docs/evidence.md` shows.

    python -m bench.evidence --quick      # the shape of every figure, in less than ten minutes
    python -m bench.evidence              # everything, into docs/evidence; some hours on two cores
    python -m bench.evidence --tables     # only the tables, from the rows that are there

The tables of `docs/evidence.md` itself are renewed whenever its folder of rows is read.

The full run goes on where it was interrupted, as far as schedules are concerned.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.evidence import growth, tables
from bench.harness.tables import RESULTS
from bench.large import __main__ as large
from bench.schedules import __main__ as schedules
from strads.engine import available_cores

FULL = Path(__file__).resolve().parents[2] / "docs" / "evidence"
DOCUMENT = FULL.with_suffix(".md")
QUICK = RESULTS / "evidence-quick"


def main(arguments: list[str] | None = None) -> None:
    """Run all experiments, unless only tables are wanted."""
    options = _options(arguments)
    size = ["--tiny"] if options.tiny else ["--quick"] if options.quick else []
    folder = options.out or (QUICK if size else FULL)
    if not options.tables:
        where = ["--out", str(folder)]
        schedules.main(["--jobs", str(available_cores()), *size, *where])
        for name in ("fit", "growth") if size else ("fit", "peers", "growth"):
            large.main([name, *size, *where])
        growth.draw(folder)
    if folder.resolve() == FULL:
        tables.renew(DOCUMENT, folder)
    print(tables.everything(folder, f"-{size[0][2:]}" if size else ""))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.evidence", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="in less than ten minutes")
    size.add_argument("--tiny", action="store_true", help="random data: does it run at all")
    parser.add_argument("--tables", action="store_true", help="measure nothing")
    parser.add_argument("--out", type=Path, help="folder of rows and figures")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
