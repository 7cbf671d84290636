"""docs/features.md says what the packages can do: every cell is tried.

A column has a module of claims, `of_….py`: for every row the text of the cell, and checks that
raise an error unless it is true. The columns of peers are tested where these are installed, in the
versions that the page names.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from claims import absent, lacks, refused, yes
from judged import ALPHA, SLOPES, S, X, labels, lowest, quantile, separated, signs, solved, y

from strads import Lasso, LinearSVC, SparseLogisticRegression

PAGE = (Path(__file__).parents[2] / "docs" / "features.md").read_text()
COLUMNS = ["strads", "scikit-learn", "celer", "skglm", "liblinear"]
#: Distributions as the page writes their versions: `celer` 0.7.
VERSIONS = dict(re.findall(r"`([\w-]+)` (\d+\.\d+)", PAGE))


def rows(page: str) -> Iterator[list[str]]:
    """Yield the rows of all tables of features."""
    inside = False
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line[:1] == "|" else []
        if inside and cells and set(line) - set("|-"):
            yield cells
        inside = bool(cells) and (inside or cells[1:] == COLUMNS)


TABLE = {row[0]: dict(zip(COLUMNS, row[1:], strict=True)) for row in rows(PAGE)}
PROCESSES = "several processes or threads in a fit"


def claims_of(column: str) -> dict[str, Any]:
    """Return the claims of a column, or skip the test where they cannot be tried."""
    if column == "skglm" and numba.config.DISABLE_JIT:
        pytest.skip("skglm's classes need the compiler")
    wanted = {"liblinear": ["liblinear-multicore"], "celer": ["celer", "scikit-learn"]}
    for distribution in wanted.get(column, [column]):
        try:
            version = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            pytest.skip(f"{distribution} is not installed")
        if not f"{version}.".startswith(f"{VERSIONS[distribution]}."):
            pytest.skip(f"the table is of {distribution} {VERSIONS[distribution]}, not {version}")
    return importlib.import_module(f"of_{column.replace('-', '_')}").CLAIMS


def cells() -> list[Any]:
    """Return a parameter for every cell."""
    found = []
    for row in TABLE:
        for column in COLUMNS:
            marks = [pytest.mark.slow] if column == "skglm" else []  # it compiles for minutes
            if column == "strads":  # kernels of all kinds of data for a fit each
                marks.append(pytest.mark.compiles)
            if column == "strads" and row == PROCESSES:
                marks.append(pytest.mark.processes)
            found.append(pytest.param(row, column, marks=marks, id=f"{column}: {row}"))
    return found


@pytest.mark.parametrize(("row", "column"), cells())
@pytest.mark.filterwarnings("ignore")  # of peers: of numbers of iterations and of their versions
def test_a_cell_says_what_is_so(row: str, column: str) -> None:
    claims = claims_of(column)
    assert row in claims, "nobody tries this cell"
    assert TABLE[row][column] == claims[row].cell
    assert claims[row].checks
    for check in claims[row].checks:
        check()


@pytest.mark.parametrize("column", COLUMNS)
def test_every_claim_has_a_cell(column: str) -> None:
    assert set(claims_of(column)) == set(TABLE)


def test_the_page_has_a_table() -> None:
    assert len(TABLE) > 50
    assert sum(len(list(rows(part))) for part in PAGE.split("\n## ")) == len(TABLE)  # none twice
    assert set(VERSIONS) == {*COLUMNS, "liblinear-multicore"} - {"liblinear"}


# -- judges and checks can fail ----------------------------------------------------------------


def test_the_judges_refuse_other_models() -> None:
    given = {"n_workers": 1, "tol": 1e-9}
    wrong = Lasso(1.1 * ALPHA, **given).fit(X, y)
    hardly = SparseLogisticRegression(1.01 * ALPHA, **given).fit(X, labels)
    machine = LinearSVC(loss="hinge", C=0.9, n_workers=1).fit(S, labels)
    right = Lasso(ALPHA, **given).fit(X, y)
    for judgement in (
        lambda: solved(wrong),
        lambda: solved(right, positive=True),
        lambda: solved(right, l1_ratio=0.5),
        lambda: solved(right, free=False),
        lambda: solved((right.coef_, right.intercept_ + 0.01)),
        lambda: solved((0.0 * right.coef_, y.mean())),
        lambda: solved(hardly, labels, loss="logistic"),
        lambda: separated(machine, signs, loss="hinge"),
        lambda: lowest(quantile, np.append(right.coef_, right.intercept_)),
    ):
        with pytest.raises(AssertionError):
            judgement()


def test_the_checks_notice_what_is_there() -> None:
    for check in (
        refused("x", lambda: None),
        refused("other words", lambda: int("x")),
        lacks(Lasso, "alpha"),
        lacks(Lasso, "fit"),
        absent(pytest, "mark"),
    ):
        with pytest.raises(AssertionError):
            check()
    assert yes(lambda: None).cell == "yes"
    assert len(SLOPES) > 5
