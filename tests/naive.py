"""Naive twins of the compiled kernels: plain NumPy and Python integers, as short as can be."""

import numpy as np
import scipy.sparse as sp

from strads.kernels import CSC, CSR

MASK = 2**64 - 1


def stored(A, j):
    """Rows in which a column stores an entry."""
    if isinstance(A, np.ndarray):
        return set(range(A.shape[0]))
    return set(A.indices[A.indptr[j] : A.indptr[j + 1]].tolist())


def in_part(n, part):
    """Ones in the rows of a part, zeros elsewhere."""
    mask = np.zeros(n)
    mask[part[0] : part[1]] = 1.0
    return mask


def sparse(X, kind=CSC, dtype=np.float64, index=np.int32):
    """Store a dense matrix by columns, or, as CSR, by rows."""
    if kind is CSR:
        X = np.asarray(X).T
    S = sp.csc_array(np.asarray(X, dtype=dtype))
    S.sort_indices()
    return kind(S.data.astype(dtype), S.indices.astype(index), S.indptr.astype(index))


def soft_threshold(x, threshold):
    return np.sign(x) * max(abs(x) - threshold, 0.0)


def splitmix64(state):
    """The generator of Steele, Lea and Flood: the output after one step from `state`."""
    z = (state + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def fold(key, value):
    return splitmix64((key + value * 0xBF58476D1CE4E5B9) & MASK)


def bits(key, id, draw=0):
    return fold(fold(key, id), draw)


def uniform(key, id, draw=0):
    return (bits(key, id, draw) >> 11) / 2**53


def draw(weights, u):
    """First id at which the running sum exceeds ``u * total``; -1 if all weights are 0."""
    sums = np.cumsum(weights)
    return int(np.searchsorted(sums, u * sums[-1], side="right")) if sums[-1] > 0 else -1


def correlations(X):
    """Absolute correlations of columns, 0 for an empty one."""
    norms = np.linalg.norm(X, axis=0)
    scale = np.outer(norms, norms)
    return np.divide(np.abs(X.T @ X), scale, out=np.zeros(scale.shape), where=scale > 0)


def gram_couplings(G):
    """|G_jk| / √(G_jj G_kk)."""
    scale = np.sqrt(np.outer(np.diag(G), np.diag(G)))
    return np.divide(np.abs(G), scale, out=np.zeros(scale.shape), where=scale > 0)


def largest_load(costs, bounds):
    """Largest cost of a range."""
    return max(float(np.sum(costs[a:b])) for a, b in zip(bounds[:-1], bounds[1:], strict=True))


def mean_staleness(depth, launches):
    """Micro-rounds whose pulls a push misses, on average; a launch is a list of rounds' sizes."""
    return np.mean([min(u, depth) for launch in launches for u in range(sum(launch))])


def sweeps_by_lists(X, v, r, penalty, ridge, sweeps, positive, least, lists, keep, drop):
    """Sweep over all weights and then over lists of those that moved most.

    Returns v, r, and the numbers of moves and of visits.
    """
    moves = visits = 0
    norms = np.sqrt(np.square(X).sum(axis=0) + ridge)
    for _ in range(sweeps):
        chosen, top, before = np.arange(len(v)), 0.0, moves
        for turn in range(lists + 1):
            new, r, made = sweep(X, v, r, penalty, positive, least, chosen, ridge)
            moved, v = np.abs(new - v) * norms, new
            moves, visits = moves + made, visits + len(chosen)
            largest = moved[chosen].max()
            if turn > 0 and largest < keep * top:
                break
            top = max(top, largest)
            chosen = chosen[moved[chosen] > (drop if turn else keep) * top]
            if len(chosen) == 0:
                break
        if moves == before:
            break
    return v, r, moves, visits


def sweep(X, v, r, penalty, positive=False, least=0.0, chosen=None, ridge=0.0):
    """Minimise ‖r‖²/2 + Σ penalty_j |v_j| + ridge·‖v‖²/2 over each weight in turn.

    One penalty may stand for all.
    Returns new v and r, and the number of moves.
    """
    v, r, moves = v.copy(), r.copy(), 0
    penalties = np.broadcast_to(penalty, len(v))
    for j in range(len(v)) if chosen is None else chosen:
        bend = X[:, j] @ X[:, j] + ridge
        if bend <= 0.0:
            continue
        slope = X[:, j] @ r - ridge * v[j]
        new = soft_threshold(bend * v[j] + slope, penalties[j]) / bend
        d = (max(new, 0.0) if positive else new) - v[j]
        if abs(d) * bend > least:
            v[j] += d
            r -= d * X[:, j]
            moves += 1
    return v, r, moves


def unit_columns(X):
    """Divide columns by their norms, except those that are zero."""
    norms = np.linalg.norm(X, axis=0)
    return X / np.where(norms > 0.0, norms, 1.0)
