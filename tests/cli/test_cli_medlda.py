"""``strads fit medlda``: files, output, predictions of a saved model, and errors."""

import numpy as np
import pytest
import scipy.sparse as sp
from commands import done, record_of, refused
from corpora import JIT

import strads
from strads.datasets import read_corpus

LABELS = np.array(["cats", "ships"])
N, SWEEPS = (40, 12) if JIT else (12, 6)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Counts of documents, with words 0 … 5 or words 6 … 11, and the label of each."""
    rng = np.random.default_rng(0)
    counts = np.zeros((N, 12), dtype=int)
    for document in range(N):
        counts[document].reshape(2, 6)[document % 2] = rng.poisson(3, size=6) + 1
    folder = tmp_path_factory.mktemp("corpus")
    sp.save_npz(folder / "counts.npz", sp.csr_array(counts))
    (folder / "labels.txt").write_text("".join(f"{LABELS[d % 2]}\n" for d in range(N)))
    np.save(folder / "several.npy", np.column_stack([np.arange(N) % 2, np.arange(N) < N // 2]))
    return folder


def arguments(path, *options, labels="labels.txt"):
    return ("fit", "medlda", path / "counts.npz", "--labels", path / labels, "--topics", 4,
            "--max-iter", SWEEPS, "--workers", 1, *options)  # fmt: skip


def test_a_fit_its_record_and_its_predictions(path, tmp_path):
    ended = done(*arguments(path, "--test", 0.25, "--seed", 3, "--out", tmp_path / "run"))
    assert "held-out accuracy 1.0000" in ended.stderr + ended.stdout
    assert "label cats  " in ended.stdout
    record = record_of(tmp_path / "run")
    assert record["classes"] == LABELS.tolist()
    assert record["held_out"]["accuracy"] == 1.0
    assert record["hinge_loss"] >= 0.0
    assert set(record["labels"]) == set(LABELS)
    y = LABELS[np.arange(N) % 2]
    counts = read_corpus(path / "counts.npz").counts
    model = strads.MedLDA(4, max_iter=SWEEPS, n_workers=1, random_state=3).fit(counts, y)
    loaded = strads.MedLDA.load(tmp_path / "run" / "model.npz")
    np.testing.assert_array_equal(loaded.coef_, model.coef_)
    assert np.load(tmp_path / "run" / "document_topics.npy").shape == (N, 4)
    found = done("predict", tmp_path / "run", path / "counts.npz").stdout.split()
    assert found == ["prediction", *y]
    done("transform", tmp_path / "run", path / "counts.npz", "--out", tmp_path / "t.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "t.npy"), model.transform(counts))


def test_several_labels_a_document(path, tmp_path):
    fit = arguments(path, "--test", 0, "--out", tmp_path / "run", labels="several.npy")
    assert "labels" in done(*fit, "--method", "gibbs").stdout
    done("predict", tmp_path / "run", path / "counts.npz", "--out", tmp_path / "p.npy")
    found = np.load(tmp_path / "p.npy")
    assert found.shape == (N, 2)
    np.testing.assert_array_equal(found[:, 0], np.arange(N) % 2)


def test_labels_that_do_not_fit_the_documents(path, tmp_path):
    (tmp_path / "few.txt").write_text("1\n2\n")
    given = ("fit", "medlda", path / "counts.npz", "--labels")
    says = f"labels of shape (2,), but there are {N} documents"
    refused(*given, tmp_path / "few.txt", "--quiet", says=says)
    refused(*given, tmp_path / "gone.txt", "--quiet", says="gone.txt")
    refused(*given, path / "labels.txt", "--margin", -1, says="'margin' parameter")
