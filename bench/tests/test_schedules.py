"""The ablation of schedules: how paths are judged, its tables, and that it runs and resumes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench import evidence
from bench.schedules import automatic, learned, settings, tables
from bench.schedules.__main__ import main
from bench.schedules.arms import ARMS, CHECKED, sizes
from bench.schedules.data_parallel import DataParallelLasso
from bench.schedules.problem import Design, design, most_lost, most_together
from bench.schedules.run import (
    HOPELESS,
    arm_program,
    crossing,
    follow,
    hopeless,
    lost,
    onset,
    trial,
)
from bench.schedules.settings import Setting
from strads import run

NAN = float("nan")


def path(objectives, gaps=1.0, promised=1.0):
    """A path from an objective of 1."""
    return pd.DataFrame({"objective": objectives, "gap": gaps, "promised": promised})


def test_a_crossing_is_the_first_measure_within_the_gap():
    there = path([1.0] * 5, [0.5, NAN, 1e-3, 2e-3, 1e-7])
    assert crossing(there, 1e-3).name == 2
    assert crossing(there, 1e-6).name == 4
    assert crossing(there, 1e-9) is None


def test_divergence_begins_where_the_objective_stays_above_its_start():
    rising = path([0.9, 1.5, 0.8, 1.1, 7.0, 2.0 * HOPELESS])
    assert hopeless(rising, 1.0)
    assert onset(rising, 1.0).name == 3
    assert onset(path([2.0, float("inf")]), 1.0).name == 0
    assert hopeless(path([0.5, NAN]), 1.0)
    overshoot = path([3.0, 0.5])
    assert not hopeless(overshoot, 1.0)
    assert onset(overshoot, 1.0) is None


def test_lost_is_the_share_of_the_promise_that_was_not_made():
    half = path([0.75, 0.5, 0.5], promised=[0.25, 1.0, 0.0])
    assert [lost(half.iloc[at], 1.0) for at in (0, 1)] == [0.0, 0.5]
    assert np.isnan(lost(half.iloc[2], 1.0))


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


@pytest.mark.parametrize("arm", ["random", "priority", "dependency", "both"])
def test_equal_columns_that_move_together_diverge_unless_kept_apart(arm):
    problem = twins(64)
    start = problem.objective_at_zero
    setting = Setting("twins", 10.0, arm, 4, 4, 0.3 if arm in CHECKED else 1.0, cap=50)
    walk, _ = follow(arm_program(problem, setting), setting, start)
    if arm in CHECKED:
        assert crossing(walk, 1e-6) is not None
        assert lost(walk.iloc[-1], start) == pytest.approx(0.0, abs=1e-9)  # one at a time
    else:
        assert hopeless(walk, start)
        assert onset(walk, start).name == 0


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_hands_out_the_same_sizes(arm):
    assert sizes(6400, 4, 5) == (50, 10)  # 6400 / 32 = 200 ids in all
    assert sizes(100, 8, 10) == (10, 1)
    outcome = trial(Setting("tiny", 10.0, arm, 2, 4, 0.3 if arm in CHECKED else 1.0))
    assert outcome["status"] == "converged"
    assert outcome["updates_3"] <= outcome["updates_6"] <= outcome["updates"]
    assert outcome["updates_6"] <= 8 * outcome["rounds_6"]


def test_the_data_parallel_program_solves_the_same_problem():
    problem = design("tiny")
    answers = [
        run(DataParallelLasso(problem, 10.0, workers), workers=workers, executor="serial",
            tol=1e-9, epochs=5000)
        for workers in (1, 3)
    ]  # fmt: skip
    setting = Setting("tiny", 10.0, "both", 2, 4, 0.3)
    ours = run(arm_program(problem, setting), workers=2, executor="serial", tol=1e-9, epochs=5000)
    for answer in answers:
        assert answer.status == "converged"
        assert np.allclose(answer.state["w"][: problem.shape[1]], ours.state["w"], atol=1e-4)
    checked = run(DataParallelLasso(problem, 10.0, 3), workers=3, check=True, epochs=3)
    assert checked.status == "epochs"


def test_verdicts_compare_medians_over_seeds():
    def arm(name, rho, counts, ids, status="cap"):
        return [{"data": "d", "divisor": 10.0, "workers": 2, "ids": ids, "arm": name, "rho": rho,
                 "updates_3": count, "status": status} for count in counts]  # fmt: skip

    rows = pd.DataFrame([
        *arm("random", 1.0, (10, 12, NAN), 1), *arm("both", 0.1, (4, 5, 99), 1),
        *arm("random", 1.0, [10], 2), *arm("both", 0.1, [6], 2),
        *arm("random", 1.0, [10], 3), *arm("both", 0.1, [10], 3),
        *arm("random", 1.0, [NAN], 4), *arm("both", 0.1, [5], 4),
        *arm("random", 1.0, [5], 5), *arm("both", 0.1, [NAN], 5),
        *arm("random", 1.0, [NAN], 6), *arm("both", 0.1, [NAN], 6),
        *arm("random", 1.0, [5], 7), *arm("both", 0.1, [NAN], 7, "idle"),
    ])  # fmt: skip
    found = tables.verdicts(rows, "both", "updates_3")
    assert found["verdict"].to_list() == list(tables.WORDS)
    _, _, (line,) = tables.counted("", "", [("name", found)]).text()
    assert line == ["name", *["1"] * 7, "0.42 (d, α_max/10, 2 × 1)"]


def test_a_spread_is_of_what_arrived():
    assert tables.spread(pd.Series([3.0, 1.0, 2.0])) == "2 (1 to 3)"
    assert tables.spread(pd.Series([2.0, 2.0])) == "2"
    assert tables.spread(pd.Series([1.0, 2.0, NAN])) == "2 (1 to ∞)"
    assert tables.spread(pd.Series([1.0, NAN, NAN])) == tables.DASH
    assert tables.spread(pd.Series([], dtype=float)) == tables.DASH


def test_combinations_are_ranked_by_their_mean_distance_from_the_best():
    chosen = [("d", 1.0, 64, 0.1), ("d", 2.0, 256, 0.1), ("d", NAN, 64, 1.0), ("e", 4.0, 64, 0.1),
              ("e", 2.0, 256, 0.1), ("e", 2.0, 64, 1.0), ("nobody", NAN, 64, 0.1)]  # fmt: skip
    rows = pd.DataFrame(chosen, columns=["data", "seconds", "lease", "rho"])
    ranked = tables.scores(rows.assign(solver="plain", divisor=10.0, ids=8))
    ranked = ranked.set_index(["lease", "rho"])
    assert ranked.loc[(64, 0.1), "times"] == pytest.approx(np.sqrt(2.0))
    assert ranked.loc[(64, 1.0), "times"] == pytest.approx(np.sqrt(tables.MISSED))
    assert ranked["missed"].to_dict() == {(64, 0.1): 0, (256, 0.1): 0, (64, 1.0): 1}


def test_settings_are_distinct_and_fit():
    scale = settings.TINY
    found = [*settings.updates(scale), *settings.pipelining(scale), *settings.seconds(scale)]
    assert len(set(found)) == len(found)
    assert not any(each.workers * each.ids == 1 and each.rho < 1.0 for each in found)


def test_what_needs_no_processes_runs_and_resumes(tmp_path):
    written = resumed(["updates", "pipelining"], tmp_path)
    assert len(written) == 2
    assert {"verdicts", "depths"} <= {*evidence.texts(tmp_path, "-tiny")} <= {*tables.TABLES}


@pytest.mark.slow  # it compiles each program for each schedule
def test_everything_runs_and_resumes(tmp_path):
    given = ["updates", "pipelining", "conventional", "seconds", "defaults"]
    assert len(resumed(given, tmp_path)) == 5
    main(["figures"], tiny=True, out=tmp_path)
    assert len(list(tmp_path.glob("*.png"))) == 10
    left_out = {"crowds", "automatic", "learned"}
    assert set(evidence.texts(tmp_path, "-tiny")) == {*tables.TABLES} - left_out
    rows = pd.read_csv(tmp_path / "schedules-conventional-tiny.csv")
    assert set(rows["solver"]) == {"scheduled", "data-parallel", "scikit-learn", "shipped"}
    assert (rows["replicated_bytes"].dropna() <= rows["state_bytes"].dropna()).all()


def resumed(parts, folder):
    """Run parts twice; return the files that they wrote, which the second time changes nothing."""

    def written():
        return {file.name: file.read_bytes() for file in folder.glob("*.csv")}

    main(parts, tiny=True, out=folder)
    before = written()
    main(parts, tiny=True, out=folder)
    assert before == written()
    return before


def test_auto_is_compared_with_the_best_fixed_schedule():
    scale = replace(settings.TINY, cap=60)
    tasks = [task for task in automatic.tasks(scale) if task.arm in ("cyclic", "auto")]
    assert {task.kind for task in tasks} == {"lasso", "nnls"}
    rows = pd.DataFrame([vars(task) | automatic.solved(task) for task in tasks])
    reached = rows.dropna(subset=["updates_6"])  # not all are so accurate after the tiny time
    assert set(reached["arm"]) == {"cyclic", "auto"}
    assert (reached["updates_3"] <= reached["updates_6"]).all()
    _, _, lines = automatic.table(rows, "updates", 3).text()
    assert [line[0] for line in lines] == ["lasso tiny, α_max/10", "nnls tiny, α_max/1"]
    assert all(float(line[-1]) < 1.5 for line in lines)


def test_a_document_gets_the_tables_whose_rows_are_there(tmp_path):
    document = tmp_path / "page.md"
    marks = "a\n<!-- table: {} -->\nold\n<!-- end -->\nb\n"
    document.write_text(marks.format("processes") + marks.format("peers"))
    row = {"columns": 5, "divisor": 10.0, "solver": "strads-1", "process": "leader"}
    pd.DataFrame([row | {"bytes": 2**20}]).to_csv(tmp_path / "large-processes.csv")
    evidence.renew(document, tmp_path)
    evidence.renew(document, tmp_path)
    text = document.read_text()
    assert text.count("| leader | 1.0 |") == 1
    assert text.count("old") == 1
    assert text.startswith("a\n<!-- table: processes -->\n**")
    assert text.endswith(marks.format("peers"))


def test_a_bandit_takes_what_gains_most():
    rng, true, windows = np.random.default_rng(0), [0.0, 1.5, -1.0], []
    bandit = learned.Bandit((0.0,) * 3)
    for time in range(40):  # gains fall by a factor of e a window, whatever is chosen
        arm = bandit.best()
        windows.append((arm, float(time), true[arm] - time + 0.1 * rng.normal()))
        bandit.learn(windows)
    taken = [arm for arm, _, _ in windows]
    assert set(taken[:8]) == {0, 1, 2}
    assert taken.count(1) > 25
    assert bandit.found[-2] == pytest.approx(-1.0, abs=0.1)
    assert learned.Bandit((0.0, 3.0, 0.0)).best() == 1  # as it was trained


@pytest.mark.slow
def test_a_chooser_solves_and_logs_and_repeats():
    trial = learned.Trial("tiny", 10.0, "trained", 0, 20)
    found = learned.tried(trial)
    assert found["updates_3"] > 0
    assert found == learned.tried(trial)
    _, statistics = learned._run(replace(trial, arm="untrained"))
    windows = statistics["schedules"]["main"]["windows"]
    assert len({arm for arm, _, _ in windows}) > 1
    rows = pd.DataFrame([
        vars(replace(trial, arm=arm)) | found for arm in (*learned.NAMES, "auto", *learned.CHOOSERS)
    ])  # fmt: skip
    _, head, (line,) = learned.table(rows, "updates", 3).text()
    assert len(head) == len(line)
