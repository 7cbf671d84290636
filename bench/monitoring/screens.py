"""``python -m bench.monitoring.screens``: the pictures in ``docs/live.md``, from fits that run.

Beside each fit the script reads the events in its folder, as ``strads top`` does from another
terminal, and draws them when the fit has come half of its way.

    python -m bench.monitoring.screens           # into docs/figures
    python -m bench.monitoring.screens --cost    # draws nothing: what an event and a picture cost
"""

import io
import math
import os
import re
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import scipy.sparse as sp
from rich.console import Console
from typer import Option

import strads
from bench.harness.command import command
from bench.harness.files import data_folder, there
from bench.topics.data import corpus
from strads.monitoring import LiveDisplay, read_events
from strads.monitoring.live.picture import Picture
from strads.monitoring.live.watched import Watched, note_of
from strads.monitoring.live.watching import KEYS

FIGURES: Final = Path(__file__).resolve().parents[2] / "docs" / "figures"
WIDTH: Final = 92
#: The fonts that rich would fetch from elsewhere; without them a reader's own is used.
FONT: Final = re.compile(r"\s*@font-face\s*\{.*?\}", re.DOTALL)
TOL: Final = 1e-8


def main(
    out: Annotated[Path, Option(help="folder of the pictures")] = FIGURES,
    cost: Annotated[bool, Option(help="only measure what drawing costs")] = False,
) -> None:
    """Fit, and draw."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "lasso"
        fit_lasso(run, lambda: save(Watched(run), {}, "strads fit lasso", out / "live.svg", cost))
        if cost:
            print_cost(run)
            return
        run = Path(folder) / "topics"
        fit_topics(run, lambda: save(Watched(run), KEYS, "strads top", out / "top.svg", cost))


def fit_lasso(run: Path, when_half: Callable[[], None]) -> None:
    """Fit a Lasso to news20, and call a function when half of the way to the gap is done."""
    folder = data_folder() / "news20"
    X, y = sp.load_npz(there(folder / "X.npz")), np.load(there(folder / "y.npy")).astype(float)
    alpha = 0.002 * np.abs(X.T @ (y - y.mean())).max() / len(y)
    done = [False]

    def after_step(step: strads.Step) -> None:
        if not done[0] and step.figures.get("certificate", math.inf) <= math.sqrt(TOL):
            done[0] = True
            when_half()

    strads.Lasso(
        alpha, tol=TOL, max_iter=100_000, n_workers=2, run_dir=run, callbacks=after_step
    ).fit(X, y)


def fit_topics(run: Path, when_half: Callable[[], None]) -> None:
    """Fit topics to uci-kos; a worker is killed on the way."""
    sweeps = 60

    def after_step(step: strads.Step) -> None:
        if step.epoch == sweeps // 3:
            os.kill(workers_of(run)["worker 1"], signal.SIGKILL)
        elif step.epoch == sweeps // 2:
            when_half()

    strads.LatentDirichletAllocation(
        50, max_iter=sweeps, n_workers=2, random_state=0, run_dir=run, callbacks=after_step
    ).fit(corpus("uci-kos"))


def workers_of(run: Path) -> dict[str, int]:
    """Return the processes of the run in a folder."""
    watched = Watched(run)
    watched.read()
    return watched.state.pids()


def save(watched: Watched, keys: dict[str, str], title: str, path: Path, cost: bool) -> None:
    """Draw a run as it is now."""
    if cost:
        return
    watched.read()
    console = Console(width=WIDTH, record=True, file=io.StringIO(), force_terminal=True)
    console.print(Picture(watched.state, time.time(), note_of(watched, keys)))
    path.parent.mkdir(parents=True, exist_ok=True)
    svg = FONT.sub("", console.export_svg(title=title, unique_id=path.stem))
    path.write_text(svg)
    print(f"{path}: {len(svg):,} bytes")


def print_cost(run: Path) -> None:
    """Print what an event and a picture cost, on a terminal that takes no time."""
    events = [one for one in read_events(next(run.rglob("events.jsonl"))) if "run" in one]
    display = LiveDisplay()

    def fold() -> None:
        for one in events:
            display(one)

    console = Console(width=WIDTH, file=io.StringIO(), force_terminal=True)
    microseconds = 1e6 * fastest(fold) / len(events)
    print(f"an event:  {microseconds:6.1f} µs, mean over {len(events)} of a Lasso")
    drawn: Any = Picture(display.state, time.time())
    print(f"a picture: {1e3 * fastest(lambda: console.print(drawn)):6.2f} ms, {WIDTH} columns")


def fastest(call: Callable[[], None], repeats: int = 50) -> float:
    """Return the seconds that the fastest of some calls takes."""
    times = []
    for _ in range(repeats):
        since = time.perf_counter()
        call()
        times.append(time.perf_counter() - since)
    return min(times)


if __name__ == "__main__":
    command(main)
