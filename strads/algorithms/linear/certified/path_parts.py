"""A regularization path in parts, which are solved at the same time.

Each model of a part starts from the one before; the first one starts as the first of the whole path
does, which costs as much as one to five others. So parts are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.algorithms.common.workers import workers_for
from strads.algorithms.linear.certified.certified_data import CertifiedData
from strads.algorithms.linear.certified.certified_path import CertifiedPath, PathPoint
from strads.algorithms.linear.choices import DENSE_ENTRIES, SPARSE_ENTRIES
from strads.algorithms.linear.fits_at_once import fits_at_once
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.solving import Solving

#: With fewer entries of X a path is one part, unless another number of workers is asked for. Small
#: dense problems are solved by Newton's method, most of which does not release the interpreter.
SPARSE_LEAST, DENSE_LEAST = 100_000, 2_000_000
#: A part has at least so many penalties; there are at most so many parts.
LEAST, MOST = 8, 4
#: The last penalty of a path takes so many times as long as the first.
HARDER = 8.0


def solve_path(
    X: Any, y: np.ndarray, weights: np.ndarray | None, penalties: Sequence[Penalty], *,
    solving: Solving, start: np.ndarray | None, centred: bool, positive: bool,
) -> list[PathPoint]:  # fmt: skip
    """Return the models of a path, as far as nobody has ended it.

    Parameters
    ----------
    X : csc matrix or ndarray in Fortran order
    y : ndarray
    weights : ndarray or None
        Weights of the samples.
    penalties : sequence of Penalty
        The largest first.
    solving : Solving
        Parameters of the runs. So many parts are made as there are workers, or fewer; where X is
        large, the workers share the work of each penalty instead.
    start : ndarray or None
        Weights to start from.
    centred, positive
        See :class:`CertifiedData`.
    """
    parts = parts_of(len(penalties), _parts_wanted(X, solving.n_workers, len(penalties)))
    fits = fits_at_once(solving, X, len(parts))

    def solved(part: slice) -> CertifiedPath:
        with CertifiedData(X, y, weights, centred=centred, positive=positive) as data:
            path = CertifiedPath.by(fits.solving, data, penalties[part], start=start)
            path.solve()
        return path

    points: list[PathPoint] = []
    made = fits.made([partial(solved, part) for part in parts])
    for path, part in zip(made, parts, strict=False):
        points += path.points
        if len(points) < part.stop:
            break
    return points


def _parts_wanted(X: Any, n_workers: int | None, penalties: int) -> int:
    entries, least, most = X.size, DENSE_LEAST, DENSE_ENTRIES
    if sp.issparse(X):
        entries, least, most = X.nnz, SPARSE_LEAST, SPARSE_ENTRIES
    if entries >= most:  # the workers share each penalty
        return 1
    return max(1, min(workers_for(n_workers, entries, least), MOST, penalties // LEAST))


def parts_of(count: int, parts: int) -> list[slice]:
    """Cut penalties into parts that take about as long as each other.

    Parameters
    ----------
    count : int
        Number of penalties, of which each is harder than the one before.
    parts : int
    """
    work = np.cumsum(np.linspace(1.0, HARDER, count))
    ends = np.searchsorted(work, work[-1] * np.arange(1, parts) / parts, side="right")
    edges = [0, *ends.tolist(), count]
    return [slice(*edge) for edge in pairwise(edges)]
