"""``python -m bench.large peers``: scikit-learn and celer on the same designs, once each.

A fit in a process of its own, killed after 30 minutes or at 20 GiB. Their tolerances are the
target in their own terms; the judge says what they reached.
"""

from __future__ import annotations

from bench.harness.tables import Rows
from bench.large.fit import row, show_trials
from bench.large.options import Options
from bench.large.trial import TARGET, Trial, attempt
from bench.solvers import installed


def main(options: Options) -> list[Trial]:
    """Let every peer fit every size and α."""
    file, trials = Rows("large-peers", options.out), []
    for task in options.tasks():
        for name in options.solvers:
            if not installed(name):
                print(f"left out: {name} is not installed")
                continue
            trial = attempt(task, name, TARGET, options.limits, options.interval)
            file.add(**row(trial))
            trials.append(trial)
            print(f"{name}, {task.columns:,} columns, αmax/{task.divisor:g}: {trial.outcome}, "
                  f"{trial.seconds:.1f} s", flush=True)  # fmt: skip
    show_trials("peers, no intercept", trials)
    print("written:", file.path)
    return trials
