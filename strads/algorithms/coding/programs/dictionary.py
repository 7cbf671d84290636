"""Dictionary learning on all signals at once: all codes, then all atoms, in turn.

    min ½‖X − CD‖² + α‖C‖₁   with ‖d_j‖ ≤ 1, optionally with C ≥ 0 or D ≥ 0

The codes begin where they were, and are improved until their duality gaps are small; the atoms are
updated by block coordinate descent from A = CᵀC and B = CᵀX, which are summed in the order of the
workers. Neither half can raise the objective.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from strads.algorithms.coding.programs.codes import LEASE, Coding
from strads.algorithms.coding.start import atoms_from
from strads.engine import Phase, RoundRobin, control, derived, kernel, variable
from strads.kernels.coding.atoms import sweep_atoms
from strads.kernels.coding.descent import Space
from strads.kernels.coding.groups import code_group, refresh
from strads.kernels.coding.residuals import GROUP
from strads.kernels.coding.statistics import add_signal

#: Sweeps over the atoms in an epoch; they cost little beside the codes of many signals.
SWEEPS = 3
#: Codes are improved to this relative duality gap in the first epoch, then to a tenth of it in each
#: further one, down to the last number: first codes belong to a dictionary that moves far.
FIRST, LAST = 1e-2, 1e-5


class BatchDictionary(Coding):
    """Dictionary learning; see the module's docstring.

    Parameters
    ----------
    X, dictionary
        See :class:`~strads.algorithms.coding.programs.codes.Coding`; the first atoms.
    components : int
        Number of atoms without padding.
    stop_below : float
        Stop once an epoch lowers the objective by less than this share of it.
    seed : int
        Seed of the signals that replace atoms which no signal uses.
    **given
        Codes `C` to begin with, and values of controls.
    """

    D = derived("one", "atoms", "features", dtype=np.float32, returned=False)
    T = derived("one", "features", "atoms", dtype=np.float32, returned=False)
    G = derived("one", "atoms", "atoms", dtype=np.float32, returned=False)
    C = variable("signals", "atoms", dtype=np.float32, private=True)
    A = derived("atoms", "atoms", replicated=True, reduce="sum", returned=False)
    B = derived("atoms", "features", replicated=True, reduce="sum", returned=False)
    l1 = derived("signals", private=True, returned=False)  # ‖c‖₁
    value = derived("signals", private=True, returned=False)  # ½‖x − Dᵀc‖² + α‖c‖₁
    positive_atoms = control(0)

    phases: Mapping[str, Phase] = {
        "code": Phase(
            schedule=RoundRobin("signals", lease=LEASE), frozen=("dictionary", "D", "T", "G")
        ),
        "atoms": Phase(push="push_atoms", frozen=("A", "B")),
    }

    def __init__(
        self, *, components: int, stop_below: float, seed: int = 0, **given: Any
    ) -> None:  # fmt: skip
        super().__init__(**given)
        self.components, self.stop_below, self.seed = components, stop_below, seed
        self.done = 0
        signals = given["X"]
        self.whole = float(np.einsum("ij,ij->", signals, signals, dtype=np.float64))

    def cycle(self) -> Iterator[str]:
        """Yield the phase of the codes, then that of the atoms."""
        self.tol = max(FIRST * 0.1**self.done, LAST)
        yield "code"
        self._replace_unused()
        yield "atoms"

    def _replace_unused(self) -> None:
        """Replace atoms that no signal uses, which the objective does not depend on.

        A signal takes the place of an atom with a probability in proportion to what it costs, so
        that signals without a fitting atom get one.
        """
        k = self.components
        unused = np.flatnonzero(np.diag(self.A[0])[:k] == 0.0)
        weights = np.maximum(self.value, 0.0)
        if not len(unused) or not weights.sum() > 0.0:
            return
        rng = np.random.default_rng([self.seed, self.done])
        some = min(len(unused), int(np.count_nonzero(weights)))
        chosen = rng.choice(len(weights), some, replace=False, p=weights / weights.sum())
        atoms = atoms_from(self.X[chosen], bool(self.positive_atoms), rng)
        self.dictionary[0, unused[:some]] = atoms

    def progress(self) -> dict[str, float]:
        """Return the objective of the epoch's codes and atoms."""
        atoms = self.dictionary[0]
        fitted = np.sum(self.A[0] * (atoms @ atoms.T)) - 2.0 * np.sum(self.B[0] * atoms)
        penalty = self.alpha * float(self.l1.sum())
        return {"objective": max(0.5 * (self.whole + float(fitted)), 0.0) + penalty}

    def epoch(self, history: Sequence[Mapping[str, float]]) -> None:
        """Stop if the objective has hardly fallen, or is not finite."""
        self.done += 1
        now = history[-1]["objective"]
        if not np.isfinite(now):
            self.stop("not finite")
            return
        if len(history) > 1 and self.tol <= LAST and self.stop_below > 0.0:
            before = history[-2]["objective"]
            if before - now <= self.stop_below * now:
                self.stop("converged")

    def save_state(self) -> dict[str, Any]:
        """Return the number of epochs so far."""
        return {"done": self.done}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        self.done = state["done"]

    # -- kernels -------------------------------------------------------------------------------

    @kernel
    def push(
        block, X, C, D, T, G, alpha, positive, tol, looks, R, Z, H, L, c, g, d, active, support,
        found, A, B, l1, value,
    ):  # fmt: skip
        space = Space(H, L, c, g, d, active, support)
        for first in range(0, len(block), GROUP):
            ids = block[first : first + GROUP]
            code_group(
                X, ids, C, ids, D[0], T[0], G[0], alpha, positive > 0, tol, looks, R, Z, space,
                found,
            )  # fmt: skip
            for s in range(len(ids)):
                i = ids[s]
                l1[i] = add_signal(X, i, C, i, A, B, active)
                value[i] = 0.5 * found[s] + alpha * l1[i]

    @kernel
    def push_atoms(one, dictionary, A, B, positive_atoms, work, D, T, G):
        for m in range(one[0], one[1]):
            sweep_atoms(dictionary[m], A, B, 0.0, positive_atoms > 0, SWEEPS, work)
            refresh(dictionary[m], D[m], T[m], G[m])

    @kernel
    def rebuild(one, dictionary, D, T, G):
        for m in range(one[0], one[1]):
            refresh(dictionary[m], D[m], T[m], G[m])
