"""Naive twins of the kernels of factorisations: NumPy on unpadded rows, as short as can be."""

from math import gcd

import numpy as np


def gradient_steps(user, item, value, W, H, w_state, h_state, rate, bias_rate, penalty, biases):
    """One rating after the other, in place; returns the squared errors before each step."""
    loss, components = 0.0, W.shape[1]
    for u, i, v in zip(user, item, value, strict=True):
        w, h = W[u].copy(), H[i].copy()
        b, c = w_state[u, 0], h_state[i, 0]
        error = v - b - c - w @ h
        loss += error**2
        for F, f, other, state, row, own in (
            (W, w, h, w_state, u, b),
            (H, h, w, h_state, i, c),
        ):
            step, slope = error * other - penalty * f, error - biases * own
            F[row] = f + rate / np.sqrt(state[row, 1]) * step
            state[row, 0] = own + bias_rate / np.sqrt(state[row, 2]) * slope
            state[row, 1] += step @ step / components
            state[row, 2] += slope**2
    return loss


def coprime(step, size):
    return gcd(step, size) == 1


class Row:
    """A row's problem: weights q, targets t, neighbours h, and the matrix S of all of them.

    φ(w, β) = Σ (q s² − 2ts) + wᵀSw + λ (‖w‖² + β²) with s = wᵀh + β
    """

    def __init__(self, q, t, h, S, penalty):
        self.q, self.t, self.h, self.S, self.penalty = q, t, h, S, penalty

    def data(self, w, beta):
        """φ without its penalty."""
        s = self.h @ w + beta
        return float(np.sum(self.q * s**2 - 2.0 * self.t * s) + w @ self.S @ w)

    def value(self, w, beta, l1=0.0):
        """φ, and 2κ‖w‖₁."""
        size = self.penalty * (w @ w + beta**2) + 2.0 * l1 * np.abs(w).sum()
        return self.data(w, beta) + float(size)

    def slope(self, w, beta):
        """−∇φ/2 by w and by β, without the penalty."""
        g = self.t - self.q * (self.h @ w + beta)
        return self.h.T @ g - self.S @ w, float(g.sum())

    def solution(self, biased):
        """Minimum of φ; β = 0 unless `biased`."""
        h = np.column_stack([self.h, np.full(len(self.h), float(biased))])
        A = h.T @ (self.q[:, None] * h) + self.penalty * np.eye(h.shape[1])
        A[:-1, :-1] += self.S
        solved = np.linalg.solve(A, h.T @ self.t)
        return solved[:-1], solved[-1]


#: What the entries of a matrix X mean, as (confidence, preference) of every pair.
MEANINGS = {
    "ratings": lambda X, stored: (stored * 1.0, X),
    "stored": lambda X, stored: (np.where(stored, 2.0 * X, 1.0), stored * 1.0),
    "linear": lambda X, stored: (np.where(stored, 1.0 + 2.0 * X, 1.0), stored * 1.0),
    "everything": lambda X, stored: (np.ones(X.shape), X),
}


def objective(
    X, meaning, W, H, b=0.0, c=0.0, mean=0.0, penalty=(0.0, 0.0), l1=(0.0, 0.0), scaled=False
):
    """Objective of a factorisation, from all pairs, in float64; λ and κ of users and of items."""
    stored = pattern(X)
    confidence, preference = MEANINGS[meaning](X.toarray().astype(np.float64), stored)
    b, c = np.broadcast_to(b, len(W)).astype(float), np.broadcast_to(c, len(H)).astype(float)
    W, H = W.astype(np.float64), H.astype(np.float64)
    value = np.sum(confidence * (preference - mean - b[:, None] - c - W @ H.T) ** 2)
    for side, (F, bias) in enumerate(((W, b), (H, c))):
        many = stored.sum(axis=1 - side) if scaled else np.ones(len(F))
        sizes = penalty[side] * (np.sum(F * F, axis=1) + bias**2)
        value += many @ (sizes + 2.0 * l1[side] * np.abs(F).sum(axis=1))
    return float(value)


def pattern(X):
    """Which pairs are stored, zeros among them."""
    ones = X.copy()
    ones.data = np.ones_like(ones.data)
    return ones.toarray() > 0


def least_squares(X, H, penalty, *, c=0.0, mean=0.0, scaled=False, biased=False):
    """Rows and biases of users for given items, by ridge regression on the stored entries."""
    c = np.broadcast_to(c, len(H))
    rows = np.zeros((X.shape[0], H.shape[1] + 1))
    for u in range(X.shape[0]):
        part = slice(X.indptr[u], X.indptr[u + 1])
        items = X.indices[part]
        if len(items):
            t = X.data[part] - c[items] - mean
            lam = penalty * (len(items) if scaled else 1)
            h = H[items].astype(np.float64)
            row = Row(np.ones(len(items)), t, h, np.zeros((h.shape[1],) * 2), lam)
            rows[u, :-1], rows[u, -1] = row.solution(biased)
    return rows[:, :-1], rows[:, -1]


def beta_divergence(X, S, beta):
    """Sum of d_β over all entries; those of X may be zero if β > 0."""
    logs = np.log(np.where(X > 0, X, 1.0) / S)
    if beta == 1.0:
        return float(np.sum(X * logs - X + S))
    if beta == 0.0:
        return float(np.sum(X / S - np.log(X / S) - 1.0))
    powers = np.where(X > 0, X, 1.0) ** beta * (X > 0)
    whole = powers + (beta - 1.0) * S**beta - beta * X * S ** (beta - 1.0)
    return float(np.sum(whole) / (beta * (beta - 1.0)))


def multiplied(x, w, H, beta, gamma, l1=0.0, l2=0.0):
    """A row w after its multiplicative update, for the dense row x of the matrix."""
    s = H @ w
    above = (x * s ** (beta - 2.0)) @ H
    below = s ** (beta - 1.0) @ H + l1 + l2 * w
    return w * (above / below) ** gamma
