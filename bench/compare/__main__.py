"""``python -m bench.compare COMMAND …``: the comparisons by name."""

from __future__ import annotations

import importlib
import sys

COMMANDS = {"mf": "bench.compare.mf", "implicit": "bench.compare.implicit",
            "netflix": "bench.compare.large", "lda": "bench.compare.lda.command"}  # fmt: skip


def main() -> None:
    """Hand the remaining arguments to a command."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in COMMANDS:
        sys.exit(f"usage: python -m bench.compare {{{','.join(COMMANDS)}}} [--help]")
    importlib.import_module(COMMANDS[name]).main(sys.argv[2:])


if __name__ == "__main__":
    main()
