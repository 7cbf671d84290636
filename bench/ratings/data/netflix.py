"""Generated ratings of the Netflix prize's shape: 480,000 users × 17,770 items, 100 million.

How many ratings a user gives and how often an item is rated fall with their rank x ∈ [0, 1] as
(x + offset)^−exponent, close to the prize's medians and maxima. A user rates distinct items, drawn
one after another by popularity. A rating is a planted low-rank model with biases and noise, rounded
to 1 … 5; one in a hundred is held out, as in the prize's probe set. Fewer ratings shrink both sides
alike and leave the density.

Kept as plain arrays in the user's cache folder, from where they are mapped into memory.
"""

import numpy as np
import scipy.sparse as sp
from numba import njit

from bench.harness.files import cache_folder, written_whole
from bench.ratings.data import Held, Ratings

RATINGS = 100_000_000
USERS, ITEMS = 480_000, 17_770
TINY = 10_000
ACTIVITY = (0.04, 1.5)  # offset and exponent
POPULARITY = (0.028, 2.0)
PLANTED = 24
#: Standard deviations: biases, the low-rank part, the noise.
BIAS, SIGNAL, NOISE = 0.35, 0.55, 0.75
MEAN = 3.6
HELD_OUT = 0.01
#: Users who rate more than this share of all items draw them by exponential times: rejection
#: sampling would hardly find new items.
DENSE = 0.05


def load(total: int = RATINGS, seed: int = 0) -> Ratings:
    """So many ratings, generated when first asked for; ``netflix:total`` by name."""
    folder = cache_folder() / f"netflix-{total}-{seed}"
    if not folder.exists():
        with written_whole(folder) as part:
            part.mkdir()
            for name, array in _generate(total, seed).items():
                np.save(part / f"{name}.npy", array)
    kept = {each.stem: np.load(each, mmap_mode="r") for each in folder.glob("*.npy")}
    matrix = (kept["data"], kept["indices"], kept["indptr"])
    train = sp.csr_matrix(matrix, shape=shape(total), copy=False)
    train.data.sum(), train.indices.sum()  # read from the file before any clock runs
    return Ratings(train, Held(*(np.asarray(kept[f"held_{name}"]) for name in Held._fields)))


def shape(total: int) -> tuple[int, int]:
    """Users and items of a set of so many ratings."""
    scale = np.sqrt(total / RATINGS)
    return max(2, round(USERS * scale)), max(2, round(ITEMS * scale))


def _generate(total: int, seed: int) -> dict[str, np.ndarray]:
    n, m = shape(total)
    rng = np.random.default_rng(seed)
    indptr = _row_ends(rng.permutation(_falling(n, ACTIVITY)), total, m)
    weights = rng.permutation(_falling(m, POPULARITY))
    spectrum = np.sqrt(1.0 / np.arange(1, PLANTED + 1))
    spectrum *= np.sqrt(SIGNAL / np.sqrt(np.sum(spectrum**4)))
    W = (rng.standard_normal((n, PLANTED)) * spectrum).astype(np.float32)
    H = (rng.standard_normal((m, PLANTED)) * spectrum).astype(np.float32)
    biases = [(BIAS * rng.standard_normal(side)).astype(np.float32) for side in (n, m)]
    indices, data = np.empty(total, np.int32), np.empty(total, np.float32)
    _draw_items(indptr, indices, *_alias_table(weights), weights, rng)
    _rate(indptr, indices, data, W, H, *biases, rng)
    held = rng.random(total, dtype=np.float32) < HELD_OUT
    return _separated(indptr, indices, data, held)


def _falling(n: int, law: tuple[float, float]) -> np.ndarray:
    offset, exponent = law
    return ((np.arange(n) + 0.5) / n + offset) ** -exponent


def _row_ends(activity: np.ndarray, total: int, items: int) -> np.ndarray:
    """Row pointers that end at exactly `total`."""
    sums = np.cumsum(activity)
    indptr = np.concatenate([[0], np.rint(sums * (total / sums[-1])).astype(np.int64)])
    if np.diff(indptr).max() > items:
        raise ValueError(f"{total} ratings are too few for their shape")
    return indptr


def _alias_table(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Walker's table: cell j holds j with probability `accept[j]`, else `other[j]`."""
    accept, other = weights * (len(weights) / weights.sum()), np.arange(len(weights))
    small, large = list(np.flatnonzero(accept < 1.0)), list(np.flatnonzero(accept >= 1.0))
    while small and large:
        low, high = small.pop(), large[-1]
        other[low] = high
        accept[high] -= 1.0 - accept[low]
        if accept[high] < 1.0:
            small.append(large.pop())
    accept[small + large] = 1.0
    return accept, other


@njit(cache=True)
def _draw_items(indptr, indices, accept, other, weights, rng):
    m = len(accept)
    taken = np.zeros(m, np.bool_)
    for u in range(len(indptr) - 1):
        row = indices[indptr[u] : indptr[u + 1]]
        if len(row) > DENSE * m:
            # The smallest of independent exponential times: the law of drawing one by one.
            races = np.empty(m)
            for j in range(m):
                races[j] = rng.standard_exponential() / weights[j]
            row[:] = np.argsort(races)[: len(row)]
        else:
            for at in range(len(row)):
                while True:
                    j = int(m * rng.random())
                    if rng.random() >= accept[j]:
                        j = other[j]
                    if not taken[j]:
                        break
                taken[j] = True
                row[at] = j
            for at in range(len(row)):
                taken[row[at]] = False
        row.sort()


@njit(cache=True)
def _rate(indptr, indices, data, W, H, user_biases, item_biases, rng):
    for u in range(len(indptr) - 1):
        for at in range(indptr[u], indptr[u + 1]):
            j = indices[at]
            x = MEAN + user_biases[u] + item_biases[j] + NOISE * rng.standard_normal()
            for f in range(W.shape[1]):
                x += W[u, f] * H[j, f]
            data[at] = min(5.0, max(1.0, np.rint(x)))


def _separated(
    indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, held: np.ndarray
) -> dict[str, np.ndarray]:
    """Rows without what is held out."""
    out = np.flatnonzero(held)
    gone = np.searchsorted(out, indptr)
    users = np.searchsorted(indptr, out, side="right") - 1
    return {
        "indptr": indptr - gone, "indices": indices[~held], "data": data[~held],
        "held_user": users.astype(np.int32), "held_item": indices[out], "held_value": data[out],
    }  # fmt: skip
