"""A regularization path of a generalised linear model as one run."""

from __future__ import annotations

from collections.abc import Mapping

from strads.algorithms.linear.solver.path_program import RENEW, PathSteps
from strads.algorithms.linear.solver.proximal_newton.program import ProximalNewton
from strads.engine import Phase


class ProximalNewtonPath(PathSteps, ProximalNewton):
    """Generalised linear model for a sequence of penalties.

    Parameters
    ----------
    **given
        See :class:`~strads.algorithms.linear.solver.path_program.PathSteps` and
        :class:`~strads.algorithms.linear.solver.proximal_newton.program.ProximalNewton`.
    """

    phases: Mapping[str, Phase] = {**ProximalNewton.phases, **RENEW}

    def _change_ridge(self, ridge: float) -> None:
        """Replace the ridge in norms and scores; the members are weighed anew.

        The norms of members are those of the expansion, and are not needed for screening.
        """
        scale = 1.0 / self.loss.smoothness
        self._change_norms(scale * self.ridge, scale * ridge)
        self.score[self.used("members")] += (self.ridge - ridge) * self.used("v")
        self.ridge, self.weighed = ridge, 0
