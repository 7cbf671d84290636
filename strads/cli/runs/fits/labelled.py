"""The fit of a topic model to labelled documents: judged on some, then made on all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import typer

from strads.cli.reports import Interrupts, show
from strads.cli.runs.fits.topics import FIGURES, LIKELIHOOD, last_figure, told_corpus, write_topics
from strads.cli.runs.fitting import Fitted, Fitting, withheld
from strads.datasets import Corpus, read_corpus, split_documents
from strads.datasets.corpus import chosen_documents
from strads.datasets.files.array_file import read_npy
from strads.datasets.files.guards import guarded
from strads.datasets.files.text_file import open_text
from strads.engine import DataError

HINGE = "hinge_loss"
ALL_FIGURES = {**FIGURES, HINGE: ("hinge loss", ".4f")}


def fit_medlda(
    kind: Any, settings: dict[str, Any], path: Path, labels: Path, words: dict[str, Any], *,
    test: float, top: int, out: Path | None, quiet: bool,
) -> None:  # fmt: skip
    """Judge a supervised topic model on held-out documents, fit it to all, save it and tell."""
    fitting = Fitting(kind, settings, ALL_FIGURES, out, quiet)
    out = fitting.out
    corpus = fitting.read(lambda: read_corpus(path, **words), told_corpus)
    y = read_labels(labels, len(corpus))
    judged = _judged(fitting, corpus, y, test, settings["random_state"]) if test else None
    if judged and Interrupts.seen:  # there will be no other model
        final = fitting.fits[-1]
    else:
        if judged:
            fitting.say(f"fit to all {len(corpus):,}:")
        final = fitting.fit(lambda model: model.fit(corpus.counts, y), unit="sweep")
    told = _words_of_labels(final.model, top, corpus.vocabulary)
    if out is not None:
        write_topics(out, final, corpus)
    record = {
        "shape": corpus.shape,
        "documents": len(corpus),
        "tokens": corpus.tokens,
        "classes": final.model.classes_,
        **{name: last for name in ALL_FIGURES if (last := last_figure(final, name)) is not None},
        "held_out": judged,
        "vocabulary": None if corpus.vocabulary is None else "vocab.txt",
        "labels": told,
    }
    given = {**words, "data": path, "labels": labels, "test": test}
    fitting.write(final, record, given)
    show("Topics of labels", [*_rows(final, corpus, judged), *fitting.running()])
    for label, found in told.items():
        typer.echo(f"label {label}  {' '.join(map(str, found))}")


def read_labels(path: Path, documents: int) -> np.ndarray:
    """Read the labels of so many documents.

    Parameters
    ----------
    path : Path
        A ``.npy`` file, or text with the label of a document in each line. Labels that are all
        whole numbers are read as numbers.
    documents : int

    Raises
    ------
    DataError
        If the file cannot be read, or does not have a label for every document.
    """
    found = guarded(path, _labels_in)
    if found.ndim not in (1, 2) or len(found) != documents:
        raise DataError(
            f"{path} holds labels of shape {found.shape}, but there are {documents:,} documents; "
            "give one label for each, in their order"
        )
    return found


def _labels_in(path: Path) -> np.ndarray:
    if path.suffix.lower() == ".npy":
        return np.array(read_npy(path))
    with open_text(path) as file:
        lines = [line.strip() for line in file]
    whole = lines and all(line.lstrip("-").isdecimal() for line in lines)
    return np.array(lines, dtype=np.int64 if whole else None)


def _judged(
    fitting: Fitting, corpus: Corpus, y: np.ndarray, test: float, seed: int
) -> dict[str, Any]:
    """Fit to a part of the documents, and return how many of the others get the right label."""
    train, apart = withheld(split_documents, corpus, test, seed)
    chosen = chosen_documents(len(corpus), test, seed)
    fitting.say(f"judged on {len(apart):,} documents, by a fit to the other {len(train):,}:")
    fitted = fitting.fit(lambda model: model.fit(train.counts, y[~chosen]), unit="sweep")
    accuracy = float(fitted.model.score(apart.counts, y[chosen]))
    fitting.say(f"held-out accuracy {accuracy:.4f}")
    return {
        "documents": len(apart),
        "n_iter": fitted.model.n_iter_,
        "accuracy": accuracy,
        "seconds": fitted.seconds,
        "history": fitted.steps,
    }


def _words_of_labels(model: Any, top: int, vocabulary: Any) -> dict[str, list[str]]:
    """Return the likeliest words of the topic that speaks most for each label, if one does."""
    if not top:
        return {}
    words = model.topic_words(top, vocabulary)
    found = {str(label): model.topics_of(label) for label in model.classes_.tolist()}
    return {
        label: [str(word) for word, _ in words[topics[0]]]
        for label, topics in found.items()
        if len(topics)
    }


def _rows(final: Fitted, corpus: Corpus, judged: dict[str, Any] | None) -> list[tuple[str, str]]:
    rows = [
        ("data", f"{corpus.tokens:,} tokens of {corpus.shape[1]:,} words"),
        ("documents", f"{len(corpus):,}"),
        ("topics", f"{final.model.n_components}"),
        ("labels", f"{len(final.model.classes_):,}"),
    ]
    for name in (LIKELIHOOD, HINGE):
        if (last := last_figure(final, name)) is not None:
            rows.append((ALL_FIGURES[name][0], f"{last:.6f}"))
    if judged is not None:
        told = f"{judged['accuracy']:.2%} ({judged['documents']:,} documents, by a fit to the "
        rows.append(("held-out accuracy", f"{told}others)"))
    return [*rows, ("sweeps", f"{final.model.n_iter_:,}")]
