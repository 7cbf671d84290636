"""``strads convert``, and fits of data that stay in their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from commands import done, record_of, refused
from sklearn.datasets import dump_svmlight_file


def test_convert_fit_and_predict(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 5)).round(3)
    y = np.where(X[:, 0] > 0, 1.0, -1.0)
    dump_svmlight_file(X, y, str(tmp_path / "x.svm"), zero_based=False)
    folder, out = tmp_path / "x", tmp_path / "run"
    done("convert", tmp_path / "x.svm", folder, "--by", "rows")
    done("fit", "svm", folder, "--max-memory", "200 MB", "--out", out)
    record = record_of(out)
    assert record["verdict"] == "certified"
    assert record["settings"]["max_memory"] == "200 MB"
    assert "passes" in record["statistics"]
    done("predict", out, folder)


def test_what_cannot_stay_in_its_file_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", X=np.eye(3), y=np.ones(3))
    asked = ("--alpha", 0.1, "--max-memory", "1 GB")
    assert "strads convert" in refused("fit", "lasso", tmp_path / "x.npz", *asked)
    assert "by='sideways'" in refused(
        "convert", tmp_path / "x.npz", tmp_path / "y", "--by", "sideways"
    )
