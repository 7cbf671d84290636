"""Polish the solution of an inner problem to rounding: one linear system on the support.

Where the signs s of the weights do not change, the optimality conditions on the support S are
linear:

    X_Sᵀ(y − X_S v) − ridge·v = penalty_S·s

They are solved by Newton steps v + G⁻¹(X_Sᵀr − ridge·v − penalty_S·s), whose system G = X_SᵀX_S +
ridge·I is factorised once. It need not be exact: r is computed anew from X in double precision for
every step (iterative refinement), so a G in single precision only costs some more steps.

Source: Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapter 12.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import numpy as np
import scipy.linalg
import scipy.sparse as sp

#: Largest number of steps. Each must divide the violation of the conditions by the second number,
#: or it is the last one.
STEPS: Final = 6
FASTER: Final = 4.0
#: How often the conditions are solved anew without weights that would change their signs.
CROSSINGS: Final = 4


class Support:
    """The columns of a support, centred implicitly.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n, k)
        The columns.
    mean : ndarray of shape (k,)
        Column j stands for x_j − mean_j·unit; zeros if X is centred already.
    unit : ndarray of shape (n,)
        The direction that centring projects out.
    y : ndarray of shape (n,)
        Targets, orthogonal to `unit` if columns are centred.
    ridge : float
    """

    def __init__(
        self, X: Any, mean: np.ndarray, unit: np.ndarray, y: np.ndarray, ridge: float = 0.0
    ) -> None:
        self.X, self.mean, self.unit, self.y, self.ridge = X, mean, unit, y, ridge

    @property
    def entries(self) -> int:
        """Number of stored entries of the columns."""
        return int(self.X.nnz if sp.issparse(self.X) else self.X.size)

    @cached_property
    def lengths2(self) -> np.ndarray:
        """Squared lengths of the centred columns."""
        squares = self.X.multiply(self.X) if sp.issparse(self.X) else self.X**2
        lengths2 = (
            np.asarray(squares.sum(axis=0)).ravel() - float(self.unit @ self.unit) * self.mean**2
        )
        return np.maximum(lengths2, 1e-12 * lengths2.max(initial=1e-300))

    def residual(self, v: np.ndarray) -> np.ndarray:
        """Return y − Xv of the centred columns."""
        return self.y - self.image(v)

    def image(self, v: np.ndarray) -> np.ndarray:
        """Return Xv of the centred columns."""
        image: np.ndarray = self.X @ v - float(self.mean @ v) * self.unit
        return image

    def scores(self, r: np.ndarray) -> np.ndarray:
        """Return the products of the centred columns with a vector that is orthogonal to `unit`."""
        products: np.ndarray = self.X.T @ r
        return products

    def polished(self, v: np.ndarray, penalty: np.ndarray, system: np.ndarray) -> np.ndarray | None:
        """Return the weights that satisfy the optimality conditions with the signs of `v`.

        A weight that would change its sign stays at zero, and the others are solved for again.

        Parameters
        ----------
        v : ndarray of shape (k,)
            Weights, none of them zero.
        penalty : ndarray of shape (k,)
        system : ndarray of shape (k, k)
            XᵀX of the centred columns plus ridge·I, or an approximation.

        Returns
        -------
        ndarray or None
            None if the system is singular, if the steps do not come nearer, or if still more signs
            change.
        """
        kept = np.arange(len(v))
        for _ in range(CROSSINGS):
            columns = Support(self.X[:, kept], self.mean[kept], self.unit, self.y, self.ridge)
            found = columns._solved(v[kept], penalty[kept], system[np.ix_(kept, kept)])
            if found is None:
                return None
            same = np.sign(found) == np.sign(v[kept])
            if same.all():
                whole = np.zeros(len(v))
                whole[kept] = found
                return whole
            kept = kept[same]
            if len(kept) == 0:
                return None
        return None

    def _solved(self, v: np.ndarray, penalty: np.ndarray, system: np.ndarray) -> np.ndarray | None:
        """Solve the conditions for the signs of `v`, whatever signs the solution has."""
        pull = penalty * np.sign(v)
        slope = self._slope(v, pull)
        try:
            factor = scipy.linalg.cho_factor(
                system, lower=True, overwrite_a=True, check_finite=False
            )
        except scipy.linalg.LinAlgError:
            return None
        violation, taken = float(np.abs(slope).max()), 0
        for _ in range(STEPS):
            new = v + scipy.linalg.cho_solve(factor, slope, check_finite=False)
            slope = self._slope(new, pull)
            left = float(np.abs(slope).max())
            if not left < violation:
                break
            faster = FASTER * left < violation
            v, violation, taken = new, left, taken + 1
            if not faster:
                break
        return v if taken else None

    def _slope(self, v: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Return the violation of the optimality conditions."""
        slope: np.ndarray = self.scores(self.residual(v)) - self.ridge * v - pull
        return slope
