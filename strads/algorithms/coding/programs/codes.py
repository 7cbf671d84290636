"""Codes of signals for a given dictionary, each with its certificate.

    min over c of ½‖x − Dᵀc‖² + α‖c‖₁,   optionally with c ≥ 0,   for each signal x

The codes of two signals do not depend on each other: signals are the ids of a static schedule, and
one Gram matrix of the dictionary serves all of them. So the codes are bit for bit the same for any
number of workers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from strads.algorithms.common.retyped import retyped
from strads.engine import (
    Phase,
    Program,
    RoundRobin,
    control,
    data,
    derived,
    kernel,
    scratch,
    variable,
)
from strads.kernels.coding.certificate import certified
from strads.kernels.coding.groups import code_group, refresh
from strads.kernels.coding.residuals import GROUP
from strads.kernels.coding.space import MEMBERS, Space
from strads.kernels.lanes import padded

#: Signals of a lease.
LEASE = 4096
#: A code is computed at most so many times from a fresh residual, until it is certified.
REFINEMENTS = 4


class Coding(Program):
    """Base of the programs: signals, the dictionary in the forms that kernels read, work space.

    Parameters
    ----------
    X : ndarray of shape (n_signals, padded features)
        Signals; rows are padded with zeros to whole vectors.
    dictionary : ndarray of shape (padded atoms, padded features)
        Atoms.
    **given
        Values of controls: `alpha`, `positive`, `tol` (of the duality gap of a code, relative to
        ½‖x‖²), and `looks` (at all atoms, per code).
    """

    X = data("signals", "features", dtype=np.float32)
    dictionary = variable("one", "atoms", "features")  # on one worker, which updates it
    R = scratch("group", "features", dtype=np.float32)
    Z = scratch("group", "atoms", dtype=np.float32)
    H = scratch("square")
    L = scratch("square")
    c = scratch("atoms")
    g = scratch("atoms")
    d = scratch("atoms")
    V = scratch("pair", "atoms", dtype=np.float32)
    P = scratch("most_and_two", "most")
    active = scratch("atoms", dtype=np.int32)
    support = scratch("atoms", dtype=np.int32)
    found = scratch("group")
    work = scratch("group", "features")
    alpha = control(1.0)
    positive = control(0)
    tol = control(1e-6)
    looks = control(1000)

    def __init__(self, *, X: np.ndarray, dictionary: np.ndarray, **given: Any) -> None:
        atoms = dictionary.shape[0]
        super().__init__(
            X=X,
            dictionary=dictionary[None],
            group=GROUP,
            pair=2,
            most=MEMBERS,
            most_and_two=MEMBERS + 2,
            square=atoms * atoms,
            **given,
        )


class Codes(Coding):
    """Certified codes of signals; see the module's docstring and :class:`Coding`.

    Parameters
    ----------
    C : ndarray of shape (n_signals, padded atoms), optional
        Codes to begin with; None: zeros.
    """

    D = derived("one", "atoms", "features", dtype=np.float32, returned=False)
    T = derived("one", "features", "atoms", dtype=np.float32, returned=False)
    G = derived("one", "atoms", "atoms", dtype=np.float32, returned=False)
    C = variable("signals", "atoms", dtype=np.float32, private=True)
    gap = derived("signals", private=True)  # relative to ½‖x‖²
    value = derived("signals", private=True)
    ended = derived("signals", dtype=np.int8, private=True)  # not certified for want of looks

    phases: Mapping[str, Phase] = {
        "code": Phase(
            schedule=RoundRobin("signals", lease=LEASE), frozen=("dictionary", "D", "T", "G")
        )
    }

    def progress(self) -> dict[str, float]:
        """Return the largest relative duality gap, and the sum of all signals' objectives."""
        return {
            "dual_gap": float(self.gap.max(initial=0.0)), "objective": float(self.value.sum())
        }  # fmt: skip

    @kernel
    def push(
        block, X, C, D, T, G, alpha, positive, tol, looks, R, Z, H, L, c, g, d, V, P, active,
        support, found, work, gap, value, ended,
    ):  # fmt: skip
        space = Space(H, L, c, g, d, V, P, active, support)
        for first in range(0, len(block), GROUP):
            ids = block[first : first + GROUP]
            for _ in range(REFINEMENTS):
                short = code_group(
                    X, ids, C, ids, D[0], T[0], G[0], alpha, positive > 0, 0.5 * tol, looks, R, Z,
                    space, found,
                )  # fmt: skip
                worst = 0.0
                for i in ids:
                    value[i], gap[i], scale = certified(X, i, C, D[0], alpha, positive > 0, work)
                    gap[i] = max(gap[i], 0.0) / scale if scale > 0.0 else 0.0
                    worst = max(worst, gap[i])
                    ended[i] = short > 0 and gap[i] > tol
                if worst <= tol:
                    break

    @kernel
    def rebuild(one, dictionary, D, T, G):
        for m in range(one[0], one[1]):
            refresh(dictionary[m], D[m], T[m], G[m])


def in_type(program: type[Coding], dtype: Any) -> type[Any]:
    """Return the program with fields of float64 if `dtype` is float64, else the program itself."""
    return in_double(program) if np.dtype(dtype) == np.float64 else program  # type: ignore[arg-type]


@cache
def in_double(program: type[Coding]) -> type[Any]:
    """Return the program with float64 instead of float32 in all of its fields."""
    single = np.dtype(np.float32)
    types = {n: np.float64 for n, field in program.fields().items() if field.dtype == single}
    return retyped(program, "Double", types)


def wide(rows: np.ndarray, dtype: Any, count: int | None = None) -> np.ndarray:
    """Return rows padded with zeros to whole vectors, with zero rows up to `count`."""
    n, p = rows.shape
    if count is None and padded(p) == p:
        return np.ascontiguousarray(rows, dtype=dtype)
    made = np.zeros((n if count is None else count, padded(p)), dtype)
    made[:n, :p] = rows
    return made
