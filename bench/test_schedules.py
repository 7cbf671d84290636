"""The ablation of schedules: how paths are judged, how it resumes, and that it runs."""

import numpy as np
import pandas as pd
import pytest

from bench.evidence import tables
from bench.schedules import grid, verdict
from bench.schedules.__main__ import main
from bench.schedules.arms import ARMS, LEASES, sizes
from bench.schedules.data_parallel import data_parallel_lasso
from bench.schedules.grid import Setting
from bench.schedules.ledger import Ledger
from bench.schedules.problem import Design, design, most_lost, most_together
from bench.schedules.trial import HOPELESS, Path, arm_program, follow, trial
from strads import run


def path(objectives, gaps=None):
    """A path of ten updates a measure, from an objective of 1."""
    count = len(objectives)
    return Path(
        1.0, updates=[10 * (i + 1) for i in range(count)], rounds=list(range(1, count + 1)),
        gaps=gaps or [1.0] * count, objectives=objectives, promised=[1.0] * count,
        seconds=[0.0] * count,
    )  # fmt: skip


def test_a_crossing_is_the_first_measure_within_the_gap():
    nan = float("nan")
    gaps = [0.5, nan, 1e-3, 2e-3, 1e-7]
    there = path([1.0] * 5, gaps)
    assert there.crossing(1e-3) == 2
    assert there.crossing(1e-6) == 4
    assert there.crossing(1e-9) is None
    assert Path(1.0).crossing(1.0) is None


def test_divergence_begins_where_the_objective_stays_above_its_start():
    rising = path([0.9, 1.5, 0.8, 1.1, 7.0, 2.0 * HOPELESS])
    assert rising.hopeless
    assert rising.onset() == 3
    at_once = path([2.0, float("inf")])
    assert at_once.hopeless
    assert at_once.onset() == 0
    assert path([0.5, float("nan")]).hopeless
    lost = path([0.5, 1.5])
    lost.fall_over()
    assert lost.hopeless
    assert lost.onset() == 1
    assert lost.updates == [10, 20, 20]
    overshoot = path([3.0, 0.5])
    assert not overshoot.hopeless
    assert overshoot.onset() is None


def test_lost_is_the_share_of_the_promise_that_was_not_made():
    half = path([0.75, 0.5])
    half.promised = [0.25, 1.0]
    assert half.lost(0) == 0.0
    assert half.lost() == 0.5
    half.promised = [0.0, 0.0]
    assert np.isnan(half.lost())


def twins(copies):
    """Equal columns: whatever moves together does the same thing."""
    column = np.random.default_rng(0).standard_normal((40, 1))
    y = column.ravel() - column.mean()
    return Design("twins", np.asfortranarray(np.repeat(column, copies, axis=1)), y)


def test_what_theory_says_of_orthogonal_and_of_equal_columns():
    assert most_lost(8, 100, 1.0) == 0.0
    assert most_together(100, 1.0) == np.inf
    equal = twins(16)
    assert equal.radius == pytest.approx(16.0)
    assert most_together(16, equal.radius) == pytest.approx(2.0)


def test_equal_columns_that_move_together_diverge_unless_kept_apart():
    problem = twins(64)
    found = {}
    for arm, rho in (("random", 1.0), ("priority", 1.0), ("dependency", 0.3), ("both", 0.3)):
        setting = Setting("twins", 10.0, arm, 4, 4, rho, cap=50)
        walk, _ = follow(arm_program(problem, setting), setting, problem.objective_at_zero)
        found[arm] = walk
    for arm in ("random", "priority"):
        assert found[arm].hopeless, arm
        assert found[arm].onset() == 0, arm
    for arm in ("dependency", "both"):
        assert found[arm].crossing(1e-6) is not None, arm
        assert found[arm].lost() == pytest.approx(0.0, abs=1e-9), arm  # one at a time


def test_every_arm_hands_out_the_same_sizes():
    assert sizes(6400, 4, 5) == (50, 10)  # 6400 / 32 = 200 ids in all
    assert sizes(100, 8, 10) == (10, 1)
    for arm in ARMS:
        setting = Setting("tiny", 10.0, arm, 2, 4, 0.3 if arm in ("dependency", "both") else 1.0)
        outcome = trial(setting)
        assert outcome["status"] == "converged", arm
        assert outcome["updates_3"] <= outcome["updates_6"] <= outcome["updates"]
        assert outcome["together"] <= 8.0
        assert outcome["rounds_6"] >= outcome["updates_6"] / 8
    assert design("tiny").shape[1] // LEASES > 2 * 4


def test_the_data_parallel_program_solves_the_same_problem():
    problem = design("tiny")
    answers = [
        run(data_parallel_lasso(problem, 10.0, workers), workers=workers, executor="serial",
            tol=1e-9, epochs=5000)
        for workers in (1, 3)
    ]  # fmt: skip
    setting = Setting("tiny", 10.0, "both", 2, 4, 0.3)
    ours = run(arm_program(problem, setting), workers=2, executor="serial", tol=1e-9, epochs=5000)
    for answer in answers:
        assert answer.status == "converged"
        assert np.allclose(answer.state["w"][:900], ours.state["w"], atol=1e-4)
    checked = run(data_parallel_lasso(problem, 10.0, 3), workers=3, check=True, epochs=3)
    assert checked.status == "epochs"


def test_a_file_goes_on_after_a_line_that_was_cut_off(tmp_path):
    file = tmp_path / "rows.csv"
    first = Ledger(file, ("a", "b"))
    first.add({"a": 1, "b": 2.5, "found": 7})
    first.add({"a": 2, "b": 2.5, "found": 8})
    file.write_text(file.read_text()[:-2])
    again = Ledger(file, ("a", "b"))
    assert ("1", "2.5") in again
    assert ("2", "2.5") not in again
    again.add({"a": 2, "b": 2.5, "found": 8})
    assert pd.read_csv(file)["found"].to_list() == [7, 8]
    with pytest.raises(ValueError, match="other columns"):
        again.add({"a": 3, "b": 2.5})


def test_verdicts_compare_medians_over_seeds():
    assert verdict.judged(5.0, 10.0) == "at most half"
    assert verdict.judged(6.0, 10.0) == "fewer"
    assert verdict.judged(10.0, 10.0) == "no fewer"
    nan = float("nan")
    assert verdict.judged(5.0, nan) == "random never arrives"
    assert verdict.judged(nan, 5.0) == "never arrives"
    assert verdict.judged(nan, nan) == "neither arrives"
    assert verdict.judged(nan, 5.0, idle=True) == "idle"
    rows = pd.DataFrame(
        [{"data": "d", "divisor": 10.0, "workers": 2, "ids": 1, "arm": arm, "rho": rho,
          "updates_3": count, "status": "cap"}
         for arm, rho, counts in (("random", 1.0, (10, 12, nan)), ("both", 0.1, (4, 5, 99)))
         for count in counts]
    )  # fmt: skip
    found = verdict.verdicts(rows, "both", "updates_3")
    assert found[["ours", "random", "verdict"]].to_numpy().tolist() == [[5.0, 12.0, "at most half"]]
    best = "0.42 (d, α_max/10, 2 × 1)"
    assert verdict.counted("name", found) == ["name", "1", *["0"] * 6, best]


def test_settings_are_distinct_and_fit():
    scale = grid.TINY
    settings = [*grid.updates(scale), *grid.pipelining(scale), *grid.seconds(scale)]
    assert len(set(settings)) == len(settings)
    assert not any(s.workers * s.ids == 1 and s.rho < 1.0 for s in settings)


def test_everything_runs_and_resumes(tmp_path):
    pytest.importorskip("matplotlib")
    asked = ["updates", "pipelining", "figures", "--tiny", "--out", str(tmp_path)]
    main(asked)
    before = {file.name: file.read_bytes() for file in tmp_path.glob("*.csv")}
    assert before.keys() == {"schedules-updates-tiny.csv", "schedules-pipelining-tiny.csv"}
    main(asked)
    assert before == {file.name: file.read_bytes() for file in tmp_path.glob("*.csv")}
    assert len(list(tmp_path.glob("*.png"))) == 7
    found = tables.everything(tmp_path, "-tiny")
    assert "Epochs to 1e-6, ρ" in found
    assert "by depth" in found


def test_timed_parts_run(tmp_path):
    main(["conventional", "seconds", "defaults", "--tiny", "--out", str(tmp_path)])
    rows = pd.read_csv(tmp_path / "schedules-conventional-tiny.csv")
    assert set(rows["solver"]) == {"scheduled", "data-parallel", "scikit-learn", "shipped"}
    assert (rows["replicated_bytes"].dropna() <= rows["state_bytes"].dropna()).all()
    assert len(pd.read_csv(tmp_path / "schedules-seconds-tiny.csv")) > 0
    found = tables.everything(tmp_path, "-tiny")
    assert "the conventional ways" in found
    assert "shipped: lease" in found
