"""``partial_fit`` is followed as a fit is: callbacks, the folder of a run, the budget of time."""

import json

import numpy as np
import pytest
import scipy.sparse as sp

import strads
from strads.monitoring import RunFolder, free_folder, read_events

RATINGS = sp.csr_array(np.random.default_rng(0).integers(1, 6, (8, 6)).astype(float))
SIGNALS = np.random.default_rng(1).normal(size=(6, 5))
FEW = {"max_iter": 1, "n_workers": 1, "random_state": 0}


@pytest.mark.parametrize(
    ("model", "X"),
    [
        (strads.MatrixFactorization(2, solver="als", **FEW), RATINGS),
        (strads.ImplicitFactorization(2, **FEW), RATINGS),
        (strads.LatentDirichletAllocation(2, **FEW), RATINGS),
        (strads.MiniBatchDictionaryLearning(3, batch_size=6, **FEW), SIGNALS),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_update_has_callbacks_and_a_folder_of_its_own(model, X, tmp_path):
    steps = []
    model.set_params(callbacks=lambda step: steps.append(step.epoch), run_dir=tmp_path / "x")
    model.fit(X)
    fitted = len(steps)
    assert fitted >= 1
    model.partial_fit(X).partial_fit(X)
    assert len(steps) == fitted + 2
    for name in ("x-2", "x-3"):
        record = json.loads((tmp_path / name / "run.json").read_text())
        assert record["state"] == "ended"
        assert record["estimator"] == type(model).__name__
        events = [told["event"] for told in read_events(tmp_path / name / "events.jsonl")]
        assert events.count("step") == 1
        assert type(model).load(tmp_path / name / "model.npz") is not None
    assert [told["event"] for told in read_events(tmp_path / "x" / "events.jsonl")].count(
        "step"
    ) == fitted


def test_a_free_folder_is_found(tmp_path):
    folder = RunFolder(tmp_path / "x")
    assert free_folder(None) is None
    assert free_folder(folder) is folder
    assert free_folder(tmp_path / "x") == tmp_path / "x"
    for name in ("x", "x-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text("{}")
    assert free_folder(str(tmp_path / "x")) == tmp_path / "x-3"


class Counts:
    """Counts the tasks of scikit-learn's callbacks that have ended."""

    ended = 0

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.ended += 1

    def teardown(self, estimator, context):
        pass


@pytest.mark.skipif(
    not hasattr(strads.Lasso, "set_callbacks"), reason="scikit-learn before 1.9 has no callbacks"
)
def test_an_update_is_a_task_with_one_step():
    counts = Counts()
    model = strads.MatrixFactorization(2, solver="als", **FEW).set_callbacks(counts).fit(RATINGS)
    before = counts.ended
    model.partial_fit(RATINGS)
    assert before == counts.ended - before == 2
