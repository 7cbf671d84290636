"""How strongly the variables of a problem depend on each other, from a sample of them.

Of linear models two columns depend on each other by their correlation. The sample has the columns
with the highest scores, as these are the ones that will move; of a support vector machine it has
random rows, since its variables belong to samples. Ratings and tokens depend on each other if they
share a user or an item, a document or a word.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.extmath import row_norms

from strads.diagnosis.trials.problems import Problem, entries_of, product, scores

#: Thresholds ρ for which widths are told.
RHOS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8)
#: Columns of the sample, rows of the part of X they are read in, and steps of the power method.
COLUMNS, ROWS, STEPS = 384, 20_000, 12
#: Entries of X that the power method may read in a step; a part of the rows if there are more.
ENTRIES = 8_000_000
#: Ids of a micro-round for which rejections are told: eight for each of two workers.
TOGETHER = 16
#: Columns may move together as long as the filter puts off at most this share of them.
REJECTED = 0.1
#: No width is told that is larger.
WIDEST = 1_000_000


@dataclass(frozen=True)
class Dependence:
    """Dependence of the variables.

    Attributes
    ----------
    between : str
        What was compared.
    sampled : int
        How many of them.
    median, ninetieth, largest : float
        Quantiles of the absolute correlations of the sampled pairs; not a number if pairs conflict
        or do not.
    conflicting : dict of float to float
        By ρ, the share of the pairs that may not move together.
    safe_width : dict of float to int
        By ρ, how many may move together while the filter puts off a tenth of them at most.
    rejected : dict of float to float
        By ρ, the share of ids that the filter puts off if two workers have eight ids each.
    spectral_radius : float
        Largest eigenvalue of the matrix of all correlations, by power steps; not a number if it was
        not computed.
    shotgun_width : int
        The number of variables divided by the spectral radius: so many may move at once, drawn at
        random and without a filter (Bradley et al., ICML 2011); 0 if it was not computed.
    """

    between: str
    sampled: int
    median: float
    ninetieth: float
    largest: float
    conflicting: dict[float, float]
    safe_width: dict[float, int]
    rejected: dict[float, float]
    spectral_radius: float
    shotgun_width: int


def measure_dependence(problem: Problem, X: Any, y: Any, seed: int) -> Dependence:
    """Measure the dependence of the variables from a sample, in bounded memory."""
    rng = np.random.default_rng(seed)
    if problem.name in ("mf", "lda"):
        return _shared(problem, X)
    if problem.name == "svm":
        columns = _some(X, COLUMNS, rng).T
        radius, size, between = math.nan, 0, "random rows"
    else:
        columns = _some(X[:, highest(X, y)], ROWS, rng)
        radius = spectral_radius(bounded(X, rng), rng)
        size, between = X.shape[1], "columns with the highest scores"
    pairs = np.abs(correlations(columns, centred=problem.name != "svm"))
    most = X.shape[0] if problem.name == "svm" else X.shape[1]
    pairs = pairs[np.triu_indices(len(pairs), 1)]
    if len(pairs) == 0:
        pairs = np.zeros(1)
    shares = {rho: float(np.mean(pairs > rho)) for rho in RHOS}
    median, ninetieth, largest = (float(np.quantile(pairs, q)) for q in (0.5, 0.9, 1.0))
    return Dependence(
        between, columns.shape[1], median, ninetieth, largest, shares,
        {rho: min(width(share), most) for rho, share in shares.items()},
        {rho: rejections(share, TOGETHER) for rho, share in shares.items()},
        radius, int(size / radius) if radius > 0.0 else 0,
    )  # fmt: skip


def highest(X: Any, y: np.ndarray) -> np.ndarray:
    """Return the columns with the highest scores, for columns of length one."""
    squares = row_norms(X.T, squared=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(squares > 0.0, np.abs(scores(X, y)) / np.sqrt(squares), -1.0)
    count = min(COLUMNS, len(found))
    chosen = np.argpartition(-found, count - 1)[:count]
    return np.sort(chosen[found[chosen] >= 0.0])


def correlations(columns: Any, *, centred: bool) -> np.ndarray:
    """Return the correlations of some columns; those of zeros are 0."""
    count = columns.shape[0]
    if sp.issparse(columns):
        columns = sp.csc_array(columns)
        products = (columns.T @ columns).toarray().astype(np.float64)
        sums = np.asarray(columns.sum(axis=0)).ravel()
    else:
        columns = np.asarray(columns, dtype=np.float64)
        products, sums = columns.T @ columns, columns.sum(axis=0)
    if centred:
        products -= np.outer(sums, sums) / count
    lengths = np.sqrt(np.maximum(np.diag(products), 0.0))
    lengths[lengths <= 1e-9 * max(lengths.max(initial=0.0), 1e-300)] = np.inf
    return products / np.outer(lengths, lengths)


def centred_lengths(X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the means of the columns, and their lengths without them."""
    count = X.shape[0]
    squares = row_norms(X.T, squared=True)
    means = np.asarray(X.sum(axis=0)).ravel() / count
    found = np.sqrt(np.maximum(squares - count * means**2, 0.0))
    found[found <= 1e-6 * np.sqrt(squares)] = 0.0  # a constant column, but for rounding
    return means, found


def spectral_radius(X: Any, rng: np.random.Generator) -> float:
    """Return the largest eigenvalue of the correlations of all columns, by power steps."""
    means, lengths = centred_lengths(X)
    inverse = np.where(lengths > 1e-9 * max(lengths.max(initial=0.0), 1e-300), lengths, np.inf)
    v = rng.standard_normal(X.shape[1])
    radius = 0.0
    for _ in range(STEPS):
        size = np.linalg.norm(v)
        if size == 0.0:
            break
        u = v / size / inverse
        image = product(X, u) - means @ u
        v = (product(X.T, image) - means * image.sum()) / inverse
        radius = float(np.linalg.norm(v))
    return radius


def width(share: float) -> int:
    """Return how many may move together if a share of the pairs conflicts."""
    if share <= 0.0:
        return WIDEST
    if share >= 1.0:
        return 1
    return int(min(1.0 + math.log1p(-REJECTED) / math.log1p(-share), WIDEST))


def rejections(share: float, together: int) -> float:
    """Return the expected share of `together` ids that conflict with one before them."""
    return float(np.mean([1.0 - (1.0 - share) ** k for k in range(together)]))


def _shared(problem: Problem, X: Any) -> Dependence:
    """Return how often two ratings, or two tokens, share their row or their column."""
    sums = (
        _counts(X) if problem.name == "mf" else [np.asarray(X.sum(axis=k)).ravel() for k in (0, 1)]
    )
    total = max(float(sums[0].sum()), 1.0)
    share = min(sum(float(np.square(each / total).sum()) for each in sums), 1.0)
    what = f"{'ratings' if problem.name == 'mf' else 'tokens'} that share {problem.rows} or "
    return Dependence(
        what + problem.columns, entries_of(X), math.nan, math.nan, math.nan,
        dict.fromkeys(RHOS, share), dict.fromkeys(RHOS, width(share)),
        dict.fromkeys(RHOS, 0.0),  # slices of columns rotate, so none is put off
        math.nan, 0,
    )  # fmt: skip


def _counts(X: Any) -> list[np.ndarray]:
    """Return how many entries the columns and the rows have."""
    if not sp.issparse(X):
        return [np.count_nonzero(X, axis=axis).astype(np.float64) for axis in (0, 1)]
    rows = sp.csr_array(X)
    return [
        np.bincount(rows.indices, minlength=rows.shape[1]).astype(np.float64),
        np.diff(rows.indptr).astype(np.float64),
    ]


def bounded(X: Any, rng: np.random.Generator) -> Any:
    """Return X, or so many of its rows that they have few entries."""
    entries = entries_of(X)
    if entries <= ENTRIES:
        return X
    return _some(X, max(int(X.shape[0] * ENTRIES / entries), 2), rng)


def _some(X: Any, count: int, rng: np.random.Generator) -> Any:
    """Return random rows, or all if there are no more."""
    if X.shape[0] <= count:
        return X
    return X[np.sort(rng.choice(X.shape[0], count, replace=False))]
