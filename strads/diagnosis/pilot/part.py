"""The part of a model that a pilot fits.

Of linear models these are the features with the highest scores |x_jᵀ(y − ȳ)|. With a penalty that
makes weights zero, the features of the solution are mostly among them. So the part has the support
of the whole, its inner problems cost the same, and only full passes are cheaper, whose time grows
with the entries. A random part of the features, or of the rows, would have another support, and
would predict nothing. And the weights of the part are weights of the whole, with zeros elsewhere.

Of ratings and documents it is a random part of the users or documents, with all items and words:
the time of a sweep grows with the entries, and the other users or documents can be added later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.diagnosis.trials.problems import Problem, scores

#: The least number of features, users or documents of a part.
LEAST = 50


@dataclass(frozen=True)
class Part:
    """A part of a problem.

    Attributes
    ----------
    X, y
        Its data.
    chosen : ndarray of int
        The features of linear models; else the users or documents.
    columns : bool
        Whether features were chosen.
    """

    X: Any
    y: Any
    chosen: np.ndarray
    columns: bool


def choose_part(problem: Problem, X: Any, y: Any, share: float, seed: int) -> Part:
    """Choose a part of a problem.

    Parameters
    ----------
    problem : Problem
    X, y
        The data.
    share : float
        Share of the features, users or documents, in (0, 1].
    seed : int
        Of the users or documents.
    """
    axis = 1 if problem.target else 0
    size = X.shape[axis]
    count = min(size, max(LEAST, round(share * size)))
    if count == size:
        return Part(X, y, np.arange(size), axis == 1)
    if axis == 0:
        chosen = np.sort(np.random.default_rng(seed).choice(size, count, replace=False))
        return Part(X[chosen], None, chosen, False)
    found = np.abs(_largest_scores(problem, X, y))
    chosen = np.sort(np.argpartition(-found, count - 1)[:count])
    return Part(X[:, chosen], y, chosen, True)


def _largest_scores(problem: Problem, X: Any, y: np.ndarray) -> np.ndarray:
    """Return the largest score of each feature; with several classes, each against all others."""
    labels = np.unique(y) if problem.labels else ()
    if len(labels) <= 2:
        return scores(X, y)
    found = np.zeros(X.shape[1])
    for label in labels:
        np.maximum(found, np.abs(scores(X, (y == label).astype(np.float64))), out=found)
    return found
