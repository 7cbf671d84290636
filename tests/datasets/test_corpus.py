"""Corpora: the data read equal those written; an error names the line or entry."""

import gzip

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.feature_extraction.text import CountVectorizer

from strads.datasets.corpus import Corpus, read_corpus, split_documents
from strads.engine.errors import DataError

COUNTS = np.array([[2, 0, 1], [0, 0, 0], [0, 7, 1], [1, 0, 1]])
WORDS = ["cat", "the", "Zebra"]
UCI = "4\n3\n6\n1 1 2\n1 3 1\n3 2 7\n3 3 1\n4 1 1\n4 3 1\n"
MATRICES = hnp.arrays(
    np.int32, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=st.integers(0, 3)
).filter(np.any)
TEXTS = st.lists(
    st.text("abcÄß日 .,'AB\t", max_size=20).map(str.strip), min_size=1, max_size=8
).filter(lambda texts: CountVectorizer().build_analyzer()(" ".join(texts)))


def written(folder, name, text):
    path = folder / name
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def bag_of_words(counts):
    documents, words = counts.nonzero()
    header = [*counts.shape, len(documents)]
    entries = [(d + 1, w + 1, counts[d, w]) for d, w in zip(documents, words, strict=True)]
    return "".join(" ".join(map(str, line)) + "\n" for line in [*((n,) for n in header), *entries])


def same(corpus, counts, words=None):
    assert isinstance(corpus.counts, sp.csr_array)
    assert corpus.counts.dtype == corpus.counts.indices.dtype == np.int32
    assert corpus.counts.has_canonical_format
    assert (corpus.counts.data > 0).all()
    np.testing.assert_array_equal(corpus.counts.toarray(), counts)
    assert (None if corpus.vocabulary is None else corpus.vocabulary.tolist()) == words


def refused(path, *says, kind=DataError, **options):
    with pytest.raises(kind) as caught:
        read_corpus(path, **options)
    message = str(caught.value)
    for expected in says:
        assert expected in message
    if kind is DataError:
        assert str(path) in message
    assert "\n" not in message


# -- counts as text ------------------------------------------------------------------------------


@given(MATRICES, st.sampled_from(["docword.x.txt", "docword.x.txt.gz"]), st.booleans())
def test_a_bag_of_words_comes_back(tmp_path_factory, counts, name, named):
    folder = tmp_path_factory.mktemp("uci")
    path = written(folder, name, bag_of_words(counts))
    words = [f"w{word}" for word in range(counts.shape[1])]
    if named:
        written(folder, "vocab.x.txt", "\n".join(words) + "\n\n")
    same(read_corpus(path), counts, words if named else None)
    same(read_corpus(path, vocabulary=words), counts, words)
    same(read_corpus(path, vocabulary=written(folder, "v", "\r\n".join(words))), counts, words)


def test_a_bag_of_words_in_any_order_with_repetitions_and_zeros(tmp_path):
    text = "4\r\n3\r\n8\r\n4 3 1\n\n1 3 0\r\n3 2 3\n1 1 2\n 3\t2 4\n3 3 1\n4 1 1\n1 3 +1\n\n"
    same(read_corpus(written(tmp_path, "docword.txt", text)), COUNTS)


def test_a_bag_of_words_is_known_by_its_content(tmp_path):
    same(read_corpus(written(tmp_path, "counts.txt", UCI)), COUNTS)
    written(tmp_path, "vocab.txt", "one\ntwo\n")  # of another file
    same(read_corpus(tmp_path / "counts.txt"), COUNTS)
    written(tmp_path, "vocab.txt", "\n".join(WORDS))
    same(read_corpus(tmp_path / "counts.txt"), COUNTS, WORDS)


def test_blocks_join(tmp_path, monkeypatch):
    monkeypatch.setattr("strads.datasets.bag_of_words.BLOCK", 2)
    path = written(tmp_path, "docword.x.txt", UCI.replace("3 2", "\n\n\n3 2"))
    same(read_corpus(path), COUNTS)
    path.write_text(path.read_text().replace("4 1 1", "4 1 x"))
    refused(path, "line 11: the count 'x'")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("1 1", "2 fields; document, word and count"),
        ("1 1 1 1", "4 fields"),
        ("1,1,1", "1 fields"),
        ("x 1 1", "document 'x' is not a whole number"),
        ("1 1.0 1", "word '1.0' is not a whole"),
        ("1 1 1.5", "count '1.5' is not a whole"),
        ("1 1 1e2", "count '1e2' is not a whole"),
        ("1 1 1_0", "count '1_0' is not a whole"),
        ("0 1 1", "document 0 is below 1"),
        ("1 -1 1", "word -1 is below 1"),
        ("5 1 1", "document 5 is beyond the 4 documents of the header"),
        ("1 4 1", "word 4 is beyond the 3 words"),
        ("1 1 -2", "count -2 is not from 0"),
        (f"1 1 {2**31}", f"count {2**31} is not from 0"),
        (f"1 {10**30} 1", f"word {10**30} is beyond"),
    ],
)
def test_a_wrong_line_is_named_by_its_number(tmp_path, line, says):
    path = written(tmp_path, "docword.x.txt", UCI.replace("3 2 7", f"\n{line}"))
    refused(path, "line 7: ", says)


def test_a_header_that_is_wrong(tmp_path):
    def uci(text, *says):
        refused(written(tmp_path, "docword.x.txt", text), *says)

    uci("4\n3\n", "begin with three lines")
    uci("4\nthree\n6\n", "line 2: 'three' must be the number of words")
    uci("0\n3\n6\n", "line 1: '0' must be the number of documents")
    uci(f"4\n3\n{2**31}\n", "line 3: ", "number of entries")
    uci("4 3 6\n1 1 2\n1 2 2\n", "line 1: '4 3 6'")
    uci(UCI.replace("\n6\n", "\n7\n"), "line 3: 7 entries are announced, but 6 follow")
    uci(UCI.replace("\n6\n", "\n5\n"), "line 3: 5 entries are announced, but 6 follow")
    uci("4\n3\n6\n", "but 0 follow")
    uci("1\n1\n1\n1 1 0\n", "holds no word")


# -- counts as a matrix --------------------------------------------------------------------------


@given(
    MATRICES,
    st.sampled_from(["c.npz", "c.mtx", "c.mtx.gz"]),
    st.sampled_from([np.int64, np.float64, np.float32]),
    st.sampled_from([sp.csr_array, sp.csc_array, sp.coo_array]),
)
def test_a_matrix_comes_back(tmp_path_factory, counts, name, dtype, kind):
    folder = tmp_path_factory.mktemp("matrix")
    X = kind(counts.astype(dtype))
    if name == "c.npz":
        sp.save_npz(folder / name, X)
    else:
        scipy.io.mmwrite(folder / "c.mtx", X)
    if name.endswith("gz"):
        written(folder, name, (folder / "c.mtx").read_bytes())
    same(read_corpus(folder / name), counts)
    words = [f"w{word}" for word in range(counts.shape[1])]
    written(folder, "vocab.txt", "\n".join(words))
    same(read_corpus(folder / name), counts, words)


def test_repetitions_zeros_and_long_indices(tmp_path):
    indices, indptr = np.array([2, 0, 1, 2, 1, 2, 0]), np.array([0, 2, 2, 5, 7])
    data = np.array([1, 2, 3, 1, 4, 1, 1])
    sp.save_npz(tmp_path / "c.npz", sp.csr_array((data, indices, indptr), shape=(4, 3)))
    same(read_corpus(tmp_path / "c.npz"), COUNTS)
    entries = [2, 1, 7, 0, 1, 1, 1], ([0, 0, 2, 1, 2, 3, 3], [0, 2, 1, 1, 2, 0, 2])
    sp.save_npz(tmp_path / "c.npz", sp.coo_array(entries, shape=(4, 3)))
    same(read_corpus(tmp_path / "c.npz"), COUNTS)


def test_a_dense_array(tmp_path):
    np.savez(tmp_path / "c.npz", X=COUNTS)
    same(read_corpus(tmp_path / "c.npz"), COUNTS)


@pytest.mark.parametrize(
    ("value", "says"), [(-1, "is -1"), (0.5, "is 0.5"), (2.0**31, "is 2147483648.0")]
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_wrong_count_is_named_by_its_place(tmp_path, value, says, dtype):
    X = COUNTS.astype(dtype)
    X[2, 1] = X[3, 2] = value
    path = tmp_path / "c.npz"
    sp.save_npz(path, sp.csr_array(X))
    refused(path, "word 1 in document 2, both from 0, ", says)
    refused(path, "word 1 (the) in document 2", says, vocabulary=WORDS)
    X[2, 1] = np.nan
    sp.save_npz(path, sp.csr_array(X))
    refused(path, "NaN")


def test_too_many_of_a_word(tmp_path):
    path = written(tmp_path, "docword.x.txt", f"1\n1\n2\n1 1 {2**30}\n1 1 {2**30}\n")
    refused(path, "word 0 in document 0", str(2**31))


def test_vocabularies_that_do_not_fit(tmp_path):
    path = written(tmp_path, "docword.x.txt", UCI)
    refused(path, "'vocabulary' has 2 words", "3 columns", vocabulary=WORDS[:2])
    refused(path, "'vocabulary' is empty", vocabulary=[], kind=ValueError)
    gone = tmp_path / "gone"
    refused(path, f"{gone} does not exist", vocabulary=gone, kind=ValueError)
    empty = written(tmp_path, "empty", "\n \n")
    refused(path, f"{empty} holds no word", vocabulary=empty, kind=ValueError)
    namesake = written(tmp_path, "vocab.x.txt", "one\ntwo\n")
    refused(path, f"{namesake} has 2 words", "3 columns")


# -- documents as text ---------------------------------------------------------------------------


@given(TEXTS, st.sampled_from(["corpus.txt", "corpus", "corpus.TXT.gz"]))
@example(["ab", "", "the the"], "corpus.txt")
@example(["\x85ab", "c\x0bdd"], "corpus.txt")
def test_lines_are_documents(tmp_path_factory, texts, name):
    path = written(tmp_path_factory.mktemp("lines"), name, "\n".join(texts) + "\n")
    vectorizer = CountVectorizer()
    expected = vectorizer.fit_transform(texts).toarray()
    same(read_corpus(path), expected, vectorizer.get_feature_names_out().tolist())


@given(TEXTS)
def test_files_of_a_folder_are_documents(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("folder")
    for number, text in enumerate(texts):
        (folder / f"{number // 3}").mkdir(exist_ok=True)
        written(folder, f"{number // 3}/{number}.txt", text)
    written(folder, "readme.md", "no document")
    vectorizer = CountVectorizer()
    expected = vectorizer.fit_transform(texts).toarray()
    same(read_corpus(folder), expected, vectorizer.get_feature_names_out().tolist())


def test_text_of_another_encoding_is_read_as_far_as_it_goes(tmp_path):
    path = written(tmp_path, "x.txt", b"\xef\xbb\xbfcats \xe9\xe9 dogs\nCats\n")
    same(read_corpus(path), [[1, 1], [1, 0]], ["cats", "dogs"])


def test_text_counted_by_a_given_vocabulary(tmp_path):
    path = written(tmp_path, "x.txt", "the dog\nthe cat the\nnobody\n")
    words = ["the", "mouse", "cat"]
    same(read_corpus(path, vocabulary=words), [[1, 0, 0], [2, 0, 1], [0, 0, 0]], words)
    refused(path, "holds no word of the vocabulary", vocabulary=["mouse"])
    for source in (path, tmp_path):
        refused(source, "'the' more than once", vocabulary=["the", "the"], kind=ValueError)


def test_files_that_are_something_else(tmp_path):
    refused(tmp_path / "gone.txt", "does not exist")
    refused(written(tmp_path, "x.txt", ""), "empty")
    refused(written(tmp_path, "x.txt", "\n\na b\n"), "no word of two letters")
    refused(written(tmp_path, "x.pdf", b"PK\0\0 some words\n"), "no text", "docword.*.txt")
    refused(written(tmp_path, "x.txt", "%%MatrixMarket matrix\n1 1 1\n"), ".mtx")
    refused(written(tmp_path, "x.npz", "no archive"), "cannot be read")
    (tmp_path / "x.txt.gz").write_bytes(gzip.compress(b"some words\n" * 99)[:-9])
    refused(tmp_path / "x.txt.gz", "cannot be read")
    sp.save_npz(tmp_path / "zero.npz", sp.csr_array((3, 2)))
    refused(tmp_path / "zero.npz", "holds no word")


def test_folders_that_are_something_else(tmp_path):
    refused(tmp_path, "holds no file *.txt")
    written(tmp_path, "x.txt", "a b\n")
    refused(tmp_path, "no word of two letters")
    binary = written(tmp_path, "y.txt", "words\0")
    with pytest.raises(DataError, match="y.txt is no text"):
        read_corpus(tmp_path)
    binary.unlink()
    written(tmp_path, "docword.x.txt", UCI)
    refused(tmp_path, "docword.x.txt itself")


# -- which words ---------------------------------------------------------------------------------


@given(
    TEXTS,
    st.one_of(st.integers(1, 3), st.floats(0, 0.5)),
    st.one_of(st.integers(3, 5), st.floats(0.5, 1)),
    st.sampled_from([None, ["ab", "日"]]),
)
def test_words_are_dropped_as_scikit_learn_does(tmp_path_factory, texts, low, high, stop):
    path = written(tmp_path_factory.mktemp("lines"), "x.txt", "\n".join(texts) + "\n")
    vectorizer = CountVectorizer(min_df=low, max_df=high, stop_words=stop)
    try:
        expected = vectorizer.fit_transform(texts).toarray()
    except ValueError:
        refused(path, "leave none of", min_df=low, max_df=high, stop_words=stop, kind=ValueError)
        return
    corpus = read_corpus(path, min_df=low, max_df=high, stop_words=stop)
    same(corpus, expected, vectorizer.get_feature_names_out().tolist())


def test_words_are_dropped_of_counts_from_anywhere(tmp_path):
    path = written(tmp_path, "docword.x.txt", UCI)
    same(read_corpus(path, max_df=0.5), COUNTS[:, :2], ["0", "1"])
    same(read_corpus(path, min_df=2), COUNTS[:, [0, 2]], ["0", "2"])
    english = read_corpus(path, vocabulary=WORDS, stop_words="english")
    same(english, COUNTS[:, [0, 2]], ["cat", "Zebra"])
    refused(path, "'stop_words' needs a vocabulary", stop_words="english", kind=ValueError)


def test_a_word_of_no_document_stays_unless_asked(tmp_path):
    path = written(tmp_path, "docword.x.txt", "1\n3\n1\n1 2 5\n")
    same(read_corpus(path), [[0, 5, 0]])
    same(read_corpus(path, min_df=0.1), [[5]], ["1"])


@pytest.mark.parametrize(
    "options",
    [
        {"min_df": 0}, {"min_df": -0.1}, {"min_df": 1.5}, {"max_df": 0}, {"max_df": 2.0},
        {"min_df": "2"}, {"max_df": None}, {"min_df": float("nan")}, {"stop_words": "german"},
    ],
)  # fmt: skip
def test_a_wrong_option_is_told_before_the_file_is_read(tmp_path, options):
    ((name, value),) = options.items()
    refused(tmp_path / "gone", f"{name!r} is {value!r}; ", kind=ValueError, **options)


# -- the corpus ----------------------------------------------------------------------------------


def test_what_a_corpus_tells():
    corpus = Corpus(sp.csr_array(COUNTS.astype(np.int32)))
    assert (len(corpus), corpus.shape, corpus.tokens) == (4, (4, 3), 13)
    assert repr(corpus) == "<Corpus: 13 tokens of 3 words in 4 documents>"


def test_parts_are_a_partition_by_seed():
    counts = sp.csr_array(np.arange(1, 21, dtype=np.int32)[:, None] * [1, 0, 1])
    corpus = Corpus(counts, np.array(WORDS, dtype=object))
    train, test = split_documents(corpus, 0.3, 5)
    assert (len(train), len(test)) == (14, 6)
    first = [part.counts.toarray()[:, 0].tolist() for part in (train, test)]
    assert all(part == sorted(part) for part in first)
    assert sorted(first[0] + first[1]) == list(range(1, 21))
    assert train.vocabulary is corpus.vocabulary
    again, other = split_documents(corpus, 0.3, 5)[1], split_documents(corpus, 0.3, 6)[1]
    np.testing.assert_array_equal(again.counts.toarray(), test.counts.toarray())
    assert (other.counts.toarray() != test.counts.toarray()).any()


def test_parts_that_are_none():
    corpus = Corpus(sp.csr_array(COUNTS.astype(np.int32)))
    for fraction in (0.0, 1.0, -0.5):
        with pytest.raises(ValueError, match="above 0 and below 1"):
            split_documents(corpus, fraction, 0)
    with pytest.raises(ValueError, match=r"fraction=0.1 of 4 documents are 0"):
        split_documents(corpus, 0.1, 0)


# -- files that mislead --------------------------------------------------------------------------


def test_a_header_that_claims_too_much(tmp_path, monkeypatch):
    def uci(text, *says):
        refused(written(tmp_path, "docword.x.txt", text), *says)

    uci("200000000\n5\n2\n1 1 1\n2 2 1\n", "announces 200,000,000 documents, but holds 2 entries")
    uci("5\n200000000\n2\n1 1 1\n2 2 1\n", "announces 200,000,000 words, but holds 2 entries")
    uci(f"{'9' * 5000}\n5\n2\n1 1 1\n", "line 1: ")
    uci(UCI.replace("3 2 7", f"3 2 {'9' * 5000}"), "line 6: the count 9")
    same(read_corpus(written(tmp_path, "docword.x.txt", UCI.replace("4\n", "40\n", 1))),
         np.vstack([COUNTS, np.zeros((36, 3), int)]))  # fmt: skip
    monkeypatch.setattr("strads.datasets.files.guards.available_memory", lambda: 1 << 20)
    uci("30000000\n5\n2\n1 1 1\n2 2 1\n", "its matrix takes 458 MiB, but 1 MiB are left")


def test_a_packed_bag_of_words_that_outgrows_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("strads.datasets.bag_of_words.BLOCK", 1 << 14)
    monkeypatch.setattr("strads.datasets.files.guards.available_memory", lambda: 1 << 20)
    text = "4\n3\n200000\n" + "1 1 1\n" * 200_000
    refused(written(tmp_path, "docword.x.txt.gz", text), "its entries take another")
    monkeypatch.setattr("strads.datasets.files.text_file.STEP", 1 << 16)
    monkeypatch.setattr("strads.datasets.files.text_file.available_memory", lambda: 1 << 19)
    refused(written(tmp_path, "docword.x.txt.gz", text), "has unpacked to")


def test_long_fields_are_cut_in_messages(tmp_path):
    for line in ("1 1 " + "x" * 70_000, "1 " + "9" * 4000 + " 1", "1 -" + "9" * 70_000 + " 1"):
        path = written(tmp_path, "docword.x.txt", UCI.replace("3 2 7", line))
        with pytest.raises(DataError, match="line 6: ") as caught:
            read_corpus(path)
        assert len(str(caught.value)) < 400 + len(str(path))
    refused(written(tmp_path, "docword.x.txt", UCI + "1" * (2 << 20)), "line 10: it is longer")


def test_a_nul_in_counts_and_in_documents(tmp_path):
    path = written(tmp_path, "docword.x.txt", UCI.replace("3 2 7", "3 2 7\0"))
    refused(path, "line 6 holds a NUL", "no text")
    words = written(tmp_path, "words.txt", "one\ntwo\nth\0ree\n")
    path = written(tmp_path, "docword.y.txt", UCI)
    with pytest.raises(DataError, match="words.txt .* line 3 holds a NUL"):
        read_corpus(path, vocabulary=words)
    # A text with one somewhere is a text.
    path = written(tmp_path, "x.txt", "cats\n" * 2000 + "dogs\0\n")
    assert read_corpus(path).vocabulary.tolist() == ["cats", "dogs"]


def test_a_folder_that_may_not_be_read(tmp_path, monkeypatch):
    written(tmp_path, "x.txt", "some words\n")

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr("pathlib.Path.read_text", denied)
    refused(tmp_path, "may not be read")
