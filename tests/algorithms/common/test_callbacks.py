"""All estimators take an instrument, a function, or a list or tuple of them as callbacks."""

import numpy as np
import pytest
from sklearn.base import clone

from strads import (
    NMF,
    DictionaryLearning,
    ImplicitFactorization,
    Instrument,
    LatentDirichletAllocation,
    MatrixFactorization,
)
from strads.engine import ProgramError

#: The Lasso's are in tests/algorithms/linear/test_lasso_conventions.py.
ESTIMATORS = [
    MatrixFactorization(2, max_iter=2),
    ImplicitFactorization(2, max_iter=2),
    NMF(2, max_iter=2),
    DictionaryLearning(2, max_iter=2),
    LatentDirichletAllocation(2, max_iter=2),
]


class Counter(Instrument):
    def __init__(self):
        self.steps = 0

    def after_step(self, run, step):
        self.steps += 1


@pytest.mark.compiles
@pytest.mark.parametrize("model", ESTIMATORS, ids=lambda model: type(model).__name__)
def test_callbacks_are_one_or_several_instruments_or_functions(model):
    X, seen = np.random.default_rng(0).integers(1, 5, size=(12, 8)), []
    for given in (Counter(), seen.append, (seen.append, Counter())):
        model.set_params(callbacks=given)
        assert model.callbacks is given
        fitted = clone(model).fit(X)
        several = fitted.callbacks if isinstance(given, tuple) else [fitted.callbacks]
        counts = [one.steps for one in several if isinstance(one, Counter)]
        assert counts == [len(fitted.history_)] * isinstance(several[-1], Counter)
    assert all(step.epoch > 0 for step in seen) and seen
    with pytest.raises(ProgramError, match="neither an Instrument nor a function"):
        model.set_params(callbacks=["print"]).fit(X)
