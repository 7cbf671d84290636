"""What is said about runs: sums, sentences, lists, comparisons; by functions and by commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from commands import done, refused
from told_runs import HOSTILE, told_run

from strads.reporting import wording
from strads.reporting.compare import differing_settings, key_figures, to_same_accuracy
from strads.reporting.listing import list_runs
from strads.reporting.reading import read_run
from strads.reporting.run_record import RunRecord
from strads.reporting.savings import saving
from strads.reporting.spending import process_times, spent
from strads.reporting.summary import sentences


@pytest.fixture
def run(tmp_path: Path) -> RunRecord:
    """4 s of steps on two workers, half of it computing; 1 s to prepare, 0.5 s at the end."""
    return read_run(told_run(tmp_path / "a"))


def test_all_processor_time_is_told(run: RunRecord) -> None:
    use = spent(run)
    assert use.held == pytest.approx(11.0)
    assert sum(use.kinds.values()) == pytest.approx(use.held)
    expected = {"computing": 4.0, "waiting": 2.0, "starved": 0.8, "scheduling": 0.0,
                "preparing": 2.0, "outside": 2.2}  # fmt: skip
    assert use.kinds == pytest.approx(expected)
    assert use.useful == pytest.approx(4.0 / 11.0)
    assert use.useful_in_rounds == pytest.approx(0.5 / 0.85)
    assert use.scheduler == pytest.approx(0.8)


def test_the_timeline_has_a_share_for_every_interval(run: RunRecord) -> None:
    times = process_times(run)
    assert list(times) == ["worker 0", "worker 1", "scheduler"]
    worker = times["worker 0"]
    assert worker.edges[0] == pytest.approx(1.0)
    assert worker.edges[-1] == pytest.approx(5.0)
    np.testing.assert_allclose(worker.shares["computing"], 0.5, rtol=1e-5)
    np.testing.assert_allclose(worker.shares["waiting"], 0.25, rtol=1e-5)
    np.testing.assert_allclose(times["scheduler"].shares["scheduling"], 0.2, rtol=1e-5)
    few = process_times(run, most=5)["worker 0"]
    assert len(few.edges) == 6
    np.testing.assert_allclose(few.shares["computing"], 0.5, rtol=1e-5)


def test_updates_saved_by_the_schedules_own_counts(run: RunRecord) -> None:
    saved = saving(run)
    assert saved is not None
    assert (saved.variables, saved.updates, saved.epochs) == (1000, 4000.0, 40.0)
    assert saved.all_of_them == 40_000.0
    assert saved.factor == 10.0
    assert saved.sweeps == 4.0


def test_a_schedule_that_visits_everything_saved_nothing(tmp_path: Path) -> None:
    record = read_run(told_run(tmp_path / "a", updates=1000))
    assert any("the schedule saved no updates" in one for one in sentences(record))


def test_sentences_say_what_was_measured(run: RunRecord) -> None:
    told = " ".join(sentences(run))
    assert "Lasso ended after 5.5 s: certified." in told
    assert "9.09e-13; 1.00e-06 was asked for, so it was reached." in told
    assert "It held 2 processors for 5.5 s, which is 11 processor-seconds" in told
    assert "36 % went into computing, 25 % into waiting" in told
    assert "40,000 updates, 10 times as many" in told
    assert "No process died; there was no warning." in told


def test_a_bound_that_was_not_reached_is_told(tmp_path: Path) -> None:
    record = read_run(told_run(tmp_path / "a", steps=5))
    record.verdict = "not certified"
    assert "so it was not reached" in " ".join(sentences(record))


def test_a_baseline_is_compared_at_the_accuracy_that_both_reached(tmp_path: Path) -> None:
    """The slower run ends at 2⁻¹⁰, which the other one has after 10 of its quicker steps."""
    ours = read_run(told_run(tmp_path / "a"))
    theirs = read_run(
        told_run(tmp_path / "b", steps=20, ratio=0.70711, pace=0.4, updates=1000, name="FISTA")
    )
    told = " ".join(sentences(ours, theirs))
    assert "Both runs reached a certificate of 9.77e-04." in told
    assert "This run needed 1.0 s on 2 processors" in told
    assert "(FISTA) 8.0 s on 2 processors" in told
    assert "the conventional way took 8.0 times the processor time" in told
    assert "1,000 against 20,000: the conventional way took 20 times as many" in told


def test_a_baseline_that_is_better_is_told_as_well(tmp_path: Path) -> None:
    ours, theirs = (read_run(told_run(tmp_path / n, pace=p)) for n, p in (("a", 0.3), ("b", 0.1)))
    assert any(
        "this run took 3.0 times the processor time" in one for one in sentences(ours, theirs)
    )


def test_unequal_resources_and_data_are_told(tmp_path: Path) -> None:
    ours = read_run(told_run(tmp_path / "a"))
    data = {"y": {"digest": "other", "entries": 9}}
    theirs = read_run(
        told_run(tmp_path / "b", workers=4, size=70, record={"shape": [9, 70], "data": data})
    )
    ours.record["data"] = {"y": {"digest": "one", "entries": 50}, "a": {"digest": "other"}}
    told = " ".join(sentences(ours, theirs))
    assert "no array of data in common" in told
    ours.record["data"]["y"]["digest"] = "other"
    assert "no array of data in common" not in " ".join(sentences(ours, theirs))
    assert "did not have the same number of processors" in told
    assert "50 × 1000 and 9 × 70: this is no comparison of the same problem" in told


def test_a_figure_that_rises_is_compared_upwards(tmp_path: Path) -> None:
    name = "log_likelihood_per_token"
    runs = [
        read_run(told_run(tmp_path / n, first=-9.0, ratio=0.99, steps=s, figure=name))
        for n, s in (("a", 40), ("b", 10))
    ]
    told, rows = to_same_accuracy(runs)
    assert told.startswith(f"to {name} −8.14")
    assert rows[0] == ("seconds in steps", "1", "1")


def test_settings_that_differ(tmp_path: Path) -> None:
    runs = [
        read_run(told_run(tmp_path / n, settings={"alpha": a})) for n, a in (("a", 1), ("b", 2))
    ]
    assert differing_settings(runs) == [("alpha", "1", "2")]


def test_key_figures(run: RunRecord) -> None:
    found = key_figures(run)
    assert found["deferred share"] == "25 %"
    assert found["bytes moved"] == "40.0 kB"
    assert found["peak memory"] == "3.0 MB"
    assert found["useful share of the processors"] == "36 %"


def test_the_runs_of_a_folder(tmp_path: Path) -> None:
    told_run(tmp_path / "good")
    told_run(tmp_path / "killed", ended=False)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "run.json").write_text('{"model":"Lasso","seconds":2.5,"dual_gap":1e-7}')
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "events.jsonl").write_text("x\n")
    (tmp_path / "no run").mkdir()
    found = {one.name: one for one in list_runs(tmp_path)}
    assert set(found) == {"good", "killed", "old", "bad"}
    assert found["good"].verdict == "certified"
    assert found["killed"].verdict == "not ended"
    assert (found["old"].what, found["old"].seconds) == ("Lasso", 2.5)
    assert found["bad"].verdict.startswith("cannot be read")
    told = done("runs", tmp_path).stdout
    assert all(name in told for name in found)
    refused("runs", tmp_path / "no run", says="holds no folder of a run")
    refused("runs", tmp_path / "nowhere", says="is not a folder")


def test_a_run_is_shown_and_compared(tmp_path: Path) -> None:
    one = told_run(tmp_path / "one", settings={"alpha": 0.5})
    two = told_run(tmp_path / "two", pace=0.2, message="[bold]no markup[/bold] \x1b[31m")
    told = done("show", one).stdout
    assert "useful share of the processors" in told
    assert "Lasso ended after 5.5 s: certified." in told
    told = done("compare", one, two, "--html", tmp_path / "both.html").stdout
    assert "alpha" in told
    assert "which all have reached" in told
    page = (tmp_path / "both.html").read_text()
    assert page.count('class="line s') >= 4
    assert "<h2>Settings that differ</h2>" in page
    refused("compare", one, says="two runs or more")


def test_a_terminal_is_told_no_control_characters(tmp_path: Path) -> None:
    told = done("show", told_run(tmp_path / "a", name=HOSTILE[3], figure="[red]")).stdout
    assert "\x1b" not in told
    assert "\x00" not in told
    assert "[red]" in told


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.0, "0"), (1234567.0, "1,234,567"), (0.01234, "0.0123"), (-2.5, "−2.50"), (1e-9, "1.00e-09"),
     (float("nan"), "unknown"), (float("inf"), "infinite"), (12345.6, "12,346")],
)  # fmt: skip
def test_numbers_as_people_read_them(value: float, told: str) -> None:
    assert wording.number(value) == told


def test_lengths_of_time_and_amounts() -> None:
    assert [wording.seconds(v) for v in (2e-5, 0.25, 61.0, 125.0, 7322.0)] == [
        "20 µs", "250 ms", "61.0 s", "2 min 5 s", "2 h 2 min"
    ]  # fmt: skip
    assert [wording.size(v) for v in (12, 1500, 2.5e9)] == ["12 bytes", "1.5 kB", "2.5 GB"]
    assert [wording.share(v) for v in (0.0, 1e-5, 0.034, 0.5)] == [
        "0 %",
        "under 0.1 %",
        "3.4 %",
        "50 %",
    ]


def test_the_certificate_is_that_of_the_result(tmp_path: Path) -> None:
    """A fit may certify a better result than its last step had."""
    few = read_run(told_run(tmp_path / "a", steps=5))
    few.verdict = "certified"
    assert "when it ended, the fit certified" in " ".join(sentences(few))
    known = read_run(told_run(tmp_path / "b", steps=5, record={"dual_gap": [1e-9, 2e-8]}))
    assert known.certificate == 2e-8
    assert "2.00e-08; 1.00e-06 was asked for, so it was reached" in " ".join(sentences(known))
