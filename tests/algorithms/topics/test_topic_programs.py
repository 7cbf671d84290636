"""Programs of topic models: the distribution sampled, counts, rotation, equal bits and priors."""

from collections.abc import Iterator

import naive_topics as naive
import numba
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from processes import nothing_left
from programs import assert_same_bits
from scipy.special import psi
from scipy.stats import chisquare

from strads import Checkpoint, Engine, default_engine
from strads.algorithms.topics.dense import DenseSampler
from strads.algorithms.topics.priors import BURN_IN, EVERY, LEAST, next_alpha, next_beta
from strads.algorithms.topics.sampler import Begin
from strads.algorithms.topics.sampler_choice import LONG, choose_sampler, sampler
from strads.algorithms.topics.sparse import SparseSampler
from strads.engine.program.phase import Phase
from strads.engine.schedules.base import Schedule
from strads.engine.schedules.planned import EpochPolicy
from strads.kernels.lanes import LANES
from strads.kernels.topics.words import NONE

JIT = not numba.config.DISABLE_JIT
KINDS = {"dense": DenseSampler, "sparse": SparseSampler}
BOTH = pytest.mark.parametrize("kind", KINDS)
TOPICS = 5
SHAPE = (20, 15) if JIT else (7, 6)


def corpus(seed=0, shape=SHAPE, mean=1.0):
    """Counts with an empty document and an empty word."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(mean, shape)
    counts[shape[0] // 2] = counts[:, shape[1] // 3] = 0
    return sp.csr_array(counts.astype(np.int32))


def made(kind, X, workers=1, topics=TOPICS, **given):
    options = {"alpha": np.linspace(0.2, 0.8, topics), "beta": 0.2}
    return KINDS[kind](X=X, topics=topics, workers=workers, **options | given)


def iterate(program, epochs=3, engine=None, **options):
    """Run serially, with the partition that the program makes."""
    options = {"workers": program.crew, "executor": "serial", "seed": 0} | options
    return (engine or default_engine()).iterate(
        program, epochs=epochs, partition=program.partition(), **options
    )


def run(program, epochs=3, **options):
    return iterate(program, epochs, **options).finish()


def doc_counts(program):
    """Return the topic counts of documents, in the order of the matrix."""
    if isinstance(program, DenseSampler):
        laid_out = program.doc_counts[:, : program.count].astype(np.int64)
    else:
        laid_out = np.zeros((program.size["docs"], program.count), np.int64)
        for d, (at, n) in enumerate(zip(program.list_first, program.list_length)):
            rows = program.list_pairs[at : at + -(-n // LANES)]
            topics, counts = rows[:, :LANES].ravel()[:n], rows[:, LANES:].ravel()[:n]
            assert np.all(counts > 0)
            np.add.at(laid_out[d], topics, counts)
    counts = np.empty_like(laid_out)
    counts[program.layout.docs.order] = laid_out
    return counts


def assert_counted(program, base=0):
    """Assert that all counts agree with the topics of the tokens."""
    X, k = program.X, int(program.count)
    (doc, word), z = naive.tokens_of(X), program.assignments()
    n_wk = naive.count(word, z, (X.shape[1], k)) + base
    np.testing.assert_array_equal(program.topic_counts(), n_wk)
    np.testing.assert_array_equal(doc_counts(program), naive.count(doc, z, (X.shape[0], k)))
    totals = program.totals[:, :k]
    np.testing.assert_array_equal(totals, np.tile(n_wk.sum(axis=0), (program.crew, 1)))
    return z


# -- the law ---------------------------------------------------------------------------------------


class Turns(Schedule):
    """A schedule whose rounds give one word to one worker, while the other workers have none."""

    def capacity(self, world):
        return 1

    def start(self, world):
        return _Turns(world)


class _Turns(EpochPolicy):
    moves_holders = True

    def stagger(self, on):
        """Do nothing: no worker follows another."""

    def plan(self):
        none, workers = np.empty(0, np.int64), range(self.world.workers)
        return [
            [np.array([w]) if p == q else none for q in workers]
            for w in range(self.world.partition.size)
            for p in workers
        ]


def in_turns(program):
    """Replace the schedule by one whose rounds are a single word of a single worker."""
    main = Phase(pull="pull", schedule=Turns("words"), name="main")
    program.phases = {**program.phases, "main": main}
    return program


def chances(found, law):
    """Return the p-value of a χ² test of frequencies; rare states are merged."""
    expected = law * found.sum()
    rare = expected < 5.0
    found, expected = np.r_[found[~rare], found[rare].sum()], np.r_[expected[~rare], 0.0]
    expected[-1] = max(law[rare].sum() * found.sum(), 1e-9)
    return chisquare(found, expected * found.sum() / expected.sum()).pvalue


#: Every document has a word at most once, so a round of a single word has at most one token.
FEW = sp.csr_array(np.array([[1, 0, 1], [1, 1, 0]], np.int32))
#: Counts for one worker, which draws one token after the other anyway.
TWICE = sp.csr_array(np.array([[2, 1], [2, 0]], np.int32))
ALPHA, BETA = np.array([0.9, 0.5]), 0.4
#: Number of sweeps between two counted states, and number of counted states.
THIN, STATES = 4, 2500 if JIT else 1200


def frequencies(program):
    """Return how often a long chain is in each state, and the order in which it draws tokens."""
    n = program.n_tokens
    found, powers = np.zeros(2**n, np.int64), 2 ** np.arange(n - 1, -1, -1)
    with iterate(program, epochs=STATES * THIN + 8) as steps:
        place = program.layout.read(program.first, np.arange(n, dtype=np.uint16)).astype(int)
        for step, _ in enumerate(steps):
            if step >= 8 and step % THIN == 0:
                found[powers @ program.z[place]] += 1
        laid_out = np.argsort(place)
        _, word = naive.tokens_of(program.X)
        where = np.argsort(program.layout.words)[word[laid_out]]
    order = laid_out if program.crew == 1 else laid_out[np.argsort(where, kind="stable")]
    return found, order


@BOTH
@pytest.mark.skipif(not JIT, reason="thousands of sweeps: compiled only")
@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_one_token_at_a_time_samples_the_exact_posterior(kind, workers):
    X = TWICE if workers == 1 else FEW
    program = made(kind, X, workers, topics=2, alpha=ALPHA, beta=BETA, seed=1)
    if workers > 1:
        in_turns(program)
        assert np.all(np.diff(program.layout.docs.bounds) == 1)  # both workers have tokens
    found, order = frequencies(program)
    tokens = naive.tokens_of(X)
    law = naive.posterior(*tokens, X.shape, ALPHA, BETA)
    sweep = naive.sweep_law(*tokens, X.shape, ALPHA, BETA, order)
    np.testing.assert_allclose(law @ sweep, law, atol=1e-12)
    # Counted states are nearly independent.
    assert np.abs(np.linalg.matrix_power(sweep, THIN) - law).max() < 0.03
    assert chances(found, law) > 1e-3
    for alpha, beta in ((ALPHA, 1e-3), (ALPHA[::-1], BETA), (ALPHA, 3 * BETA), (3 * ALPHA, BETA)):
        assert chances(found, naive.posterior(*tokens, X.shape, alpha, beta)) < 1e-4


@BOTH
def test_two_workers_at_a_time_are_wrong_by_what_the_figure_says(kind):
    with iterate(made(kind, corpus(), 2), 3) as steps:
        assert all(step.figures["s_error"] > 0.0 for step in steps)
    with iterate(made(kind, corpus(), 1), 3) as steps:
        assert all(step.figures["s_error"] == 0.0 for step in steps)


# -- counts ----------------------------------------------------------------------------------------


@st.composite
def corpora(draw):
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    counts = draw(st.lists(st.integers(0, 3), min_size=shape[0] * shape[1], max_size=25))
    counts = np.array(counts[: shape[0] * shape[1]], np.int32).reshape(shape)
    counts[0, -1] += not counts.any()
    # Documents may have more topics than a row of their list holds.
    return sp.csr_array(counts * draw(st.sampled_from([1, 1, 6])))


@BOTH
@given(
    # Sixteen topics fill all lanes.
    X=corpora(), workers=st.integers(1, 3), topics=st.sampled_from([1, 2, 16, 33]),
    rounds=st.sampled_from([None, 1, 4, 9]), seed=st.integers(0, 99), continued=st.booleans(),
    grouped=st.booleans(),
)  # fmt: skip
def test_counts_are_those_of_the_topics_after_every_sweep(
    kind, X, workers, topics, rounds, seed, continued, grouped
):
    base = np.random.default_rng(seed).integers(0, 3, (X.shape[1], topics)).astype(np.int32)
    begin = Begin(base=base) if continued else Begin(grouped=grouped)
    program = made(kind, X, workers, topics, rounds=rounds, seed=seed, begin=begin)
    tokens = naive.tokens_of(X)
    options = X.shape, program._prior.astype(np.float64), 0.2, base * continued
    with iterate(made(kind, X, workers, topics, begin=begin), 0) as steps:
        assert np.all((steps.program.assignments() == NONE) == (continued or grouped))
        assert steps.program.mass == pytest.approx(X.shape[1] * steps.program.beta)
    program.evaluate = (1, 0)
    with iterate(program, 2) as steps:
        for step in steps:
            z = assert_counted(program, base * continued)
            assert np.all(z < topics)
            joint = naive.joint(*tokens, z, *options)
            figure = step.figures["log_likelihood_per_token"]
            assert figure * X.sum() == pytest.approx(joint, rel=1e-6, abs=1e-6)


@BOTH
@pytest.mark.parametrize("workers", [1, 3])
def test_a_run_begins_anew_from_the_topics_of_any_sweep(kind, workers):
    X = corpus(1)
    with iterate(made(kind, X, workers), 3) as steps:
        states = [(assert_counted(steps.program), doc_counts(steps.program)) for _ in steps]
    for z, n_dk in states:
        for crew in (workers, 2):
            again = made(kind, X, crew, seed=5, begin=Begin(assignments=z))
            with iterate(again, 1) as steps:
                np.testing.assert_array_equal(assert_counted(again), z)
                np.testing.assert_array_equal(doc_counts(again), n_dk)
                next(steps)
                after = assert_counted(again)
                steps.executor.once("rebuild")  # added to the earlier counts
                np.testing.assert_array_equal(assert_counted(again), after)


def test_a_chain_begins_with_random_topics():
    X, found = sp.csr_array(np.array([[4000]], np.int32)), []
    for seed in (1, 2):
        with iterate(made("dense", X), 0, seed=seed) as steps:
            found.append(steps.program.assignments())
        assert chisquare(np.bincount(found[-1], minlength=TOPICS)).pvalue > 1e-3
    assert np.mean(found[0] == found[1]) < 0.3


# -- rotation --------------------------------------------------------------------------------------


def words_of_rounds(kind, X, workers, rounds=None, *, grouped=False):
    """Return the figures of a sweep, and which worker drew which laid-out words in each round.

    Also topics before and after that sweep, and the program's tokens as laid out. It is the second
    sweep, or the first one if topics begin as groups.
    """
    program = made(kind, X, workers, rounds=rounds, begin=Begin(grouped=grouped))
    with iterate(program, 2) as steps:
        if not grouped:
            next(steps)
        steps.executor.rounds["main"].log = log = []
        first, before = program.first.copy(), program.z.copy()
        figures = next(steps).figures
        after = program.z.copy()
    plan = [
        [record.ids[p, lo:hi].copy() for p, (lo, hi) in enumerate(record.cuts)] for record in log
    ]
    assert all(record.cuts.shape[1] == 2 for record in log)
    return plan, first, before, after, figures


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
@pytest.mark.parametrize("rounds", [None, 1, 7, 100])
@pytest.mark.parametrize("shape", [SHAPE, (2, 4), (9, 1)])
def test_every_worker_draws_every_word_once_a_sweep(workers, rounds, shape):
    plan, *_ = words_of_rounds("dense", corpus(2, shape, 2.0), workers, rounds)
    assert len(plan) == max(workers, min(rounds or 1, shape[1]))
    pairs = [(p, w) for blocks in plan for p, block in enumerate(blocks) for w in block.tolist()]
    assert sorted(pairs) == [(p, w) for p in range(workers) for w in range(shape[1])]
    for blocks in plan:
        held = np.concatenate(blocks)
        assert len(held) == len(set(held.tolist()))


@BOTH
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize(("workers", "rounds"), [(2, None), (2, 5), (3, 4)])
def test_s_error_is_how_far_copies_are_off(kind, workers, rounds, grouped):
    X = corpus(3)
    plan, first, before, after, figures = words_of_rounds(kind, X, workers, rounds, grouped=grouped)
    assert len(plan) == (rounds or workers) + (workers - 1) * grouped
    wrong = 0
    for blocks in plan:
        moved = np.zeros((workers, TOPICS), np.int64)
        for p, block in enumerate(blocks):
            for w in block:
                mine = slice(first[p, w], first[p, w + 1])
                moved[p] += np.bincount(after[mine], minlength=TOPICS)
                moved[p] -= np.bincount(before[mine], minlength=NONE + 1)[:TOPICS]
        wrong += np.abs(moved.sum(axis=0) - moved).sum()  # of other workers only
    assert wrong > 0
    expected = wrong / (len(plan) * workers * X.sum())
    assert figures["s_error"] == pytest.approx(expected, rel=1e-12)


@BOTH
def test_s_error_falls_with_more_rounds(kind):
    X = corpus(4, (SHAPE[0], 2 * SHAPE[1]), 2.0)
    errors = [
        np.mean([figures["s_error"] for figures in run(made(kind, X, 2, rounds=r), 10).history])
        for r in (2, 6, 18 if JIT else 12)
    ]
    assert errors[0] > 1.3 * errors[1] > 1.6 * errors[2]


# -- equal bits ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with nothing_left(), Engine(2) as team:
        yield team


@pytest.mark.processes
@BOTH
@pytest.mark.parametrize("workers", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_processes_give_the_bits_of_a_serial_run(engine, kind, workers):
    given = {"rounds": 5, "evaluate": (2, 0), "optimize": True}
    options = {"engine": engine, "epochs": BURN_IN + 2}
    serial = run(made(kind, corpus(5), workers, **given), **options)
    processes = run(made(kind, corpus(5), workers, **given), executor="processes", **options)
    assert processes.statistics["executor"] == "processes"
    assert_same_bits(serial, processes)


@BOTH
def test_a_chain_repeats_and_depends_on_its_seed(kind):
    one, two, other = (run(made(kind, corpus(6), 2, seed=seed)) for seed in (3, 3, 4))
    assert_same_bits(one, two)
    assert not np.array_equal(one.state["z"], other.state["z"])
    # The seed changes more than the order of the documents.
    one, other = (run(made(kind, corpus(6)[[0]], seed=seed)) for seed in (3, 4))
    assert not np.array_equal(one.state["z"], other.state["z"])


@BOTH
@pytest.mark.parametrize("workers", [2, 3])
def test_no_program_races(kind, workers):
    # Priors are set in the last of two sweeps.
    begin = Begin(sweeps=BURN_IN - 2)
    program = made(kind, corpus(7), workers, rounds=4, optimize=True, begin=begin)
    with iterate(program, 2, check=True) as steps:
        for _ in steps:
            assert_counted(program)


@BOTH
def test_a_resumed_run_has_the_bits_of_an_undisturbed_one(tmp_path, kind):
    file = tmp_path / "run.npz"

    def make():
        return made(kind, corpus(8), 2, evaluate=(2, 0), optimize=True, seed=5)

    whole = run(make(), BURN_IN + 3)
    run(make(), BURN_IN - 1, instruments=Checkpoint(file, every=BURN_IN - 3))
    resumed = run(make(), BURN_IN + 3, resume_from=file)
    assert_same_bits(whole, resumed)


# -- priors ----------------------------------------------------------------------------------------


def slopes(n, prior):
    return psi(n + prior) - psi(prior)


@BOTH
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("continued", "topics", "times"), [(False, TOPICS, 1), (True, TOPICS, 1), (False, 40, 8)]
)
def test_priors_take_the_steps_of_the_twin_and_the_figure_is_of_them(
    kind, workers, continued, topics, times
):
    X = times * corpus(9)
    base = np.random.default_rng(9).integers(0, 3, (X.shape[1], topics)).astype(np.int32)
    begin = Begin(base=base if continued else None, sweeps=BURN_IN - 1)
    base = base * continued
    sweeps = EVERY + 1
    program = made(
        kind, X, workers, topics, optimize=True, evaluate=(0, BURN_IN + EVERY), begin=begin
    )  # fmt: skip
    doc, word = naive.tokens_of(X)
    changed = []
    with iterate(program, sweeps) as steps:
        alpha, beta = program._prior.astype(np.float64), 0.2
        for step in steps:
            z = assert_counted(program, base)
            here = program.alpha[0, :topics].astype(np.float64)
            if np.array_equal(here, alpha):
                continue
            changed.append(int(program.sweep))
            n_dk = naive.count(doc, z, (X.shape[0], topics))
            n_wk = naive.count(word, z, (X.shape[1], topics)) + base
            # Of the many topics a document has more than a row of its list holds.
            assert changed[1:] or topics < LANES or (n_dk > 0).sum(axis=1).max() > LANES
            of_docs = slopes(n_dk.sum(axis=1), alpha.sum()).sum()
            expected = alpha * slopes(n_dk, alpha).sum(axis=0) / of_docs
            np.testing.assert_allclose(here, np.maximum(expected, LEAST), rtol=1e-5)
            of_words = X.shape[1] * slopes(n_wk.sum(axis=0), X.shape[1] * beta).sum()
            assert program.beta == pytest.approx(beta * slopes(n_wk, beta).sum() / of_words)
            assert program.mass == pytest.approx(X.shape[1] * program.beta)
            old = naive.joint(doc, word, z, X.shape, alpha, beta, base)
            alpha, beta = here, float(program.beta)
            joint = naive.joint(doc, word, z, X.shape, alpha, beta, base)
            assert continued or joint >= old
        figure = step.figures["log_likelihood_per_token"]
        assert figure * X.sum() == pytest.approx(joint, rel=1e-6)
    assert changed == [BURN_IN, BURN_IN + EVERY]


@given(
    seed=st.integers(0, 2**32 - 1), topics=st.integers(1, 6), prior=st.floats(1e-3, 10.0),
    tokens=st.integers(1, 60),
)  # fmt: skip
def test_no_step_of_a_prior_lowers_the_likelihood(seed, topics, prior, tokens):
    rng = np.random.default_rng(seed)
    shape = (6, 5)
    doc, word = (rng.integers(0, n, tokens) for n in shape)
    z = rng.choice(topics, tokens, p=rng.dirichlet(np.full(topics, 0.5)))
    n_dk, n_wk = naive.count(doc, z, (6, topics)), naive.count(word, z, (5, topics))
    alpha, beta = prior * rng.uniform(0.2, 1.8, topics), prior
    values = [naive.joint(doc, word, z, shape, alpha, beta)]
    for _ in range(3):
        mass = slopes(n_dk.sum(axis=1), alpha.sum()).sum()
        alpha = next_alpha(alpha, slopes(n_dk, alpha).sum(axis=0), mass)
        values.append(naive.joint(doc, word, z, shape, alpha, beta))
        beta = next_beta(beta, slopes(n_wk, beta).sum(), n_wk.sum(axis=0), 5)
        values.append(naive.joint(doc, word, z, shape, alpha, beta))
        assert min(alpha.min(), beta) >= LEAST
    assert np.all(np.diff(values) >= -1e-8 * np.abs(values[0]))


def test_priors_stay_where_there_is_nothing_to_learn_from():
    alpha = np.array([0.3, 0.7])
    assert next_alpha(alpha, np.zeros(2), 0.0) is alpha
    assert next_beta(0.2, 0.0, np.zeros(2, np.int32), 4) == 0.2


def test_no_prior_falls_to_nothing():
    assert next_alpha(np.array([0.3, 0.7]), np.array([0.0, 1.0]), 1.0).tolist() == [LEAST, 0.7]
    assert next_beta(0.2, 1e-9, np.array([3, 5]), 4) == LEAST


# -- choice ----------------------------------------------------------------------------------------


def test_few_topics_are_dense_and_many_sparse():
    for length in (20, 300):
        lengths = np.full(2000, length)
        names = [choose_sampler(lengths, topics)[0] for topics in (2, 16, 50, 1000, 4000)]
        assert names == sorted(names)
        assert (names[1], names[-1]) == ("dense", "sparse")
    _, reason = choose_sampler(np.full(10, 5), 20)
    assert reason.startswith("estimated ns a token: ")


def test_only_long_documents_have_wide_counts():
    assert sampler("dense", LONG) is DenseSampler
    assert sampler("sparse", 1) is SparseSampler
    for name, counts in (("dense", "doc_counts"), ("sparse", "list_pairs")):
        wide = sampler(name, LONG + 1)
        assert issubclass(wide, KINDS[name])
        assert wide is sampler(name, LONG + 2)
        assert wide.fields()[counts].dtype == np.uint32
        assert KINDS[name].fields()[counts].dtype == np.uint16


@pytest.mark.compiles
@BOTH
def test_documents_of_more_tokens_than_sixteen_bits_count(kind):
    X = sp.csr_array(np.array([[LONG + 5, 3, 1], [2, 0, 4]], np.int32))
    begin = Begin(assignments=np.zeros(int(X.sum()), np.uint16))
    program = sampler(kind, LONG + 9)(
        X=X, topics=2, workers=2, alpha=np.array([50.0, 0.01]), beta=0.01, begin=begin
    )  # fmt: skip
    with iterate(program, 1) as steps:
        assert_counted(program)
        assert doc_counts(program)[0, 0] == LONG + 9
        if JIT:  # so many tokens would be slow to sample
            next(steps)
            assert_counted(program)
            assert doc_counts(program)[0, 0] > LONG
