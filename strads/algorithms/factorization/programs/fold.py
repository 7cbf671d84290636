"""Fold-in: the rows of new users for fixed items, by the users' half alone until it converges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from strads.algorithms.factorization.programs.als import AlternatingLeastSquares
from strads.algorithms.factorization.programs.ccd import CoordinateFactorization
from strads.engine import Phase

#: A row of k coordinates takes about so many times k conjugate-gradient steps at most.
STEPS = 2


class FoldIn(AlternatingLeastSquares):
    """Rows of users by least squares for a given H (and c), with conjugate gradients.

    Parameters
    ----------
    X : sparse matrix of shape (users, items)
        Ratings of the new users.
    H : ndarray of shape (items, padded components)
        Factors of the items.
    c : ndarray of shape (items,), optional
        Biases of the items.
    **given
        See :class:`~strads.algorithms.factorization.programs.als.AlternatingLeastSquares`.
    """

    phases: Mapping[str, Phase] = {
        name: phase
        for name, phase in AlternatingLeastSquares.phases.items()
        if name in ("gram_items", "users")
    }

    def __init__(self, *, components: int, **given: Any) -> None:
        super().__init__(components=components, steps=STEPS * components + 4, **given)

    def setup(self, rng: np.random.Generator) -> None:
        """Start all rows from zero."""
        super().setup(rng)
        self.W[:] = 0.0

    def cycle(self) -> Iterator[str]:
        """Yield the phases of the users' half."""
        yield "gram_items"
        self.take("users")
        yield "users"


class ConstrainedFoldIn(CoordinateFactorization):
    """Rows of users with constraints or an L1 penalty for a given H (and c), by coordinate descent.

    Every epoch visits every row once; see :class:`FoldIn` for the parameters.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.phases = {
            name: replace(phase, name=name)
            for name, phase in self.phases.items()
            if name in ("gram_items", "users")
        }

    def setup(self, rng: np.random.Generator) -> None:
        """Start all rows from zero."""
        super().setup(rng)
        self.W[:] = 0.0

    def cycle(self) -> Iterator[str]:
        """Yield the phases of the users' half; stop once the rows hardly move."""
        if self.done == 0:
            yield "gram_items"
            self.take("users")
        yield "users"
        self.done += 1
        size = np.sqrt(np.mean(np.square(self.W))) + 1e-30
        if np.sqrt(np.mean(np.square(self.user_moved))) <= 1e-5 * size:
            self.stop("converged")
