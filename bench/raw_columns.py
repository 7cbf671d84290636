"""Raw columns beside sparse data: does the Lasso explain as much as after centring by hand?

    python -m bench.raw_columns --data 20news-bow dorothea

Each set gets a column of epoch seconds (mean 1.6e9, deviation 1e7) and one of years, as they come
from a table, and a target in which both have a part. strads is given them raw; scikit-learn is
given the same matrix with these two columns centred in double precision beforehand, which makes no
difference to a model with an intercept. *Apart* is how far the shares of variance that they explain
(R²) are from each other; `APART` is what is allowed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import Lasso as Reference

from bench.datasets import Dataset, load
from bench.harness.command import loaded
from bench.harness.tables import show
from bench.judge import alpha_max
from bench.solvers import quietly
from strads import Lasso

APART = 1e-6


@dataclass
class Row:
    """One set at one penalty."""

    data: str
    divisor: float  # α = α_max / divisor
    layout: str
    strads: float
    reference: float
    gap: float
    verdict: str

    @property
    def apart(self) -> float:
        """Difference of the shares of variance explained."""
        return abs(self.strads - self.reference)


def main(arguments: list[str] | None = None) -> list[Row]:
    """Print the table; return its rows."""
    options = _options(arguments)
    rows = [row for data in loaded(["tiny"] if options.tiny else options.data, load)
            for divisor in options.alphas for row in _compared(data, divisor)]  # fmt: skip
    show("raw columns beside sparse data",
         ("data", "α_max / α", "layout", "R² strads", "R² scikit-learn", "apart", "gap", "verdict"),
         [(row.data, f"{row.divisor:g}", row.layout, f"{row.strads:.8f}", f"{row.reference:.8f}",
           f"{row.apart:.1e}", f"{row.gap:.1e}", row.verdict) for row in rows])  # fmt: skip
    return rows


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.raw_columns", description=__doc__.split("\n")[0])
    parser.add_argument("--data", nargs="+", default=["20news-bow", "dorothea"])
    parser.add_argument("--alphas", nargs="+", type=float, default=[10.0, 100.0],
                        help="divisors of the smallest alpha with an empty solution")  # fmt: skip
    parser.add_argument("--tiny", action="store_true", help="random data: does it run at all")
    return parser.parse_args(arguments)


def raw_columns(n: int) -> np.ndarray:
    """Epoch seconds and years, of shape (n, 2)."""
    rng = np.random.default_rng(0)
    seconds = np.round(1.6e9 + 1e7 * rng.standard_normal(n))
    years = np.round(2005.0 + 8.0 * rng.standard_normal(n))
    return np.column_stack([seconds, years])


def _compared(data: Dataset, divisor: float) -> Iterator[Row]:
    raw = raw_columns(data.X.shape[0])
    centred = raw - raw.mean(axis=0)
    y = data.y + data.y.std() * (centred / centred.std(axis=0)) @ np.array([0.5, -0.3])
    beside = sp.csc_matrix(sp.hstack([sp.csc_matrix(centred), data.X]))
    # α_max of the sparse columns alone: that of the seconds would leave all others out.
    alpha = alpha_max(data.X, y) / divisor
    reference = quietly(lambda: Reference(alpha, tol=1e-10, max_iter=20_000).fit(beside, y))
    expected = float(reference.score(beside, y))
    for layout, given in _layouts(raw, data.X):
        model = Lasso(alpha, tol=1e-8).fit(given, y)
        yield Row(data.name, divisor, layout, float(model.score(given, y)), expected,
                  model.dual_gap_, model.verdict_)  # fmt: skip


def _layouts(raw: np.ndarray, X: Any) -> list[tuple[str, Any]]:
    """The matrix by columns, by rows, and, where that is small, dense."""
    whole = sp.csc_array(sp.hstack([sp.csc_matrix(raw), X]))
    layouts = [("csc", whole), ("csr", whole.tocsr())]
    if whole.shape[0] * whole.shape[1] <= 1 << 20:
        layouts.append(("dense", whole.toarray()))
    return layouts


if __name__ == "__main__":
    main()
