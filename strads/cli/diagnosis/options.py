"""Options that ``strads diagnose`` and ``strads pilot`` have in common."""

from __future__ import annotations

from typing import Annotated, Any

import typer

Problem = Annotated[
    str, typer.Option(help="What is to be fitted: lasso, logistic, svm, mf or lda.")
]
Alpha = Annotated[
    float | None,
    typer.Option(
        help="Penalty of lasso and logistic; default: of lasso, a twentieth of the largest that "
        "leaves anything in the model."
    ),
]
Cost = Annotated[float | None, typer.Option("--C", help="Weight of the loss of logistic and svm.")]
Rank = Annotated[int | None, typer.Option(help="Number of factors of mf.")]
Topics = Annotated[int | None, typer.Option(help="Number of topics of lda.")]
MaxIter = Annotated[
    int | None, typer.Option(help="Largest number of epochs or sweeps of the whole fit.")
]
Json = Annotated[bool, typer.Option("--json", help="Print everything as JSON instead of tables.")]
#: Parameter of an estimator → the option.
NAMES = {"n_components": "rank or --topics", "max_iter": "max-iter"}


def settings_of(
    problem: str, alpha: float | None, c: float | None, rank: int | None, topics: int | None,
    max_iter: int | None,
) -> dict[str, Any]:  # fmt: skip
    """Return the parameters of the estimator that options name.

    Raises
    ------
    ValueError
        If an option is not for this problem.
    """
    fitting = {
        "alpha": (alpha, ("lasso", "logistic")), "C": (c, ("logistic", "svm")),
        "rank": (rank, ("mf",)), "topics": (topics, ("lda",)),
    }  # fmt: skip
    for name, (value, problems) in fitting.items():
        if value is not None and problem not in problems:
            raise ValueError(f"--{name} is for --problem {' or '.join(problems)}, not {problem}")
    named = {
        "alpha": alpha, "C": c, "n_components": topics if rank is None else rank,
        "max_iter": max_iter,
    }  # fmt: skip
    return {name: value for name, value in named.items() if value is not None}
