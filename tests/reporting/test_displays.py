"""Pictures of runs with matplotlib."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib
import numpy as np
import pytest
from told_runs import told_run

from strads import ConvergenceDisplay, ScheduleDisplay, TimelineDisplay
from strads.engine import DataError

matplotlib.use("Agg")
from matplotlib import pyplot


@pytest.fixture
def run(tmp_path: Path) -> Any:
    yield told_run(tmp_path / "run")
    pyplot.close("all")


def test_the_figure_of_a_run(run: Path) -> None:
    display = ConvergenceDisplay.from_run(run, against="updates", color="red")
    np.testing.assert_allclose(display.line_.get_ydata(), 0.5 ** np.arange(1.0, 41.0))
    np.testing.assert_array_equal(display.line_.get_xdata(), 100.0 * np.arange(1, 41))
    assert display.line_.get_color() == "red"
    assert display.ax_.get_yscale() == "log"
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("updates", "certificate")
    assert len(display.ax_.lines) == 2  # the target as well


def test_another_figure_on_given_axes(run: Path) -> None:
    _, ax = pyplot.subplots()
    display = ConvergenceDisplay.from_run(run, figure="nonzeros", ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert ax.get_yscale() == "log"
    assert len(ax.lines) == 1


def test_an_estimator_is_drawn_by_its_folder_or_its_history(run: Path) -> None:
    recorded = SimpleNamespace(run_dir=run, history_=[])
    assert len(ConvergenceDisplay.from_estimator(recorded).line_.get_xdata()) == 40
    assert ScheduleDisplay.from_estimator(recorded).size == 1000
    assert list(TimelineDisplay.from_estimator(recorded).times)[-1] == "scheduler"
    plain = SimpleNamespace(history_=[{"certificate": 1.0}, {"certificate": 0.1}], tol=0.01)
    display = ConvergenceDisplay.from_estimator(plain)
    assert display.line_.get_xdata().tolist() == [1.0, 2.0]
    assert display.target == 0.01


def test_the_visits_of_a_run(run: Path) -> None:
    """The first quarter of the ids was visited 100 times a step, 40 times."""
    display = ScheduleDisplay.from_run(run)
    assert (display.phase, display.axis, display.size) == ("main", "features", 1000)
    assert display.visits.sum() * 1000 / len(display.visits) == pytest.approx(4000.0)
    assert display.visits[:16].min() > 0.0
    assert display.visits[16:].max() == 0.0
    assert display.image_.get_array().mask.any()


def test_the_timeline_of_a_run(run: Path) -> None:
    display = TimelineDisplay.from_run(run)
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ["worker 0", "worker 1", "scheduler"]
    legend = [words.get_text() for words in display.ax_.get_legend().get_texts()]
    assert legend == ["computing", "waiting", "starved", "scheduling"]


def test_what_cannot_be_drawn_is_told(run: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no figure 'loss'"):
        ConvergenceDisplay.from_run(run, figure="loss")
    with pytest.raises(DataError, match="use one of seconds, updates, steps"):
        ConvergenceDisplay.from_run(run, against="days")
    with pytest.raises(DataError, match="no visits of a phase 'other'"):
        ScheduleDisplay.from_run(run, phase="other")
    with pytest.raises(DataError, match="nothing of its processes"):
        TimelineDisplay.from_run(told_run(tmp_path / "b", every=0))
    with pytest.raises(DataError, match="has no run_dir"):
        ScheduleDisplay.from_estimator(SimpleNamespace())
    with pytest.raises(DataError, match="is not fitted"):
        ConvergenceDisplay.from_estimator(SimpleNamespace())
    with pytest.raises(DataError, match="needs the record of the fit"):
        ConvergenceDisplay.from_estimator(SimpleNamespace(history_=[]), against="seconds")


def test_matplotlib_is_imported_when_something_is_drawn() -> None:
    program = (
        "import sys; from strads import ConvergenceDisplay, ScheduleDisplay, TimelineDisplay; "
        "print('matplotlib' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert told.stdout.strip() == "False", told.stderr
