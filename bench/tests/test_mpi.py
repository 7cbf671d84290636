"""The benchmark of ranks against worker processes, tiny."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.mpi.__main__ import main

MPIEXEC = shutil.which("mpiexec") or (Path(sys.executable).parent / "mpiexec").exists()


pytestmark = pytest.mark.skipif(
    not (MPIEXEC and find_spec("mpi4py")), reason="no mpi4py, or no mpiexec"
)


def test_ranks_and_processes_are_compared() -> None:
    alone, processes, ranks = main(fits=["factors"], tiny=True)
    assert alone["digest"] == processes["digest"] == ranks["digest"]
    assert ranks["bytes_sent"] > 0
    assert ranks["peak_mib"] > 0


@pytest.mark.slow
def test_the_memory_of_a_rank_is_shown_beside_its_bound() -> None:
    (row,) = main(fits=["rotation"], tiny=True, memory=True)
    assert row["ranks"] == 2
    assert row["bound"] == pytest.approx(1.3 * row["data"] / 2 + row["replicated"])
    assert 0.2 < row["data"] < 0.5
