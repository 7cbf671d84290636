"""Dictionary learning on all signals: the codes of a part of them, then all atoms, in turn.

    min ½‖X − CD‖² + α‖C‖₁   with ‖d_j‖ ≤ 1, optionally with C ≥ 0 or D ≥ 0

The codes of a part are improved until their duality gaps are small. Then the atoms are updated by
block coordinate descent for the codes of all signals as they are, from A = CᵀC and B = CᵀX. Neither
can raise the objective. The sums of each part are kept, so that new ones can take their place; an
epoch begins by adding them all, in order, so that a resumed fit has the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from strads.algorithms.coding.programs.codes import LEASE, Coding
from strads.algorithms.coding.start import atoms_from
from strads.engine import Phase, RoundRobin, control, derived, kernel, variable
from strads.kernels.coding.atoms import sweep_atoms
from strads.kernels.coding.groups import code_group, refresh
from strads.kernels.coding.residuals import GROUP
from strads.kernels.coding.space import Space
from strads.kernels.coding.statistics import add_signal

#: Sweeps over the atoms in an update; they cost little beside the codes of a part.
SWEEPS = 3
#: Codes are improved to this relative duality gap in the first epoch, then to a tenth of it in each
#: further one, down to the last number: first codes belong to a dictionary that moves far.
FIRST, LAST = 1e-2, 1e-5
#: A part has at least so many signals, and there are at most so many parts.
SIGNALS, PARTS = 512, 64
#: The first epoch rehearses on this share of the parts.
REHEARSED = 1 / 8


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
    part : int
        Least number of signals of a part.
    **given
        Codes `C` to begin with, and values of controls.
    """

    D = derived("one", "atoms", "features", dtype=np.float32, returned=False)
    T = derived("one", "features", "atoms", dtype=np.float32, returned=False)
    G = derived("one", "atoms", "atoms", dtype=np.float32, returned=False)
    C = variable("signals", "atoms", dtype=np.float32, private=True)
    A = derived("atoms", "atoms", replicated=True, reduce="sum", returned=False)  # of a part
    B = derived("atoms", "features", replicated=True, reduce="sum", returned=False)
    whole_A = derived("one", "atoms", "atoms", returned=False)  # of all parts
    whole_B = derived("one", "atoms", "features", returned=False)
    l1 = derived("signals", private=True, returned=False)  # ‖c‖₁
    value = derived("signals", private=True, returned=False)  # ½‖x − Dᵀc‖² + α‖c‖₁
    positive_atoms = control(0)

    phases: Mapping[str, Phase] = {
        "code": Phase(
            schedule=RoundRobin("signals", lease=LEASE), frozen=("dictionary", "D", "T", "G")
        ),
        "count": Phase(push="count", schedule=RoundRobin("signals", lease=LEASE), frozen=("C",)),
        "atoms": Phase(push="push_atoms", frozen=("whole_A", "whole_B")),
    }

    def __init__(
        self, *, components: int, stop_below: float, seed: int = 0, part: int = SIGNALS,
        **given: Any,
    ) -> None:  # fmt: skip
        super().__init__(**given)
        self.components, self.stop_below, self.seed = components, stop_below, seed
        self.done = 0
        signals = given["X"]
        self.squares = float(np.einsum("ij,ij->", signals, signals, dtype=np.float64))
        self.parts = min(max(len(signals) // part, 1), PARTS)
        atoms, features = given["dictionary"].shape
        self.sums = np.zeros((self.parts, atoms, atoms + features))  # A and B of each part
        self.counted = "C" not in given  # whether they are those of the codes

    def cycle(self) -> Iterator[str]:
        """Yield the phase of the codes of each part, and after it that of the atoms."""
        self.tol = max(FIRST * 0.1**self.done, LAST)
        if not self.counted:
            for part in range(self.parts):
                yield self._of_part("count", part)
                self._take_sums(part)
            self.counted = True
        whole, count = self.sums.sum(axis=0), self.whole_A.shape[1]
        order = [*range(self.parts)]
        for part in order if self.done else self._rehearsal() + order:
            yield self._of_part("code", part)
            whole += self._take_sums(part)
            unused = self._unused()
            whole[unused] = whole[:, unused] = 0.0  # but for rounding they are
            self.whole_A[0], self.whole_B[0] = whole[:, :count], whole[:, count:]
            if part == self.parts - 1:
                self._replace_unused()
            yield "atoms"

    def _rehearsal(self) -> list[int]:
        """Return parts to visit before all others: the first, then the first two, and so on.

        The atoms of the first visits move far, and codes for them are soon worth little. So a few
        signals, whose codes are replaced several times, lead the atoms to where all can begin.
        """
        visits: list[int] = []
        some = 1
        while some <= self.parts * REHEARSED:
            visits += range(some)
            some *= 2
        return visits

    def _of_part(self, phase: str, part: int) -> str:
        """Activate the signals of a part, which are as many signals apart as there are parts."""
        if self.parts > 1:
            self.tell(phase, "activate", np.arange(part, len(self.X), self.parts))
        return phase

    def _take_sums(self, part: int) -> np.ndarray:
        """Keep the sums that the workers have made of a part; return by how much they differ."""
        before, self.sums[part] = self.sums[part].copy(), np.hstack([self.A[0], self.B[0]])
        return np.asarray(self.sums[part] - before)

    def _unused(self) -> np.ndarray:
        """Return the atoms in which no signal has a weight, padding included."""
        return np.flatnonzero(np.einsum("pjj->j", self.sums[:, :, : self.sums.shape[1]]) == 0.0)

    def recover(self) -> list[str]:
        """Have the sums counted anew: codes of a part may have been written before the death."""
        self.counted = False
        return ["rebuild"]

    def _replace_unused(self) -> None:
        """Replace atoms that no signal uses, which the objective does not depend on.

        A signal takes the place of an atom with a probability in proportion to what it costs, so
        that signals without a fitting atom get one.
        """
        unused, weights = self._unused(), np.maximum(self.value, 0.0)
        unused = unused[unused < self.components]
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
        fitted = np.sum(self.whole_A[0] * (atoms @ atoms.T))
        fitted -= 2.0 * np.sum(self.whole_B[0] * atoms)
        penalty = self.alpha * float(self.l1.sum())
        return {"objective": max(0.5 * (self.squares + float(fitted)), 0.0) + penalty}

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
        self.done, self.counted = state["done"], False

    # -- kernels -------------------------------------------------------------------------------

    @kernel
    def push(
        block, X, C, D, T, G, alpha, positive, tol, looks, R, Z, H, L, c, g, d, V, P, active,
        support, found, A, B, l1, value,
    ):  # fmt: skip
        space = Space(H, L, c, g, d, V, P, active, support)
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
    def count(block, X, C, A, B, l1, active):
        for i in block:
            l1[i] = add_signal(X, i, C, i, A, B, active)

    @kernel
    def push_atoms(one, dictionary, whole_A, whole_B, positive_atoms, work, D, T, G):
        for m in range(one[0], one[1]):
            A, B = whole_A[m], whole_B[m]
            sweep_atoms(dictionary[m], A, B, 0.0, positive_atoms > 0, SWEEPS, work)
            refresh(dictionary[m], D[m], T[m], G[m])

    @kernel
    def rebuild(one, dictionary, D, T, G):
        for m in range(one[0], one[1]):
            refresh(dictionary[m], D[m], T[m], G[m])
