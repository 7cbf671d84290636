"""Programs of supervised topic models: the law, the labels' weights, equal bits, races."""

from collections.abc import Iterator

import naive_supervised as twin
import naive_topics as naive
import numba
import numpy as np
import pytest
import scipy.sparse as sp
from processes import nothing_left
from programs import assert_same_bits
from scipy.stats import chisquare

from strads import Checkpoint, Engine, default_engine
from strads.algorithms.topics.sampler import Begin
from strads.algorithms.topics.supervised.dense import DenseDual, DenseGibbs
from strads.algorithms.topics.supervised.sampler import Supervision
from strads.algorithms.topics.supervised.sparse import SparseDual

JIT = not numba.config.DISABLE_JIT
KINDS = {"dense": DenseDual, "sparse": SparseDual, "gibbs": DenseGibbs}
ALL = pytest.mark.parametrize("kind", KINDS)
SHAPE = (20, 15) if JIT else (8, 6)
TOPICS = 5


def corpus(seed=0, shape=SHAPE):
    """Counts with an empty document, and which of three labels a document has."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(1.0, shape)
    counts[shape[0] // 2] = counts[:, shape[1] // 3] = 0
    signs = np.where(rng.random((shape[0], 3)) < 0.4, 1, -1).astype(np.int8)
    return sp.csr_array(counts.astype(np.int32)), signs


def made(kind, X, signs, workers=1, **given):
    alpha = np.linspace(0.2, 0.8, TOPICS)
    options = {"topics": TOPICS, "alpha": alpha, "beta": 0.2,
               "supervision": Supervision(signs, 2.0, 8.0)}  # fmt: skip
    return KINDS[kind](X=X, workers=workers, **options | given)


def iterate(program, epochs=3, engine=None, **options):
    options = {"workers": program.crew, "executor": "serial", "seed": 0} | options
    return (engine or default_engine()).iterate(
        program, epochs=epochs, partition=program.partition(), **options
    )


def run(program, epochs=3, **options):
    return iterate(program, epochs, **options).finish()


class Kept:
    """What a program gives an estimator."""


def kept(program):
    found = Kept()
    program.keep(found)
    return found


def shares_of(program):
    """Return the topic shares of documents, in the order of the matrix."""
    doc, _ = naive.tokens_of(program.X)
    n_dk = naive.count(doc, program.assignments(), (program.X.shape[0], TOPICS))
    return n_dk / np.maximum(n_dk.sum(axis=1, keepdims=True), 1)


# -- the law ---------------------------------------------------------------------------------------


@pytest.mark.slow  # this program is compiled at night
@pytest.mark.skipif(not JIT, reason="thousands of sweeps: compiled only")
def test_exact_sampling_has_the_law_of_the_posterior():
    X, signs = sp.csr_array(np.array([[2, 1], [1, 0]], np.int32)), np.array([[1], [-1]], np.int8)
    alpha, beta, cost, margin = np.array([0.9, 0.5]), 0.4, 1.0, 2.0
    program = made("gibbs", X, signs, topics=2, alpha=alpha, beta=beta, seed=3,
                   supervision=Supervision(signs, cost, margin))  # fmt: skip
    found, thin = np.zeros(16, np.int64), 4
    with iterate(program, epochs=2000 * thin) as steps:
        place = program.layout.read(program.first, np.arange(4, dtype=np.uint16)).astype(int)
        for step, _ in enumerate(steps):
            if step % thin == 0:
                found[[8, 4, 2, 1] @ program.z[place]] += 1
    given = (*naive.tokens_of(X), X.shape, alpha, beta, signs[:, 0])
    law = twin.posterior(*given, cost, margin)
    assert chisquare(found, law * found.sum()).pvalue > 1e-3
    for other in ((0.01, margin), (2.0, margin), (cost, 0.3)):
        wrong = twin.posterior(*given, *other)
        assert chisquare(found, wrong * found.sum()).pvalue < 1e-4


# -- labels ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("workers", [1, 2])
def test_weights_are_those_of_support_vector_machines(kind, workers):
    X, signs = corpus()
    supervision = Supervision(signs, 2.0, 8.0, passes=300 if JIT else 60)
    program = made(kind, X, signs, workers, supervision=supervision, evaluate=(1, 0))
    with iterate(program, 2) as steps:
        for step in steps:
            shares, weights = shares_of(program), kept(program)
            losses = np.maximum(8.0 - signs * (shares @ weights.coef_.T), 0.0)
            assert step.figures["hinge_loss"] == pytest.approx(losses.mean(), rel=1e-5)
            for y in range(3):
                a = weights.dual_coef_[:, y].astype(np.float64)
                assert a.min() >= 0.0
                assert a.max() <= 2.0
                bound = twin.dual(shares, signs[:, y], a, 8.0)
                value = twin.primal(shares, signs[:, y], weights.coef_[y], 2.0, 8.0)
                # The empty document adds its margin to the objective, whatever the weights are.
                value -= 2.0 * 8.0 * (shares.sum(axis=1) == 0).sum()
                assert bound <= value + 1e-3 <= bound + (2e-3 if JIT else 0.5)


@ALL
@pytest.mark.parametrize("workers", [1, 2])
def test_counts_are_those_of_the_topics_after_every_sweep(kind, workers):
    X, signs = corpus(1)
    program = made(kind, X, signs, workers, evaluate=(1, 0))
    doc, word = naive.tokens_of(X)
    with iterate(program, 2) as steps:
        for step in steps:
            z = program.assignments()
            n_wk = naive.count(word, z, (X.shape[1], TOPICS))
            np.testing.assert_array_equal(program.topic_counts(), n_wk)
            joint = naive.joint(doc, word, z, X.shape, program._prior.astype(np.float64), 0.2)
            figure = step.figures["log_likelihood_per_token"]
            assert figure * X.sum() == pytest.approx(joint, rel=1e-6)
            losses = 8.0 - signs * (shares_of(program) @ kept(program).coef_.T)
            loss = np.maximum(losses, 0.0).mean()
            assert step.figures["hinge_loss"] == pytest.approx(loss, rel=1e-4)


# -- equal bits ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with nothing_left(), Engine(2) as team:
        yield team


@pytest.mark.processes
@pytest.mark.parametrize(
    "kind",  # the others are compiled for this test alone
    ["dense", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("sparse", "gibbs"))],
)
def test_processes_give_the_bits_of_a_serial_run(engine, kind):
    options = {"engine": engine, "epochs": 4}
    given = corpus(2)
    serial = run(made(kind, *given, 2, rounds=4, evaluate=(2, 0)), **options)
    processes = run(made(kind, *given, 2, rounds=4, evaluate=(2, 0)), executor="processes",
                    **options)  # fmt: skip
    assert processes.statistics["executor"] == "processes"
    assert_same_bits(serial, processes)


@ALL
def test_no_program_races(kind):
    with iterate(made(kind, *corpus(3), 2, rounds=4), 2, check=True) as steps:
        assert len([*steps]) == 2


@ALL
def test_a_run_goes_on_from_a_checkpoint_and_from_its_variables(tmp_path, kind):
    file, (X, signs) = tmp_path / "run.npz", corpus(4)
    with iterate(made(kind, X, signs, 2, seed=5), 5) as whole:
        for _ in whole:
            pass
        expected, coef = whole.program.assignments(), kept(whole.program).coef_
        result = whole.result()
    run(made(kind, X, signs, 2, seed=5), 2, instruments=Checkpoint(file, every=2))
    assert_same_bits(result, run(made(kind, X, signs, 2, seed=5), 5, resume_from=file))
    with iterate(made(kind, X, signs, 2, seed=5), 2) as steps:
        for _ in steps:
            pass
        z, weights = steps.program.assignments(), kept(steps.program)
    supervision = Supervision(signs, 2.0, 8.0, coef=weights.coef_,
                              dual=getattr(weights, "dual_coef_", None))  # fmt: skip
    again = made(kind, X, signs, 2, seed=5, begin=Begin(z, None, 2), supervision=supervision)
    with iterate(again, 3) as steps:
        for _ in steps:
            pass
        z, weights = again.assignments(), kept(again)
    np.testing.assert_array_equal(z, expected)
    np.testing.assert_array_equal(weights.coef_, coef)


@pytest.mark.parametrize("kind", ["dense", "gibbs"])
def test_a_checkpoint_serves_another_number_of_workers(tmp_path, kind):
    file, (X, signs) = tmp_path / "run.npz", corpus(5)
    with iterate(made(kind, X, signs, 2), 2, instruments=Checkpoint(file)) as steps:
        for _ in steps:
            pass
        z, weights = steps.program.assignments(), kept(steps.program)
    other = made(kind, X, signs, 1)
    with iterate(other, 3, resume_from=file) as steps:
        np.testing.assert_array_equal(other.assignments(), z)
        for name, value in vars(kept(other)).items():
            np.testing.assert_array_equal(value, getattr(weights, name))
        assert len([*steps]) == 1
