"""Problems of other shapes as Ising models: QUBO and MaxCut."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import check_array

from strads.algorithms.sampling.inputs import symmetric
from strads.engine import sound


class IsingProblem(NamedTuple):
    """An Ising model whose energy plus `offset` is the objective of another problem.

    Attributes
    ----------
    J : csr_array of shape (n, n)
        Couplings.
    h : ndarray of shape (n,)
        Fields.
    offset : float
    """

    J: sp.csr_array
    h: np.ndarray
    offset: float


def from_qubo(Q: Any) -> IsingProblem:
    """Return the Ising model of a QUBO: minimise xᵀQx over x ∈ {0, 1}ⁿ.

    Parameters
    ----------
    Q : {sparse matrix, array} of shape (n, n)
        Need not be symmetric: an upper triangle will do. The diagonal holds the linear terms.

    Returns
    -------
    IsingProblem
        With x = (1 + s) / 2, xᵀQx is the energy of s plus `offset`.

    Raises
    ------
    ValueError
        If Q is not a square matrix of finite numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import GraphSampler, from_qubo
    >>> J, h, offset = from_qubo(np.array([[-1.0, 2.0], [0.0, -1.0]]))
    >>> found = GraphSampler(n_sweeps=20, temperature=np.geomspace(2, 0.05, 20)).fit(J, h)
    >>> float(found.best_energy_ + offset)
    -1.0
    """
    Q = _square(Q, "Q")
    linear = Q.diagonal()
    both = symmetric(sp.csr_array((Q + Q.T) * 0.5), "Q")
    row_sums = np.asarray(both.sum(axis=1)).ravel()
    offset = 0.5 * float(linear.sum()) + 0.25 * float(row_sums.sum())
    return IsingProblem(both * -0.5, -0.5 * (linear + row_sums), offset)


def from_maxcut(W: Any) -> IsingProblem:
    """Return the Ising model of MaxCut: cut edges of a graph with the largest sum of weights.

    Parameters
    ----------
    W : {sparse matrix, array} of shape (n, n)
        Symmetric weights of the edges; the diagonal is left out.

    Returns
    -------
    IsingProblem
        The weight of the cut between spins −1 and +1 is −(energy + `offset`).

    Raises
    ------
    ValueError
        If W is not a square, symmetric matrix of finite numbers.
    """
    W = symmetric(_square(W, "W"), "W")
    return IsingProblem(W * -0.5, np.zeros(W.shape[0]), -0.25 * float(W.sum()))


def _square(matrix: Any, name: str) -> sp.csr_array:
    found = sp.csr_array(
        check_array(sound(matrix, name), accept_sparse="csr", dtype=np.float64, input_name=name)
    )
    if found.shape[0] != found.shape[1]:
        raise ValueError(f"{name} has shape {found.shape}: it must be square")
    return found
