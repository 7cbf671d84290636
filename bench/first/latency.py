"""What a user waits for besides work: imports, the command's answer, a first and a small fit.

Imports and commands are whole processes, in turns. The fits are those of `python -m bench.lasso` on
300 × 900 numbers: *cold* is a process with its imports, kernels cached; *warm* is a later fit.
"""

import importlib.util
import subprocess
import sys
from functools import partial
from itertools import islice
from typing import Annotated, Any

from typer import Option

from bench.harness.command import command
from bench.harness.tables import Table, keep
from bench.harness.ways import in_turns, spread
from bench.lasso.__main__ import main as lasso

IMPORTS = {
    "strads": "from strads import Lasso",
    "sklearn": "from sklearn.linear_model import Lasso",
    "celer": "from celer import Lasso",
    "skglm": "from skglm import Lasso",
}
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "strads --version": ["-m", "strads", "--version"],
    "strads --help": ["-m", "strads", "--help"],
    "strads fit lasso --help": ["-m", "strads", "fit", "lasso", "--help"],
}


def process(arguments: list[str]) -> None:
    """Run a Python process."""
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def main(
    repeats: int = 5,
    peers: Annotated[list[str], Option(help="for the fits")] = ("sklearn", "celer", "skglm"),
    tiny: Annotated[bool, Option(help="the first processes alone: does it run at all")] = False,
) -> list[dict[str, Any]]:
    """What a user waits for besides work: imports, the command's answer, a first and a small fit.

    Every solver reaches the same judged gap of 1e-6.
    """
    present = [text for name, text in IMPORTS.items() if importlib.util.find_spec(name)]
    ways = COMMANDS | {text: ["-c", text] for text in present}
    asked = dict(islice(ways.items(), 2)) if tiny else ways
    _, seconds = in_turns({name: partial(process, each) for name, each in asked.items()}, repeats)
    rows = [{"process": name, **spread(times)} for name, times in seconds.items()]
    Table("whole processes, seconds", [
        ("process", "{process}"), ("median", "{median:.2f}"),
        ("min – max", "{least:.2f} – {most:.2f}"),
    ], rows).show()  # fmt: skip
    if tiny:
        return rows
    keep("latency", rows)
    return rows + lasso(data=["small"], alphas=[10.0, 50.0], peers=list(peers), repeats=repeats)


if __name__ == "__main__":
    command(main)
