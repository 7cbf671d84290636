"""Options that several commands have, each described once.

Options are named after the parameters of the estimators. Where a shorter name is usual, both work:
``--workers`` and ``--n-workers``, ``--seed`` and ``--random-state``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from strads.cli.reports import demand_share

#: Options with another first name than the parameter of the estimator.
SHORT = {"n_components": "rank", "n_workers": "workers", "random_state": "seed"}

# -- every fit -------------------------------------------------------------------------------------

Workers = Annotated[
    int | None,
    typer.Option("--workers", "--n-workers", help="Number of workers; default: by the data."),
]
Seed = Annotated[
    int, typer.Option("--seed", "--random-state", help="Seed of all random choices of the run.")
]
Out = Annotated[
    Path | None,
    typer.Option(help="New folder for model.npz, run.json, events and results."),
]
Checkpoint = Annotated[
    Path | None, typer.Option(help="Folder in which the fit saves itself after every step.")
]
ResumeFrom = Annotated[
    Path | None,
    typer.Option(
        help="Folder of --checkpoint of the same fit, which goes on where it ended; it may be "
        "missing if it is that of this --checkpoint, too."
    ),
]
Start = Annotated[
    Path | None,
    typer.Option(
        metavar="RUN",
        help="Folder of an earlier run or pilot of the same model, whose weights "
        "the fit starts from.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print no progress, only the results.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="In a terminal, print a line for every step as well.")
]
MaxSeconds = Annotated[
    float | None,
    typer.Option(help="End the fit after the step in which so many seconds are used up."),
]
MaxMemory = Annotated[
    str | None,
    typer.Option(
        help="Leave X in its file (.npy, .bed, folder of strads convert), and stay below so much "
        "memory, such as '256 MB'."
    ),
]
Priorities = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="What is to be fitted first: a positive number for each feature (fit group: each "
        "group), npy or a line each; or csv with names and numbers, all others 1.",
    ),
]
MaxIter = Annotated[int, typer.Option(help="Largest number of epochs.")]
Schedule = Annotated[
    str,
    typer.Option(help="Schedule of solver ccd: round-robin, priority (rows that move) or auto."),
]
Dtype = Annotated[str, typer.Option(help="Type of the factors: float32 or float64.")]

# -- linear models ---------------------------------------------------------------------------------

Table = Annotated[
    Path, typer.Argument(help="CSV, Parquet, svmlight, MatrixMarket, npz or npy file.")
]
Target = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN|FILE", help="Column of a table with y (a number from 0 without header),"
        " or a file with y."
    ),
]  # fmt: skip
Intercept = Annotated[
    bool,
    typer.Option(
        "--intercept/--no-intercept", "--fit-intercept/--no-fit-intercept",
        help="Fit an intercept.",
    ),
]  # fmt: skip
Positive = Annotated[bool, typer.Option("--positive", help="Constrain the weights to w ≥ 0.")]
Gap = Annotated[float, typer.Option(help="Relative duality gap to reach.")]
ClassWeight = Annotated[str | None, typer.Option(help="balanced: every class counts the same.")]
Cost = Annotated[float, typer.Option("--C", help="Weight of the loss, as in scikit-learn.")]
InterceptScaling = Annotated[
    float,
    typer.Option(help="The feature whose weight is the intercept; a large one penalises it less."),
]
Alphas = Annotated[int, typer.Option(help="Number of penalties.")]
Eps = Annotated[float, typer.Option(help="Smallest penalty divided by the largest.")]

# -- factorisations --------------------------------------------------------------------------------

Rank = Annotated[
    int, typer.Option("--rank", "--n-components", help="Number of factors (components).")
]
Nonnegative = Annotated[
    bool, typer.Option("--nonnegative", help="Constrain factors to be ≥ 0 (solver ccd).")
]
Change = Annotated[
    float, typer.Option(help="Stop once the error or objective changes by a smaller share.")
]
EarlyStopping = Annotated[
    bool,
    typer.Option(
        "--early-stopping",
        help="Judge until the held-out figure improves no more, then fit all data with the best "
        "number of epochs.",
    ),
]
Patience = Annotated[
    int, typer.Option(help="Epochs without a better judgement until --early-stopping ends.")
]
Test = Annotated[
    float,
    typer.Option(
        callback=demand_share,
        help="Share of the data to judge a first fit on; 0: fit all data only, in half the time.",
    ),
]

# -- columns of tables -----------------------------------------------------------------------------

User = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN", help="Column of the users, if it has no usual name; a number from 0 "
        "without header."
    ),
]  # fmt: skip
Item = Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of the items, likewise.")]
Rating = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Column of the ratings, likewise.")
]
Drop = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Column of a table to leave out; may be given repeatedly."),
]

# -- use of a fitted model -------------------------------------------------------------------------

RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="Folder that strads fit … --out has written.")
]
ResultFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="File for the result, .csv, .tsv, .parquet, .npy or .npz; default: CSV on stdout.",
    ),
]
