"""The model of a part as a start for the whole, or for a larger part."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from strads.diagnosis.pilot.part import Part
from strads.diagnosis.trials.problems import Problem
from strads.engine import DataError


def whole_model(problem: Problem, model: Any, part: Part, columns: int) -> Any:
    """Return a model of all features with the weights of a part, which a fit can start from.

    It has ``warm_start=True``. Its weights are zero elsewhere. If features were left out, nothing
    is certified for it.
    """
    if not problem.target:
        return model  # more users or documents are added by its partial_fit
    model.set_params(callbacks=None, warm_start=True)
    if len(part.chosen) == columns:
        return model
    weights = np.zeros((*model.coef_.shape[:-1], columns))
    weights[..., part.chosen] = model.coef_
    model.coef_, model.n_features_in_ = weights, columns
    gap = np.asarray(model.dual_gap_, dtype=np.float64)
    model.dual_gap_ = math.inf if gap.ndim == 0 else np.full_like(gap, math.inf)
    model.certified_, model.verdict_ = False, "callback"
    if hasattr(model, "feature_names_in_"):
        del model.feature_names_in_
    return model


def start_of(problem: Problem, model: Any, start: Any, part: Part, columns: int) -> None:
    """Give a model that is not fitted yet the weights of an earlier one to start from.

    Raises
    ------
    DataError
        If the problem cannot start from another model, or the earlier one has other features.
    """
    if not problem.target:
        raise DataError(
            f"problem={problem.name!r} cannot start from another model; leave start out, and add "
            f"{problem.rows} to a fitted model by its partial_fit"
        )
    weights = np.asarray(start.coef_)
    if weights.shape[-1] != columns:
        raise DataError(f"start has {weights.shape[-1]} features, X has {columns}; give that of X")
    model.set_params(warm_start=True)
    model.coef_, model.intercept_ = weights[..., part.chosen].copy(), start.intercept_
    if problem.name == "svm" and hasattr(start, "dual_coef_"):
        model.dual_coef_ = start.dual_coef_  # it belongs to the samples, which are the same


def loaded(problem: Problem, start: Any) -> Any:
    """Return the model to start from, which may be the folder of a run."""
    if not isinstance(start, (str, Path)):
        return start
    path = Path(start) / "model.npz"
    if not path.is_file():
        raise DataError(f"{start} holds no model.npz; give a folder that strads pilot --out wrote")
    return problem.estimator.load(path)  # type: ignore[attr-defined]
