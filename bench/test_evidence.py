"""The tables and rankings of the evidence, from rows made by hand."""

import numpy as np
import pandas as pd
import pytest

from bench.evidence import __main__ as evidence
from bench.evidence import tables
from bench.evidence.schedules import divergences, spread
from bench.harness.tables import DASH, markdown, number
from bench.schedules import defaults


def test_a_spread_is_of_what_arrived():
    nan = float("nan")
    assert spread(pd.Series([3.0, 1.0, 2.0])) == "2 (1 to 3)"
    assert spread(pd.Series([2.0, 2.0])) == "2"
    assert spread(pd.Series([1.0, 2.0, nan])) == "2 (1 to ∞)"
    assert spread(pd.Series([1.0, nan, nan])) == DASH
    assert spread(pd.Series([], dtype=float)) == DASH
    assert number(nan) == DASH


def test_a_table_is_markdown():
    lines = markdown("T", ["a", "b"], [["x", "1"], ["y", "2"]]).splitlines()
    assert lines == ["**T**", "", "| a | b |", "|---|---:|", "| x | 1 |", "| y | 2 |"]


def choice(seconds, lease, rho, data="d"):
    return {"solver": "plain", "data": data, "divisor": 10.0, "lease": lease, "ids": 8,
            "rho": rho, "seconds": seconds}  # fmt: skip


def test_combinations_are_ranked_by_their_mean_distance_from_the_best():
    rows = pd.DataFrame([
        choice(1.0, 64, 0.1), choice(2.0, 256, 0.1), choice(np.nan, 64, 1.0),
        choice(4.0, 64, 0.1, "e"), choice(2.0, 256, 0.1, "e"), choice(2.0, 64, 1.0, "e"),
        choice(np.nan, 64, 0.1, "nobody"), choice(np.nan, 256, 0.1, "nobody"),
    ])  # fmt: skip
    ranked = defaults.scores(rows).set_index(["lease", "rho"])
    assert ranked.loc[(64, 0.1), "times"] == pytest.approx(np.sqrt(2.0))
    assert ranked.loc[(256, 0.1), "times"] == pytest.approx(np.sqrt(2.0))
    assert ranked.loc[(64, 1.0), "times"] == pytest.approx(np.sqrt(defaults.MISSED))
    assert ranked["missed"].to_dict() == {(64, 0.1): 0, (256, 0.1): 0, (64, 1.0): 1}


def test_divergence_is_counted_with_the_fewest_ids_together():
    rows = pd.DataFrame({
        "data": "d", "arm": "random", "workers": [1, 4, 16], "ids": 8, "features": 100,
        "status": ["converged", "diverged", "diverged"], "diverged_at": [np.nan, 20.0, 40.0],
    })  # fmt: skip
    assert divergences(rows).splitlines()[-1] == "| d, random | 2 | 3 | 32 | 0.3 |"


def test_a_document_gets_the_tables_whose_rows_are_there(tmp_path):
    document = tmp_path / "page.md"
    marks = "a\n<!-- table: {} -->\nold\n<!-- end -->\nb\n"
    document.write_text(marks.format("processes") + marks.format("peers"))
    row = {"columns": 5, "divisor": 10.0, "solver": "strads-1", "process": "leader"}
    pd.DataFrame([row | {"bytes": 2**20}]).to_csv(tmp_path / "large-processes.csv")
    tables.renew(document, tmp_path)
    tables.renew(document, tmp_path)
    text = document.read_text()
    assert text.count("| leader | 1.0 |") == 1
    assert text.count("old") == 1
    assert text.startswith("a\n<!-- table: processes -->\n**")
    assert text.endswith(marks.format("peers"))


def test_tables_of_an_empty_folder_are_none(tmp_path, capsys):
    evidence.main(["--tables", "--out", str(tmp_path)])
    assert capsys.readouterr().out == "\n"
