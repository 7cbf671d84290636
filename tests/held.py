"""A small working set in residual form, as ``push_hold`` copies it, for tests of its kernels."""

from __future__ import annotations

from types import SimpleNamespace

import naive
import numpy as np

from strads.algorithms.linear.solver.residual_form.sweeps import push_hold

N, P, MEMBERS = 25, 16, 11


def problem(seed, centred, workers=1, steps=(0, MEMBERS), ridge=0.0):
    """Copy members' columns in steps; also return their centred columns, dense, for the twin."""
    rng = np.random.default_rng(seed)
    X = np.where(rng.random((N, P)) < 0.4, rng.normal(size=(N, P)), 0.0)
    X[:, 1] = 0.0
    unit = np.sqrt(rng.random(N) + 0.5)
    unit *= np.sqrt(N / (unit @ unit))
    mean = unit**2 @ X / N if centred else np.zeros(P)
    members = rng.permutation(P)[:MEMBERS]
    lengths = np.count_nonzero(X[:, members], axis=0)
    end = np.cumsum(lengths)
    h = SimpleNamespace(
        start=end - lengths, end=end, row=np.zeros(end[-1], np.int32), value=np.zeros(end[-1]),
        held_norm2=np.zeros(MEMBERS), held_mean=np.zeros(MEMBERS),
    )  # fmt: skip
    for fresh, until in zip(steps[:-1], steps[1:], strict=True):
        for q in range(workers):
            push_hold(
                q, workers, naive.sparse(X), unit, mean, float(N), ridge, fresh, until, members,
                h.start, h.row, h.value, h.held_norm2, h.held_mean,
            )  # fmt: skip
    y = rng.normal(size=N) * 3
    y -= unit * (unit @ y) / N * centred
    h.v = np.where(rng.random(MEMBERS) < 0.5, rng.normal(size=MEMBERS), 0.0)
    h.X, h.unit, h.members, h.mean, h.ridge = unit[:, None] * X, unit, members, mean, ridge
    h.centred = (unit[:, None] * (X - mean))[:, members]
    h.r = y - h.centred @ h.v
    return h
