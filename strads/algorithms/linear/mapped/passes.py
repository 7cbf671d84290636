"""One pass over a matrix in a file: statistics of its columns, or their products with a vector.

Every worker opens the file and goes through its own stripes (columns of a file by columns, rows of
one by rows) in their order. It copies a part of them at a time to a buffer, and announces the next
part, which the system reads meanwhile. Every second pass goes backwards: it begins with what the
system still has in memory from the pass before. The numbers do not depend on the direction for a
file by columns; for one by rows, sums over the rows are added in the order of the pass, which is
the same whenever the fit is repeated.

Columns enter as in :mod:`strads.algorithms.linear.certified.centring`, but without exponents: a
column of a file by columns is shifted by its mean, unless it is sparse and its mean is near zero;
of a file by rows, all columns are shifted by given numbers, unless it is sparse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from strads.algorithms.linear.certified.centring import (
    FAR,
    bounds_of,
    mean_and_deviation,
    shift_entries,
)
from strads.algorithms.linear.certified.products import chunked_dot
from strads.datasets import MappedMatrix
from strads.engine import Phase, Program, control, data, derived, kernel, variable
from strads.kernels.linear.files.stripes import (
    ALL,
    FAULTS,
    INDEX,
    LENGTH,
    Stripes,
    close_window,
    fetch,
    hold,
    open_window,
    stripe_at,
)


class FilePass(Program):
    """Base of the programs that pass over a file once.

    Parameters
    ----------
    matrix : MappedMatrix
    room : int
        Bytes that a worker reads together.
    backwards : bool
        Whether the pass begins with the last stripe.
    phase : str
        The phase that makes the pass.
    **given
        See :class:`strads.Program`.
    """

    starts = data("start_places")
    levels = data("level_places")
    scale = data("scale_places")
    form = data("words")
    fingerprint = data("fingerprint_bytes")  # of the files, for checkpoints
    paths = derived("two_files", "path_bytes", dtype=np.uint8, returned=False)
    faults = derived("fault_words", replicated=True, reduce="sum", returned=False)
    room = control(1)
    backwards = control(0)
    centred = control(0)
    total = control(1.0)

    def __init__(
        self, *, matrix: MappedMatrix, room: int, backwards: bool, phase: str, **given: Any
    ) -> None:
        arrays = matrix.stripes._asdict()
        self._paths = arrays.pop("paths")  # not given, as a fit may resume in another process
        super().__init__(
            **arrays, fingerprint=matrix.fingerprint, two_files=2, path_bytes=self._paths.shape[1],
            fault_words=FAULTS, stripes=matrix.count, backwards=int(backwards), **given,
        )  # fmt: skip
        self.matrix, self.phase, self._room = matrix, phase, room

    def cycle(self) -> Iterator[str]:
        """Make the pass, and end."""
        self.state["paths"][:] = self._paths
        self.room = self._room  # not given, as a fit may resume with other workers, so others
        yield self.phase
        self.matrix.demand_read(self.state["faults"][0, :FAULTS])
        self.take()
        self.stop()

    def take(self) -> None:
        """Keep what the workers have found in variables, which outlast their number."""

    def recover(self) -> Sequence[str]:
        """Make the pass again; nothing else has to be computed for it."""
        return ()


@kernel
def push_column_statistics(
    stripes, paths, starts, levels, scale, form, room, backwards, faults, centred, total, weight,
    weighted, reference, rest, norm, score,
):  # fmt: skip
    """Compute the statistics of my columns, and their products with the weighted vector.

    The norm of a column with an entry that is not finite is −1.
    """
    F = Stripes(paths, starts, levels, scale, form)
    first, last, n = stripes[0], stripes[1], form[LENGTH]
    counted = 0
    for i in range(n):
        counted += weight[i] > 0.0
    rows, values = np.empty(n, np.int64), np.empty(n)
    W = open_window(F, room, ALL)
    for turn in range(last - first):
        j = stripe_at(turn, first, last, backwards)
        if not hold(F, W, j, first, last, backwards):
            break
        count = fetch(F, W, j, rows, values)
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
        score[j, 0] = chunked_dot(rows, values, count, weighted[0])
    faults[close_window(W)] += 1.0


@kernel
def push_column_products(
    stripes, paths, starts, levels, scale, form, room, backwards, faults, weighted, reference,
    score,
):  # fmt: skip
    """Multiply my shifted columns with the weighted vectors."""
    F = Stripes(paths, starts, levels, scale, form)
    first, last, n = stripes[0], stripes[1], form[LENGTH]
    rows, values = np.empty(n, np.int64), np.empty(n)
    W = open_window(F, room, ALL)
    for turn in range(last - first):
        j = stripe_at(turn, first, last, backwards)
        if not hold(F, W, j, first, last, backwards):
            break
        count = fetch(F, W, j, rows, values)
        count = shift_entries(rows, values, count, reference[j], n)
        for c in range(len(weighted)):
            score[j, c] = chunked_dot(rows, values, count, weighted[c])
    faults[close_window(W)] += 1.0


class ColumnPass(FilePass):
    """A pass over a file by columns."""

    weight = data("rows")
    weighted = data("several", "rows")
    reference = variable("stripes", private=True)
    rest = variable("stripes", private=True)
    norm = variable("stripes", private=True)
    score = variable("stripes", "several", private=True)

    phases: Mapping[str, Phase] = {
        "statistics": Phase(push=push_column_statistics, frozen=("paths",)),
        "products": Phase(push=push_column_products, frozen=("paths",)),
    }


@kernel
def push_row_statistics(
    stripes, paths, starts, levels, scale, form, room, backwards, faults, weight, weighted,
    reference, sums, squares, score,
):  # fmt: skip
    """Add up my rows: weighted sums and squares of all columns, and their products."""
    F = Stripes(paths, starts, levels, scale, form)
    first, last, p = stripes[0], stripes[1], form[LENGTH]
    places, values = np.empty(p, np.int64), np.empty(p)
    W = open_window(F, room, ALL)
    for turn in range(last - first):
        i = stripe_at(turn, first, last, backwards)
        if not hold(F, W, i, first, last, backwards):
            break
        for k in range(fetch(F, W, i, places, values)):
            j = places[k]
            d = values[k] - reference[j]
            if not np.isfinite(d):
                squares[j] = np.nan
            elif weight[i] > 0.0:
                sums[j] += weight[i] * d
                squares[j] += weight[i] * d * d
                score[j, 0] += weighted[0, i] * d
    faults[close_window(W)] += 1.0


@kernel
def push_row_products(
    stripes, paths, starts, levels, scale, form, room, backwards, faults, weighted, reference,
    score,
):  # fmt: skip
    """Add up the products of my rows with their entries of the weighted vectors."""
    F = Stripes(paths, starts, levels, scale, form)
    first, last, p = stripes[0], stripes[1], form[LENGTH]
    places, values = np.empty(p, np.int64), np.empty(p)
    W = open_window(F, room, ALL)
    for turn in range(last - first):
        i = stripe_at(turn, first, last, backwards)
        if not hold(F, W, i, first, last, backwards):
            break
        for k in range(fetch(F, W, i, places, values)):
            j = places[k]
            d = values[k] - reference[j]
            for c in range(len(weighted)):
                score[j, c] += weighted[c, i] * d
    faults[close_window(W)] += 1.0


class RowPass(FilePass):
    """A pass over a file by rows; every worker sums up its rows."""

    weight = data("stripes")
    weighted = data("several", "stripes")
    reference = data("features")
    sums = derived("features", replicated=True, reduce="sum", returned=False)
    squares = derived("features", replicated=True, reduce="sum", returned=False)
    score = derived("features", "several", replicated=True, reduce="sum", returned=False)
    found_sums = variable("features")
    found_squares = variable("features")  # −1 where an entry is not finite
    found_score = variable("features", "several")

    phases: Mapping[str, Phase] = {
        "statistics": Phase(push=push_row_statistics, frozen=("paths",)),
        "products": Phase(push=push_row_products, frozen=("paths",)),
    }

    def take(self) -> None:
        """Keep the sums over all workers."""
        features = self.size["features"]
        for name in ("sums", "squares", "score"):
            summed = self.state[name][0, :features]
            known = np.isfinite(self.state["squares"][0, :features])
            found = self.state[f"found_{name}"]
            found[:] = summed
            found[~known] = -1.0
