"""Predicted against measured speed-up of two workers, and verdicts: ``python -m bench.diagnosis``.

For each set, ``strads.diagnose`` first; then fits with one and with two workers take turns. The
predicted speed-up is right within 25 %. The verdict is right if the cause that it names is the one
that took most of the measured fits with two workers (or none, if two workers were at least 1.2
times as quick), or if both causes took about as much (within a fifth); and if the number of workers
that it would use is within a tenth of the quicker one.
"""

import itertools
import time
import warnings
from typing import Annotated, Any

import numpy as np
from rich.console import Console
from typer import BadParameter, Option

from bench.diagnosis.sets import DEFAULT, SETS, Asked
from bench.harness.command import command
from bench.harness.files import MissingData
from bench.harness.tables import Table, keep
from strads import diagnose
from strads.diagnosis.causes import CAUSES, Losses, losses_of
from strads.diagnosis.trials.parts import Parts, parts_of
from strads.diagnosis.trials.problems import problem_of
from strads.diagnosis.trials.trial import Watch, median
from strads.diagnosis.verdict import PAYS

#: A prediction is right if it is off by less than this share of what was measured.
WITHIN = 0.25
#: Fits of a set are repeated up to so many times as often while they have taken few seconds.
MOST, QUICK = 3, 5.0
#: Two causes that differ by less than this share, and two times likewise, count as alike.
ALIKE, CLOSE = 0.2, 0.1
COLUMNS = [
    ("set", "{name}"),
    ("1 worker s", "{one:.3f}"),
    ("2 workers s", "{two:.3f}"),
    ("speed-up", "{measured:.2f}"),
    ("predicted", "{predicted:.2f}"),
    ("off", "{off:+.0%}"),
    ("within 25 %", "{within}"),
    ("verdict", "{verdict}"),
    ("measured", "{cause}"),
    ("workers", "{workers}"),
    ("right", "{right}"),
    ("diagnose s", "{seconds:.1f}"),
]


def main(
    data: Annotated[list[str], Option(help=f"of {', '.join(SETS)}")] = DEFAULT,
    repeats: Annotated[int, Option(help="timed fits with each number of workers")] = 5,
    seconds: Annotated[float, Option(help="budget of the trial fits of a diagnosis")] = 15.0,
    limit: Annotated[float, Option(help="seconds after which a set has no further fits")] = 60.0,
    tiny: Annotated[bool, Option(help="generated data: does it run at all")] = False,
) -> list[dict[str, Any]]:
    """Compare predictions and verdicts with fits; about 7 min for the ten sets of the default."""
    rows: list[dict[str, Any]] = []
    for name in [each for each in SETS if each.startswith("tiny")] if tiny else data:
        if name not in SETS:
            raise BadParameter(f"--data {name}: give some of {', '.join(SETS)}")
        try:
            asked = SETS[name]()
        except MissingData as missing:
            Console().print(f"{name}: {missing}")
            continue
        rows.append(compared(name, asked, repeats, seconds, limit))
        Console(stderr=True).print(", ".join(text.format(**rows[-1]) for _, text in COLUMNS))
    Table("Diagnosis against fits", COLUMNS, rows).show()
    within, right = (sum(row[key] == "yes" for row in rows) for key in ("within", "right"))
    Console().print(f"within 25 %: {within} of {len(rows)}; verdict right: {right} of {len(rows)}")
    if rows and not tiny:
        keep("diagnosis", rows)
    return rows


def compared(name: str, asked: Asked, repeats: int, seconds: float, limit: float) -> dict[str, Any]:
    """Diagnose a problem, fit it with one and two workers, and return a row."""
    since = time.perf_counter()
    found = diagnose(asked.X, asked.y, problem=asked.problem, seconds=seconds, **asked.settings)
    took = time.perf_counter() - since
    ones, twos = measured(asked, repeats, limit)
    one, two = (float(np.median([each.wall for each in parts])) for parts in (ones, twos))
    predicted, speedup = found.movement.speedup[2], one / two
    losses = losses_of(median(twos), median(ones))
    cause = "none" if speedup >= PAYS else losses.largest
    if median(twos).workers == 1:
        cause = "size"
    off = predicted / speedup - 1.0
    workers = found.verdict.workers
    fine = (two if workers > 1 else one) <= (1.0 + CLOSE) * min(one, two)
    verdict = found.verdict.limits
    return {
        "name": name, "one": one, "two": two, "measured": speedup, "predicted": predicted,
        "off": off, "within": told(abs(off) <= WITHIN), "verdict": verdict, "cause": cause,
        "workers": workers, "right": told(fine and alike(verdict, cause, losses, speedup)),
        "seconds": took, "pairs": found.trial.pairs, "share": found.trial.share,
        "whole": found.trial.whole,
    }  # fmt: skip


def measured(asked: Asked, repeats: int, limit: float) -> tuple[list[Parts], list[Parts]]:
    """Fits with one and with two workers in turns, after one of each that does not count.

    Quick fits are repeated more often than asked for, since their times differ more.
    """
    begin = time.perf_counter()
    found: tuple[list[Parts], list[Parts]] = ([], [])
    for turn in itertools.count():
        if (turn > repeats and time.perf_counter() - begin > QUICK) or turn > MOST * repeats:
            break
        for parts, workers in zip(found, (1, 2), strict=True):
            each = fitted(asked, workers)
            if turn:
                parts.append(each)
        if turn and time.perf_counter() - begin > limit:
            break
    return found


def fitted(asked: Asked, workers: int) -> Parts:
    """The parts of a fit to its end."""
    problem, watch = problem_of(asked.problem), Watch(np.inf, None)
    model = problem.model({**asked.settings, "n_workers": workers, "callbacks": watch})
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        problem.fit(model, asked.X, asked.y)
    wall = time.perf_counter() - begin
    return parts_of(watch.runs or [model.statistics_], wall, watch.figures)


def alike(verdict: str, cause: str, losses: Losses, speedup: float) -> bool:
    """Whether a verdict is that of the measured fits, or one that is as good."""
    if verdict == cause:
        return True
    if "none" in (verdict, cause):
        return abs(speedup / PAYS - 1.0) <= CLOSE
    assert {verdict, cause} <= set(CAUSES)
    named, most = getattr(losses, verdict), getattr(losses, cause)
    return bool(named >= (1.0 - ALIKE) * most)


def told(yes: bool) -> str:
    """Yes or no."""
    return "yes" if yes else "no"


if __name__ == "__main__":
    command(main)
