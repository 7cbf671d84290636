"""``python -m bench.large COMMAND …``: the Lasso at ten million variables."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from bench.large.options import COLUMNS, parsed

#: Command → the sizes that it runs at.
COMMANDS = {"generate": COLUMNS, "fit": COLUMNS, "peers": COLUMNS[1:],
            "growth": (10_000, *COLUMNS)}  # fmt: skip


def main(arguments: list[str] | None = None) -> Any:
    """Hand the remaining arguments to a command."""
    name, *words = (sys.argv[1:] if arguments is None else arguments) or [""]
    if name not in COMMANDS:
        sys.exit(f"usage: python -m bench.large {{{','.join(COMMANDS)}}} [--help]")
    module = importlib.import_module(f"bench.large.{name}")
    return module.main(parsed(name, str(module.__doc__).split("\n")[0], COMMANDS[name], words))


if __name__ == "__main__":
    main()
