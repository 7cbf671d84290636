"""``strads fit lda``: files, output and errors."""

import re

import numpy as np
import pytest
import scipy.sparse as sp
from commands import done, record_of, refused

import strads
from strads.datasets import read_corpus, split_documents

SWEEP = re.compile(
    r"^sweep +(\d+)  s-error (\S+)(?:  log-likelihood per token (-?\d+\.\d{4}))? +(\d+\.\d\d) s$",
    re.MULTILINE,
)
TOPIC = re.compile(r"^topic +(\d+)  (.+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Counts of 40 documents: each has words 0 … 5 or words 6 … 11, and one also has word 12."""
    rng = np.random.default_rng(0)
    counts = np.zeros((40, 13), dtype=int)
    for document in range(40):
        counts[document, :12].reshape(2, 6)[document % 2] = rng.poisson(3, size=6) + 1
    counts[7, 12] = 1
    folder = tmp_path_factory.mktemp("corpus")
    documents, words = counts.nonzero()
    lines = [f"{d + 1} {w + 1} {counts[d, w]}\n" for d, w in zip(documents, words, strict=True)]
    file = folder / "docword.two.txt"
    file.write_text(f"40\n13\n{len(lines)}\n" + "".join(lines))
    (folder / "vocab.two.txt").write_text("".join(f"{name}\n" for name in names(13)))
    return file


def names(count):
    return [f"word{number}" for number in range(count)]


def arguments(path, *options):
    given = {"--topics": 2, "--max-iter": 4, "--workers": 1}
    more = [text for name, value in given.items() if name not in options for text in (name, value)]
    return ("fit", "lda", path, *options, *more)


@pytest.fixture(scope="module")
def fitted(path, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "first"
    ended = done(*arguments(
        path, "--test", 0.2, "--seed", 3, "--min-df", 2, "--doc-topic-prior", 0.2,
        "--topic-word-prior", 0.1, "--top", 6, "--max-iter", 12, "--out", out,
    ))  # fmt: skip
    return out, ended


def estimator():
    return strads.LatentDirichletAllocation(
        2, doc_topic_prior=0.2, topic_word_prior=0.1, max_iter=12, n_workers=1, random_state=3
    )


def test_the_model_is_that_of_all_documents(path, fitted):
    corpus = read_corpus(path, min_df=2)
    model = estimator().fit(corpus.counts)
    loaded = strads.LatentDirichletAllocation.load(fitted[0] / "model.npz")
    np.testing.assert_array_equal(loaded.components_, model.components_)
    topics = np.load(fitted[0] / "document_topics.npy")
    assert topics.shape == (40, 2)
    np.testing.assert_allclose(topics.sum(axis=1), 1.0, rtol=1e-5)
    # Each document is about the topic of its own half of the words.
    own = topics.argmax(axis=1)
    assert set(own[::2]) != set(own[1::2])
    assert topics.max(axis=1).min() > 0.8


def test_it_is_judged_on_documents_that_its_first_fit_has_not_seen(path, fitted):
    train, test = split_documents(read_corpus(path, min_df=2), 0.2, 3)
    model = estimator().fit(train.counts)
    held_out = record_of(fitted[0])["held_out"]
    assert held_out["perplexity"] == pytest.approx(model.perplexity(test.counts))
    assert held_out["documents"] == 8


def test_the_words_of_the_columns_are_kept(path, fitted, tmp_path):
    vocabulary = fitted[0] / "vocab.txt"
    assert vocabulary.read_text().split() == names(12)  # word12 is in one document only
    text = tmp_path / "new.txt"
    text.write_text("word1 word1 word12\n")
    assert read_corpus(text, vocabulary=vocabulary).counts.toarray().tolist() == [[0, 2] + [0] * 10]


def test_topics_are_printed_by_their_words(fitted):
    out, ended = fitted
    record = record_of(out)
    topics = [[word for word, _ in topic] for topic in record["topics"]]
    assert [(number, words.split()) for number, words in TOPIC.findall(ended.stdout)] == [
        (str(number), words) for number, words in enumerate(topics)
    ]
    assert sorted(map(sorted, topics)) == sorted([sorted(names(12)[:6]), sorted(names(12)[6:])])
    assert all(0 < share <= 1 for topic in record["topics"] for _, share in topic)


def test_the_record_is_complete_and_of_numbers(path, fitted):
    record = record_of(fitted[0])
    settings = record["settings"]
    assert (settings["data"], settings["test"], settings["min_df"]) == (str(path), 0.2, 2)
    assert (settings["doc_topic_prior"], settings["topic_word_prior"]) == (0.2, 0.1)
    assert (settings["n_components"], settings["n_workers"], settings["random_state"]) == (2, 1, 3)
    assert settings["vocabulary"] is settings["stop_words"] is None
    corpus = read_corpus(path, min_df=2)
    assert (record["documents"], record["held_out"]["documents"]) == (40, 8)
    assert (record["shape"], record["tokens"]) == ([40, 12], corpus.tokens)
    for part in (record, record["held_out"]):
        assert part["n_iter"] == len(part["history"]) == 12
        assert [step["epoch"] for step in part["history"]] == list(range(1, 13))
        assert all(step["s_error"] >= 0.0 for step in part["history"])
        assert part["history"][-1]["seconds"] >= part["history"][0]["seconds"] >= 0.0
    assert record["log_likelihood_per_token"] < 0.0
    assert 1.0 < record["held_out"]["perplexity"] < 12.0
    assert record["statistics"]["workers"] == 1


def test_a_line_a_sweep_and_a_summary(path, fitted):
    out, ended = fitted
    record = record_of(out)
    lines = [found.groups() for found in SWEEP.finditer(ended.stderr)]
    name = "log_likelihood_per_token"
    assert lines == [
        (
            str(step["epoch"]), f"{step['s_error']:.2e}",
            f"{step[name]:.4f}" if name in step else None, f"{step['seconds']:.2f}",
        )
        for step in [*record["held_out"]["history"], *record["history"]]
    ]  # fmt: skip
    tokens = read_corpus(path, min_df=2).tokens
    assert f"{tokens:,} tokens of 12 words in 40 documents, read in" in ended.stderr
    assert f"{record['held_out']['perplexity']:,.4f} (8 documents" in ended.stdout
    assert f"{record['log_likelihood_per_token']:.6f}" in ended.stdout
    assert not SWEEP.search(ended.stdout)


def test_quiet_and_nothing_withheld(path):
    ended = done(*arguments(path, "--test", 0, "--quiet", "--max-iter", 1, "--top", 0))
    assert ended.stderr == ""
    assert not TOPIC.search(ended.stdout)
    assert "perplexity" not in ended.stdout


def test_counts_without_a_vocabulary(path, tmp_path):
    counts = tmp_path / "c.npz"
    sp.save_npz(counts, read_corpus(path).counts)
    ended = done(*arguments(counts, "--out", tmp_path / "run", "--top", 3))
    assert all(re.fullmatch(r"\d+ \d+ \d+", words) for _, words in TOPIC.findall(ended.stdout))
    assert not (tmp_path / "run" / "vocab.txt").exists()
    vocabulary = path.with_name("vocab.two.txt")
    ended = done(*arguments(counts, "--vocabulary", vocabulary))
    assert "word" in TOPIC.findall(ended.stdout)[0][1]


def test_text_without_stop_words(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("the cats and the dogs\na [red] house of the mice\n" * 5)
    ended = done(*arguments(path, "--stop-words", "english", "--test", 0, "--top", 5))
    topics = [words.split() for _, words in TOPIC.findall(ended.stdout)]
    assert [sorted(words) for words in topics] == [["cats", "dogs", "house", "mice", "red"]] * 2


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("--topics", 0), "'topics'"),
        (("--doc-topic-prior", -1), "'doc-topic-prior'"),
        (("--topic-word-prior", 0), "'topic-word-prior'"),
        (("--max-iter", 0), "'max-iter'"),
        (("--workers", 0), "'workers'"),
        (("--min-df", 0), "'min-df'"),
        (("--stop-words", "german"), "'stop-words'"),
        (("--test", 1), "--test"),
        (("--test", -0.1), "--test"),
        (("--seed", -1), "'seed'"),
    ],
)
def test_a_wrong_option_is_exit_code_2_and_one_line(tmp_path, options, names):
    # The file does not exist, but options are checked before a long read.
    refused(*arguments(tmp_path / "gone.txt", *options), says=names)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("gone.txt", None, "does not exist"),
        ("docword.[bold].txt", "2\n2\n2\n1 1 1\n2 3 1\n", "line 5: the word 3 is beyond"),
        ("x.npz", "no archive", "cannot be read"),
        ("x.txt", "\n", "no word"),
        ("few.txt", "some words\nmore\n", "--test 0.1: fraction=0.1 of 2 documents"),
    ],
)
def test_a_wrong_file_is_exit_code_2_and_one_line(tmp_path, name, text, says):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    told = refused(*arguments(path, "--quiet"), says=says)
    assert str(path) in told or "fraction" in says
