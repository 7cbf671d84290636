"""The commands ``strads diagnose`` and ``strads pilot``."""

import dataclasses
import json

import numpy as np
import pytest
from commands import done, record_of, refused

import strads
from strads.cli.diagnosis.next_step import after_pilot
from strads.cli.diagnosis.reading import read_problem
from strads.diagnosis.machine import Machine


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    known = Machine(2, 10**10, 1e10, 1.5e10, 1e-5, 1e-6)
    monkeypatch.setattr("strads.diagnosis.diagnose.measure_machine", lambda: known)
    monkeypatch.setattr("strads.diagnosis.trials.trial.MOST_PAIRS", 1)


@pytest.fixture
def design(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 80))
    np.savez(tmp_path / "x.npz", X=X, y=X[:, :3].sum(axis=1) + 0.1 * rng.normal(size=50))
    return tmp_path / "x.npz"


@pytest.fixture
def docword(tmp_path):
    lines = [f"{d} {w} 2" for d in range(1, 61) for w in range(1, 11) if (d + w) % 2]
    (tmp_path / "docword.txt").write_text("\n".join(["60", "10", str(len(lines)), *lines]) + "\n")
    return tmp_path / "docword.txt"


@pytest.mark.processes
@pytest.mark.usefixtures("shared_engine")
def test_data_and_runs_are_diagnosed(design, tmp_path):
    told = done("diagnose", design, "--alpha", "0.1", "--seconds", "0.2")
    assert "Dependence" in told.stdout
    assert "50 rows × 80 features" in told.stderr
    assert f"next: strads pilot {design} --alpha 0.1 --cores" in told.stderr
    whole = json.loads(
        done("diagnose", design, "--alpha", "0.1", "--seconds", "0.2", "--json").stdout
    )
    assert whole["verdict"]["settings"]["alpha"] == 0.1
    out = tmp_path / "run"
    done("fit", "lasso", design, "--alpha", "0.1", "--workers", "2", "--out", out, "--quiet")
    told = done("diagnose", out).stdout
    assert "Where the time went" in told
    assert "what to change" in told
    assert json.loads(done("diagnose", out, "--json").stdout)["workers"] == 2


def test_a_pilot_writes_a_run(design, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    told = done("pilot", design, "--alpha", "0.1", "--share", "0.7", "--cores", 1, "--out", first)
    assert "56 of 80 features" in told.stdout
    record = record_of(first)
    assert record["model"] == "Lasso"
    assert record["pilot"]["chosen"] == 56
    assert "predicted time" in told.stdout
    assert f"next: strads fit lasso {design} --like {first} --start {first} --out" in told.stderr
    assert "One worker" in done("diagnose", first).stdout
    assert strads.Lasso.load(first / "model.npz").warm_start
    assert done("predict", first, design).stdout.count("\n") == 51
    more = ("--share", 1, "--start", first, "--cores", 1, "--out", second, "--json")
    told = json.loads(done("pilot", design, "--alpha", "0.1", *more).stdout)
    assert told["figures"]["outside"] == 0.0
    assert strads.Lasso.load(second / "model.npz").certified_


def test_a_pilot_of_documents(docword):
    told = done("pilot", docword, "--problem", "lda", "--topics", 2, "--max-iter", 2, "--cores", 1)
    assert "50 of 60 documents" in told.stdout
    assert "--out FOLDER" in told.stderr


def test_a_pilot_says_what_comes_next(design, tmp_path, capsys):
    found = strads.pilot(*read_problem("lasso", design, None, [], {})[:2], alpha=0.1, cores=1)
    source = {"target": "y", "drop": ["a", "b"]}
    larger = dataclasses.replace(found, figures={**found.figures, "outside": 2.0})
    after_pilot(larger, design, source, tmp_path, 0.1)
    whole = dataclasses.replace(found, chosen=np.arange(80))
    after_pilot(whole, design, source, tmp_path, 1.0)
    first, second = capsys.readouterr().err.splitlines()[-2:]
    options = "--target y --drop a --drop b --alpha 0.1 --cores 1 --share 0.5"
    assert f"pilot {design} {options} --start {tmp_path} --out {tmp_path}-2" in first
    assert f"strads report {tmp_path}" in second


def test_wrong_options_are_named(design, docword, tmp_path):
    refused("diagnose", design, "--problem", "lars", says="problem='lars'")
    refused("diagnose", design, "--rank", 3, says="--rank is for --problem mf")
    refused("diagnose", design, "--user", "who", says="--user")
    refused("diagnose", docword, "--problem", "lda", "--target", "y", says="--target")
    refused("diagnose", tmp_path / "none.npz", says="none.npz")
    refused("diagnose", tmp_path, says="no run.json")
    refused("pilot", design, "--share", 2, says="share=2.0")
