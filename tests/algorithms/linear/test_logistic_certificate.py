"""The certificate of a logistic regression is never below the true gap.

With ``HYPOTHESIS_PROFILE=nightly`` this test runs 2,000 examples.
"""

from __future__ import annotations

import pytest
from certified import FEW, examined
from hypothesis import event, given
from labelled import labelled
from regressions import JIT


@pytest.mark.slow
@pytest.mark.skipif(not JIT, reason="many fits: compiled only")
@FEW
@given(case=labelled())
def test_no_gap_is_smaller_than_the_true_one(case):
    verdict, faults = examined(case)
    event(verdict)
    assert faults == []
