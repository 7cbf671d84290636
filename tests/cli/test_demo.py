"""``strads demo``: what it prints, and that it is true."""

import io
import re

import numpy as np
import pytest
from rich.console import Console

from strads.algorithms.linear.regression.lasso import Lasso
from strads.demo import demo, problem


@pytest.fixture(scope="module")
def screen():
    """All that the demonstration prints about 500 variables."""
    file = io.StringIO()
    assert demo(Console(file=file, width=80), 1, features=500)
    return file.getvalue()


@pytest.mark.compiled
def test_it_fits_on_the_first_screen(screen):
    lines = screen.splitlines()
    assert len(lines) <= 10
    assert max(map(len, lines)) <= 80
    assert "500 variables" in lines[0]
    assert lines[-1].startswith("Next: strads fit lasso")


@pytest.mark.compiled
def test_both_solvers_reach_the_gap_with_the_same_weights(screen):
    found = re.findall(r"(\S+) +(\d+\.\d\d) s   gap (\S+)   ([\d,]+) weights", screen)
    assert [name for name, *_ in found] == ["strads", "scikit-learn"]
    assert all(float(gap) <= 1e-6 for *_, gap, _ in found)
    given = problem(features=500)
    weights = Lasso(given.alpha, n_workers=1, tol=1e-6).fit(given.X, given.y).coef_
    assert {count for *_, count in found} == {f"{np.count_nonzero(weights):,}"}


@pytest.mark.compiled
def test_what_the_scheduler_did_is_counted(screen):
    dispatched, members, deferred = (
        int(number.replace(",", ""))
        for number in re.findall(
            r"dispatched ([\d,]+) updates of the ([\d,]+) .* and ([\d,]+) waited", screen, re.DOTALL
        )[0]
    )
    assert 0 < members <= 500
    assert dispatched > 0
    assert deferred < dispatched
