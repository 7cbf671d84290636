"""The comparison of diagnoses with fits runs on tiny data."""

import pytest

from bench.diagnosis import __main__ as command
from bench.diagnosis.__main__ import alike, main
from bench.diagnosis.sets import DEFAULT, SETS
from strads.diagnosis.causes import Losses


def test_diagnoses_are_compared_with_fits(capsys, monkeypatch):
    # Others than these two would take the compiler long.
    tiny = {name: SETS[name] for name in ("tiny-lasso", "tiny-mf")}
    monkeypatch.setattr(command, "SETS", tiny)
    monkeypatch.setattr("strads.diagnosis.trials.trial.MOST_PAIRS", 1)
    rows = main(tiny=True, repeats=1, seconds=1.0)
    assert [row["name"] for row in rows] == [*tiny]
    for row in rows:
        assert row["one"] > 0.0
        assert row["two"] > 0.0
        assert row["predicted"] > 0.0
        assert row["workers"] in (1, 2)
    assert "of 2" in capsys.readouterr().out


def test_there_are_ten_sets_of_five_kinds():
    assert len(DEFAULT) == 10
    assert {name.partition("-")[0] for name in DEFAULT} == {"lasso", "logistic", "svm", "mf", "lda"}


def test_sets_that_are_not_known_are_refused():
    with pytest.raises(Exception, match="lasso-golub"):
        main(data=["golub"])


def test_a_verdict_is_right_if_its_cause_took_about_as_much():
    losses = Losses(seconds=1.0, ideal=0.5, size=0.2, movement=0.25, dependence=0.0)
    assert alike("size", "movement", losses, 0.9)
    assert not alike("dependence", "movement", losses, 0.9)
    assert alike("none", "movement", losses, 1.19)
    assert not alike("none", "movement", losses, 0.9)
