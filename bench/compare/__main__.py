"""``python -m bench.compare COMMAND …``: the comparisons by name."""

from __future__ import annotations

import importlib
import sys

#: Name of a comparison → its module, and what `main` is given before the arguments.
COMMANDS: dict[str, tuple[str, list[str]]] = {
    "mf": ("bench.compare.command", ["mf"]), "implicit": ("bench.compare.command", ["implicit"]),
    "netflix": ("bench.compare.large", []), "lda": ("bench.compare.lda.command", []),
}  # fmt: skip


def main() -> None:
    """Hand the remaining arguments to a command."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in COMMANDS:
        sys.exit(f"usage: python -m bench.compare {{{','.join(COMMANDS)}}} [--help]")
    module, given = COMMANDS[name]
    importlib.import_module(module).main(*given, sys.argv[2:])


if __name__ == "__main__":
    main()
