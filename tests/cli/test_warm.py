"""strads warm: kernels are compiled before the first fit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from strads.cli import app


@pytest.mark.processes
@pytest.mark.compiles
def test_a_fit_after_it_compiles_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "STRADS_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "strads", "warm", "implicit"]  # this process has kernels

    def warm() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True)

    assert "implicit, fit" in warm().stdout
    kept = set(tmp_path.iterdir())
    assert kept
    warm()
    assert set(tmp_path.iterdir()) == kept


def test_an_unknown_model_is_named() -> None:
    found = CliRunner().invoke(app, ["warm", "lasso", "forest"])
    assert found.exit_code == 2
    assert (
        "no model 'forest' to warm; give lasso, group, multinomial, svm, mf, implicit, nmf, lda, "
        "medlda, ising, boltzmann, glasso, neighbours, concord, dictionary" in found.output
    )
