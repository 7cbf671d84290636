"""One pass over a matrix in a file: statistics of its columns, or their products with a vector.

Every worker maps the file and goes through its own stripes (columns of a file by columns, rows of
one by rows) in their order, a lease at a time: the next lease is read ahead, and the pages of the
last one are given back. Every second pass goes backwards: it begins with what the system still has
in memory from the pass before. The numbers do not depend on the direction for a file by columns;
for one by rows, sums over the rows are added in the order of the pass, which is the same whenever
the fit is repeated.

Columns enter as in :mod:`strads.algorithms.linear.certified.centring`, but without exponents: a
column of a file by columns is shifted by its mean, unless it is sparse and its mean is near zero;
of a file by rows, all columns are shifted by given numbers, unless it is sparse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from strads.algorithms.linear.certified.centring import (
    CHUNK,
    FAR,
    bounds_of,
    mean_and_deviation,
    shift_entries,
)
from strads.datasets import MappedMatrix
from strads.engine import Phase, Program, control, data, derived, kernel, variable
from strads.kernels.linear.stripes import INDEX, LENGTH, Stripes, fetch, next_lease, stripe_at


class FilePass(Program):
    """Base of the programs that pass over a file once.

    Parameters
    ----------
    matrix : MappedMatrix
    lease : int
        Number of stripes that are read ahead together.
    backwards : bool
        Whether the pass begins with the last stripe.
    phase : str
        The phase that makes the pass.
    **given
        See :class:`strads.Program`.
    """

    doubles = data("double_places")
    singles = data("single_places")
    codes = data("code_places")
    narrow = data("narrow_places")
    wide = data("wide_places")
    starts = data("start_places")
    levels = data("level_places")
    scale = data("scale_places")
    form = data("words")
    lease = control(1)
    backwards = control(0)
    centred = control(0)
    total = control(1.0)

    def __init__(
        self, *, matrix: MappedMatrix, lease: int, backwards: bool, phase: str, **given: Any
    ) -> None:
        super().__init__(
            **matrix.stripes._asdict(), stripes=matrix.count, backwards=int(backwards),
            **given,
        )  # fmt: skip
        self.phase, self._lease = phase, lease

    def cycle(self) -> Iterator[str]:
        """Make the pass, and end."""
        self.lease = self._lease  # not given, as a fit may resume with other workers, so others
        yield self.phase
        self.take()
        self.stop()

    def take(self) -> None:
        """Keep what the workers have found in variables, which outlast their number."""

    def recover(self) -> Sequence[str]:
        """Make the pass again; nothing else has to be computed for it."""
        return ()


@kernel
def push_column_statistics(
    stripes, doubles, singles, codes, narrow, wide, starts, levels, scale, form, lease, backwards,
    centred, total, weight, weighted, reference, rest, norm, score,
):  # fmt: skip
    """Compute the statistics of my columns, and their products with the weighted vector.

    The norm of a column with an entry that is not finite is −1.
    """
    F = Stripes(doubles, singles, codes, narrow, wide, starts, levels, scale, form)
    first, last, n = stripes[0], stripes[1], form[LENGTH]
    counted = 0
    for i in range(n):
        counted += weight[i] > 0.0
    rows, values = np.empty(n, np.int64), np.empty(n)
    for turn in range(last - first):
        next_lease(F, turn, first, last, backwards, lease)
        j = stripe_at(turn, first, last, backwards)
        count = fetch(F, j, rows, values)
        finite = True
        for k in range(count):
            finite &= np.isfinite(values[k])
            if weight[rows[k]] == 0.0:
                values[k] = 0.0
        count = count if finite else 0
        reference[j] = 0.0
        if centred and finite:
            low, high = bounds_of(rows, values, count, weight, counted)
            mean, squares = mean_and_deviation(rows, values, count, weight, total)
            if low == high:
                reference[j] = low
            elif form[INDEX] == 0 or mean * mean * total >= FAR * FAR * squares:
                reference[j] = mean
        count = shift_entries(rows, values, count, reference[j], n)
        mean, squares = 0.0, 0.0
        for k in range(count):
            mean += weight[rows[k]] * values[k]
            squares += weight[rows[k]] * values[k] * values[k]
        rest[j] = mean / total if centred else 0.0
        norm[j] = min(np.sqrt(squares), 1e300) if finite else -1.0
        score[j] = chunked_dot(rows, values, count, weighted)
    next_lease(F, last - first, first, last, backwards, lease)


@kernel
def chunked_dot(rows, values, count, vector):
    """Multiply a column with a vector, in chunks, so that rounding errors stay small."""
    total, part = 0.0, 0.0
    for k in range(count):
        part += values[k] * vector[rows[k]]
        if k % CHUNK == CHUNK - 1:
            total += part
            part = 0.0
    return total + part


@kernel
def push_column_products(
    stripes, doubles, singles, codes, narrow, wide, starts, levels, scale, form, lease, backwards,
    weighted, reference, score,
):  # fmt: skip
    """Multiply my shifted columns with the weighted vector."""
    F = Stripes(doubles, singles, codes, narrow, wide, starts, levels, scale, form)
    first, last, n = stripes[0], stripes[1], form[LENGTH]
    rows, values = np.empty(n, np.int64), np.empty(n)
    for turn in range(last - first):
        next_lease(F, turn, first, last, backwards, lease)
        j = stripe_at(turn, first, last, backwards)
        count = fetch(F, j, rows, values)
        count = shift_entries(rows, values, count, reference[j], n)
        score[j] = chunked_dot(rows, values, count, weighted)
    next_lease(F, last - first, first, last, backwards, lease)


class ColumnPass(FilePass):
    """A pass over a file by columns."""

    weight = data("rows")
    weighted = data("rows")
    reference = variable("stripes", private=True)
    rest = variable("stripes", private=True)
    norm = variable("stripes", private=True)
    score = variable("stripes", private=True)

    phases: Mapping[str, Phase] = {
        "statistics": Phase(push=push_column_statistics),
        "products": Phase(push=push_column_products),
    }


@kernel
def push_row_statistics(
    stripes, doubles, singles, codes, narrow, wide, starts, levels, scale, form, lease, backwards,
    weight, weighted, reference, sums, squares, score,
):  # fmt: skip
    """Add up my rows: weighted sums and squares of all columns, and their products."""
    F = Stripes(doubles, singles, codes, narrow, wide, starts, levels, scale, form)
    first, last, p = stripes[0], stripes[1], form[LENGTH]
    places, values = np.empty(p, np.int64), np.empty(p)
    for turn in range(last - first):
        next_lease(F, turn, first, last, backwards, lease)
        i = stripe_at(turn, first, last, backwards)
        for k in range(fetch(F, i, places, values)):
            j = places[k]
            d = values[k] - reference[j]
            if not np.isfinite(d):
                squares[j] = np.nan
            elif weight[i] > 0.0:
                sums[j] += weight[i] * d
                squares[j] += weight[i] * d * d
                score[j] += weighted[i] * d
    next_lease(F, last - first, first, last, backwards, lease)


@kernel
def push_row_products(
    stripes, doubles, singles, codes, narrow, wide, starts, levels, scale, form, lease, backwards,
    weighted, reference, score,
):  # fmt: skip
    """Add up the products of my rows with their entries of the weighted vector."""
    F = Stripes(doubles, singles, codes, narrow, wide, starts, levels, scale, form)
    first, last, p = stripes[0], stripes[1], form[LENGTH]
    places, values = np.empty(p, np.int64), np.empty(p)
    for turn in range(last - first):
        next_lease(F, turn, first, last, backwards, lease)
        i = stripe_at(turn, first, last, backwards)
        for k in range(fetch(F, i, places, values)):
            score[places[k]] += weighted[i] * (values[k] - reference[places[k]])
    next_lease(F, last - first, first, last, backwards, lease)


class RowPass(FilePass):
    """A pass over a file by rows; every worker sums up its rows."""

    weight = data("stripes")
    weighted = data("stripes")
    reference = data("features")
    sums = derived("features", replicated=True, reduce="sum", returned=False)
    squares = derived("features", replicated=True, reduce="sum", returned=False)
    score = derived("features", replicated=True, reduce="sum", returned=False)
    found_sums = variable("features")
    found_squares = variable("features")  # −1 where an entry is not finite
    found_score = variable("features")

    phases: Mapping[str, Phase] = {
        "statistics": Phase(push=push_row_statistics),
        "products": Phase(push=push_row_products),
    }

    def take(self) -> None:
        """Keep the sums over all workers."""
        features = self.size["features"]
        for name in ("sums", "squares", "score"):
            summed = self.state[name][0, :features]
            known = np.isfinite(self.state["squares"][0, :features])
            self.state[f"found_{name}"][:] = np.where(known, summed, -1.0)
