"""The function ``strads.diagnose``."""

from __future__ import annotations

import time
from typing import Any

from strads.diagnosis.dependence import measure_dependence
from strads.diagnosis.diagnosis import Diagnosis
from strads.diagnosis.machine import measure_machine
from strads.diagnosis.movement import measure_movement
from strads.diagnosis.size import measure_size
from strads.diagnosis.trials.problems import checked_data, defaults, entries_of, problem_of
from strads.diagnosis.trials.speedup import model_of
from strads.diagnosis.trials.trial import make_trial
from strads.diagnosis.verdict import judge


def diagnose(
    X: Any, y: Any = None, *, problem: str = "lasso", seconds: float = 20.0, random_state: int = 0,
    **settings: Any,
) -> Diagnosis:  # fmt: skip
    """Find out what limits a fit on this machine: size, movement of data, or dependence.

    Fits with one and with two workers take turns for some seconds, on a part of the rows if the
    data are large. Their parts (work in kernels, waiting, handing over, the leader alone) give the
    time with any number of workers by the formula in :mod:`strads.diagnosis.trials.speedup`.
    Correlations are those of a sample. X is never made dense, and not all pairs of columns are
    compared.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_rows, n_columns)
        Features, or ratings of items by users ("mf"), or counts of words in documents ("lda").
    y : ndarray of shape (n_rows,), optional
        Target of "lasso", labels of "logistic" and "svm"; None for the others.
    problem : {"lasso", "logistic", "svm", "mf", "lda"}, default="lasso"
        What is to be fitted, by :class:`strads.Lasso`, :class:`strads.SparseLogisticRegression`,
        :class:`strads.LinearSVC`, :class:`strads.MatrixFactorization` or
        :class:`strads.LatentDirichletAllocation`.
    seconds : float, default=20.0
        Budget of the trial fits, which end at the end of a step: a full pass, or a sweep. The first
        fits of a machine compile kernels, which is not counted.
    random_state : int, default=0
        Seed of the samples.
    **settings
        Parameters of the estimator, such as ``alpha=0.1``. A Lasso without `alpha` gets a twentieth
        of the penalty that leaves nothing in the model.

    Returns
    -------
    Diagnosis
        ``print(diagnosis)`` tells everything; ``diagnosis.verdict.settings`` are the parameters of
        the estimator to use, and ``to_dict()`` returns everything for JSON.

    Raises
    ------
    ValueError
        If an argument or a parameter is wrong.
    DataError
        If X or y does not suit the problem.

    References
    ----------
    Karp, Flatt. Measuring parallel processor performance. CACM 33(5), 1990.
    Bradley, Kyrola, Bickson, Guestrin. Parallel coordinate descent for L1-regularized loss
    minimization. ICML 2011.
    """
    since = time.perf_counter()
    kind = problem_of(problem)
    if not seconds > 0.0:
        raise ValueError(f"seconds={seconds!r} must be above 0")
    for name in ("n_workers", "callbacks"):
        if name in settings:
            raise ValueError(f"{name!r} is chosen by the diagnosis; leave it out")
    X, y = checked_data(kind, X, y)
    given = defaults(kind, X, y, settings)
    model = kind.model(given)
    model._validate_params()
    machine = measure_machine()
    dependence = measure_dependence(kind, X, y, random_state)
    trial = make_trial(kind, X, y, given, float(seconds), random_state)
    moved = entries_of(X) * kind.bytes_per_entry(model)
    times = model_of(trial, machine, moved, int(model.max_iter) if kind.sweeps else None)
    size = measure_size(kind, X, y, model, times, machine.memory_left)
    return Diagnosis(
        problem, machine, size, measure_movement(machine, times, moved), dependence, trial,
        judge(kind, size, times, dependence, given), time.perf_counter() - since,
    )  # fmt: skip
