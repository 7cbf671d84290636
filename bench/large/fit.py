"""``python -m bench.large fit``: strads on large designs, to a judged gap of 1e-4.

A fit at each α for each number of workers, in a process of its own. *Seconds* are those of the fit,
with the check of X, what is compiled or loaded from the cache, and the start of the processes;
reading the design is not among them. *Peak* is the memory of all processes together, the mapped
design among it. Three files: the fits, the arrays of each (bytes by kind; which ones every worker
has a copy of), and the processes (proportional set sizes at the peak).
"""

from __future__ import annotations

from typing import Any

from bench.harness.tables import Rows, show
from bench.large.options import Options
from bench.large.trial import Trial, converging

GIB = 2.0**30


def main(options: Options) -> list[Trial]:
    """Fit at every size, α and number of workers."""
    files = [Rows(f"large-{name}", options.out) for name in ("fits", "arrays", "processes")]
    trials = []
    for task in options.tasks():
        for workers in options.workers:
            trial = converging(task, f"strads-{workers}", options.limits, options.interval)
            trials.append(trial)
            _write(trial, *files)
            _show(trial)
    show_trials("strads, no intercept", trials)
    print("written:", *(file.path for file in files))
    return trials


def key(trial: Trial) -> dict[str, Any]:
    """Columns that say what was fitted."""
    task = trial.task
    return {"columns": task.columns, "rows": task.rows, "seed": task.seed,
            "divisor": task.divisor, "solver": trial.solver}  # fmt: skip


def row(trial: Trial) -> dict[str, Any]:
    """Columns of a fit, the same in all files of fits."""
    found = trial.found
    words = ("gap", "nonzeros", "primal", "passes", "epochs", "working_set", "updates", "rounds",
             "first_pass_seconds", "score_seconds", "scored", "bytes_moved")  # fmt: skip
    prepare, phases = found.get("prepare", {}), found.get("phases", {})
    return key(trial) | {
        "tol": trial.tol, "outcome": trial.outcome, "seconds": trial.seconds,
        "peak_bytes": trial.peak, **{word: found.get(word) for word in words},
        **{f"{word}_seconds": prepare.get(word) for word in ("layout", "compile", "start")},
        "compiled": " ".join(found.get("compiled", [])),
        "phases": " ".join(f"{name}={seconds:.3f}" for name, seconds in phases.items()),
    }  # fmt: skip


def show_trials(title: str, trials: list[Trial]) -> None:
    """Print a line for each fit."""
    head = ("columns, α", "solver", "outcome", "gap", "nonzeros", "working set", "passes",
            "seconds", "compile s", "peak GiB")  # fmt: skip
    show(title, head, [_line(trial) for trial in trials])


def _line(trial: Trial) -> tuple[str, ...]:
    found = trial.found

    def text(word: str, form: str) -> str:
        return f"{found[word]:{form}}" if word in found else "–"

    compiled = f"{found['prepare']['compile']:.2f}" if "prepare" in found else "–"
    return (f"{trial.task.columns:,}, αmax/{trial.task.divisor:g}", trial.solver, trial.outcome,
            text("gap", ".1e"), text("nonzeros", ",d"), text("working_set", ",d"),
            text("passes", "d"), f"{trial.seconds:.2f}", compiled,
            f"{trial.peak / GIB:.2f}")  # fmt: skip


def _write(trial: Trial, fits: Rows, arrays: Rows, processes: Rows) -> None:
    fits.add(**row(trial))
    for array in trial.found.get("bytes", []):
        arrays.add(**key(trial), **array)
    for process, size in trial.shares.items():
        processes.add(**key(trial), process=process, bytes=size)


def _show(trial: Trial) -> None:
    """Print where memory and time went."""
    title = f"{trial.task.columns:,} columns, αmax/{trial.task.divisor:g}, {trial.solver}"
    show(f"{title}: arrays", ("kind", "bytes", "reserved beside", "replicated, all copies"),
         _kinds(trial.found.get("bytes", [])))  # fmt: skip
    show(f"{title}: processes at the peak", ("process", "proportional MiB"),
         [(name, f"{size / 2**20:,.1f}") for name, size in trial.shares.items()])  # fmt: skip
    phases = trial.found.get("phases", {})
    if phases:
        show(f"{title}: seconds by phase", ("phase", "seconds"),
             [(name, f"{seconds:.3f}") for name, seconds in phases.items()])  # fmt: skip


def _kinds(arrays: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """A line for each kind: bytes, reserved bytes, and every replicated array by name."""
    lines = []
    for kind in dict.fromkeys(array["kind"] for array in arrays):
        of = [array for array in arrays if array["kind"] == kind]
        held, reserved = (
            sum(array["bytes"] for array in of if array["reserved"] == beside)
            for beside in (False, True)
        )
        copies = [f"{array['array']} {array['bytes']:,}" for array in of if array["replicated"]]
        lines.append((kind, f"{held:,}", f"{reserved:,}", ", ".join(copies) or "none"))
    return lines
