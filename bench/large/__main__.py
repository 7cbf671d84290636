"""``python -m bench.large COMMAND …``: the Lasso at ten million variables."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from bench.harness.memory import INTERVAL
from bench.large import commands, planted
from bench.large.trial import Limits

COLUMNS = (100_000, 1_000_000, 10_000_000)
QUICK = COLUMNS[:2]
TINY, TINY_ROWS = (2_000, 4_000), 500
#: Command → what it does, and the sizes that it runs at.
COMMANDS = {"generate": (commands.generate, COLUMNS), "fit": (commands.fit, COLUMNS),
            "peers": (commands.peers, COLUMNS[1:]),
            "growth": (commands.growth, (10_000, *COLUMNS))}  # fmt: skip


def main(arguments: list[str] | None = None) -> Any:
    """Run a command with the remaining arguments as its options."""
    name, *words = (sys.argv[1:] if arguments is None else arguments) or [""]
    if name not in COMMANDS:
        sys.exit(f"usage: python -m bench.large {{{','.join(COMMANDS)}}} [--help]")
    command, columns = COMMANDS[name]
    parser = _parser(name, str(command.__doc__).split("\n")[0], columns)
    options = parser.parse_args(words)
    options.limits = Limits(options.minutes, options.gib)
    if options.tiny:
        columns, options.rows, options.interval = TINY, TINY_ROWS, 0.05
    elif options.quick:
        columns = tuple(n for n in columns if n <= QUICK[-1])
    options.columns = options.columns or columns
    return command(options)


def _parser(command: str, summary: str, columns: tuple[int, ...]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"bench.large {command}", description=summary)
    cores = os.cpu_count() or 1
    parser.add_argument("--columns", nargs="+", type=int, help=f"by default {columns}")
    parser.add_argument("--rows", type=int, default=planted.ROWS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--divisors", nargs="+", type=float, default=[10.0, 50.0], help="αmax / α")
    parser.add_argument("--workers", nargs="+", type=int, default=range(1, cores + 1))
    parser.add_argument("--solvers", nargs="+", default=["sklearn", "celer"], help="of peers")
    parser.add_argument("--minutes", type=float, default=30.0, help="minutes that a fit may take")
    parser.add_argument("--gib", type=float, default=20.0, help="GiB that a fit may hold")
    parser.add_argument("--interval", type=float, default=INTERVAL, help="seconds a sample")
    parser.add_argument("--out", type=Path, help="folder of the results")
    parser.add_argument("--quick", action="store_true", help="a hundred thousand and a million")
    parser.add_argument("--tiny", action="store_true", help="does it run at all")
    return parser


if __name__ == "__main__":
    main()
