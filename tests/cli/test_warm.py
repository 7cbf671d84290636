"""strads warm: kernels are compiled before the first fit."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from strads.cli import app


@pytest.mark.processes
@pytest.mark.compiles
def test_a_fit_after_it_compiles_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("STRADS_CACHE_DIR", str(tmp_path))
    found = CliRunner().invoke(app, ["warm", "implicit"])
    assert found.exit_code == 0, found.output
    assert "implicit, fit" in found.output
    kept = set(tmp_path.iterdir())
    assert kept
    assert CliRunner().invoke(app, ["warm", "implicit"]).exit_code == 0
    assert set(tmp_path.iterdir()) == kept


def test_an_unknown_model_is_named() -> None:
    found = CliRunner().invoke(app, ["warm", "lasso", "forest"])
    assert found.exit_code == 2
    assert "no model 'forest' to warm; give lasso, mf, implicit, nmf, lda" in found.output
