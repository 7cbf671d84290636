"""The benchmark of data larger than memory, tiny."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.mapped.fits import model_of
from bench.mapped.generated import generate
from bench.mapped.reading import read_once
from strads.datasets import map_matrix


@pytest.mark.parametrize(
    "fit",
    ["lasso dense", pytest.param("lasso sparse", marks=pytest.mark.compiled), "svm sparse"],
)
def test_what_is_generated_can_be_fitted(tmp_path: Path, fit: str) -> None:
    path, target = generate(tmp_path, fit, 1 << 19)
    X, y = map_matrix(path), np.load(target)
    assert X.shape[0] == len(y)
    assert X.nbytes >= 1 << 18
    model = model_of(fit, y, "50 MB").fit(X, y)
    assert model.certified_
    assert np.count_nonzero(model.coef_) > 0
    assert read_once(path) > 0.0
