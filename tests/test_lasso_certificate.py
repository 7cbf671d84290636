"""The certificate of a Lasso never says too little, and what it cannot say it calls so.

2,000 examples: ``HYPOTHESIS_PROFILE=nightly pytest tests/test_lasso_certificate.py``.
"""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from certified import Case, cases, penalty
from hypothesis import event, given
from regressions import JIT
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso as Reference

from strads import Lasso, NotCertifiedWarning

TOL = 1e-6


@pytest.mark.skipif(not JIT, reason="many fits: compiled only")
@given(case=cases())
def test_no_gap_is_smaller_than_the_true_one(case):
    model, warned = case.fit(tol=TOL, max_iter=500)
    true = case.true_gap(model)
    event(model.verdict_)
    assert model.dual_gap_ >= true * (1.0 - 1e-9) - 1e-15
    assert model.certified_ == (model.dual_gap_ <= TOL) == (model.verdict_ == "certified")
    expected = {"certified": [], "precision": [NotCertifiedWarning]}
    assert warned == expected.get(model.verdict_, [ConvergenceWarning])
    assert model.verdict_ != "max_iter" or model.n_iter_ >= 500
