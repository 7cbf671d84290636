"""The simulated curve of nodes, tiny."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.scale.__main__ import main
from bench.scale.counting import counted
from bench.scale.model import NETWORKS, Network, modelled
from bench.scale.wire import Exchange, Times

MPIEXEC = shutil.which("mpiexec") or (Path(sys.executable).parent / "mpiexec").exists()


def test_a_fit_is_counted_and_drawn(tmp_path: Path) -> None:
    """That ranks find the bits of one machine is demanded while they are counted."""
    one, two = main(fits=["MF"], tiny=True, out=tmp_path)
    assert (one["nodes"], two["nodes"]) == (1, 2)
    assert one["hops"] == one["path"] == one["received"] == 0
    assert two["received"] > 0
    assert two["exchanges"] >= two["hops"] > 0
    assert two["slowest"] >= two["mean"] >= two["kernels"] > 0.0
    assert (tmp_path / "figures" / "clusters-scale.png").stat().st_size > 5_000


@pytest.mark.skipif(not (MPIEXEC and find_spec("mpi4py")), reason="no mpi4py, or no mpiexec")
def test_the_model_stands_beside_two_ranks(tmp_path: Path) -> None:
    (row,) = main(fits=["MF"], tiny=True, check=True, out=tmp_path)
    assert row["ratio"] == pytest.approx(row["modelled"] / row["measured"])
    assert min(row["latency"], row["byte"], row["modelled"]) > 0.0


def test_exchanges_are_summed() -> None:
    gathered = Exchange(np.array([8, 24, 8, 0]), [])
    swapped = np.zeros((4, 4), np.int64)
    swapped[0, 1], swapped[2, 1], swapped[1, 1] = 100, 50, 999  # the last one stays where it is
    times = [
        Times(np.array([9.0, 1.0, 2.0, 0.2]), np.array([0.0, 0.5, 0.0, 0.0]), np.array([1, 3])),
        Times(np.array([8.0, 3.0, 1.0, 0.1]), np.array([0.0, 0.5, 1.0, 0.0]), np.array([1, 3])),
    ]
    found = counted([gathered, gathered, Exchange(swapped, []), gathered], times)
    assert found["hops"] == 2 + 2  # log₂ 4; two ranks send to one
    assert found["path"] == 40 + 150
    assert found["prepare"] == 9.0
    assert (found["once"], found["once_hops"], found["once_path"]) == (0.2, 4, 80)
    assert (found["slowest"], found["mean"], found["kernels"]) == (5.0, 3.5, 1.0)


def test_seconds_are_those_of_the_formula() -> None:
    shared = {"fit": "x", "size": "", "epochs": 10, "counted": 2, "alone": np.nan}
    one = {
        **shared, "nodes": 1, "alone": 4.0, "kernels": 3.0, "slowest_kernels": 3.0, "mean": 5.0,
        "slowest": 5.0, "hops": 0, "path": 0,
    }  # fmt: skip
    two = {
        **shared, "nodes": 2, "kernels": 1.5, "slowest_kernels": 1.7, "mean": 2.75, "slowest": 3.25,
        "hops": 100, "path": 1000, "once": 0.5, "once_hops": 100, "once_path": 1000,
    }  # fmt: skip
    rows = pd.DataFrame([one, two, {"fit": "x", "nodes": 4}])
    found = modelled(rows, Network("", 1e-3, 1e-4))
    assert found["seconds"][0] == pytest.approx(20.0)
    # Two epochs: 1.5 s of kernels, 1 of the leader, 0.25 of the engine, 0.5 of waiting, 0.1, 0.1.
    once = 0.5 + 0.1 + 0.1
    assert found["seconds"][1] == pytest.approx(5 * (1.5 + 1.0 + 0.25 + 0.5 + 0.1 + 0.1) + once)
    assert found["speedup"][1] == pytest.approx(20.0 / 17.95)
    assert np.isnan(found["seconds"][2])
    larger = modelled(rows, NETWORKS[1], 1e6)["speedup"][1]
    # What does not grow is forgotten.
    assert larger == pytest.approx(4.0 / (1.7 + 1.0 + 0.5 / 5), rel=1e-2)
