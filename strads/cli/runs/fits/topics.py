"""The fit of a topic model to a corpus: judged on held-out documents, then made on all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import typer

from strads.cli.reports import Interrupts, show
from strads.cli.runs.fits.in_files import CorpusInFiles, demand_whole, map_corpus
from strads.cli.runs.fitting import Fitted, Fitting, withheld
from strads.datasets import Corpus, read_corpus, split_documents
from strads.datasets.mapped.folder import is_folder

LIKELIHOOD = "log_likelihood_per_token"
FIGURES = {"s_error": ("s-error", ".2e"), LIKELIHOOD: ("log-likelihood per token", ".4f")}


def fit_lda(
    kind: Any, settings: dict[str, Any], path: Path, words: dict[str, Any], *, test: float,
    top: int, out: Path | None, quiet: bool,
) -> None:  # fmt: skip
    """Judge a topic model on held-out documents, then fit it to all, save it and tell."""
    mapped = is_folder(path)
    if mapped:
        demand_whole(path, test)
    fitting = Fitting(kind, settings, FIGURES, out, quiet)
    out = fitting.out
    read = map_corpus if mapped else read_corpus
    corpus = fitting.read(lambda: read(path, **words), told_corpus)
    judged = _judged(fitting, corpus, test, settings["random_state"]) if test else None
    if judged and Interrupts.seen:  # there will be no other model
        final = fitting.fits[-1]
    else:
        if judged:
            fitting.say(f"fit to all {len(corpus):,}:")
        final = fitting.fit(lambda model: model.fit(corpus.counts), unit="sweep")
    topics = final.model.topic_words(top, corpus.vocabulary) if top else []
    if out is not None:
        write_topics(out, final, corpus)
    record = {
        "shape": corpus.shape,
        "documents": len(corpus),
        "tokens": corpus.tokens,
        **{name: last for name in FIGURES if (last := last_figure(final, name)) is not None},
        "held_out": judged,
        "vocabulary": None if corpus.vocabulary is None else "vocab.txt",
        "topics": topics,
    }
    fitting.write(final, record, {**words, "data": path, "test": test})
    show("Topics", [*_rows(final, corpus, judged), *fitting.running()])
    for number, topic in enumerate(topics):
        typer.echo(f"topic {number:3d}  {' '.join(str(word) for word, _ in topic)}")


def told_corpus(corpus: Corpus | CorpusInFiles) -> str:
    """Return how large a corpus is."""
    documents, distinct = corpus.shape
    return f"{corpus.tokens:,} tokens of {distinct:,} words in {documents:,} documents"


def _judged(fitting: Fitting, corpus: Corpus, test: float, seed: int) -> dict[str, Any]:
    """Fit to a part of the documents, and return the record of how good that is for the others."""
    train, apart = withheld(split_documents, corpus, test, seed)
    fitting.say(f"judged on {len(apart):,} documents, by a fit to the other {len(train):,}:")
    fitted = fitting.fit(lambda model: model.fit(train.counts), unit="sweep")
    perplexity = float(fitted.model.perplexity(apart.counts))
    fitting.say(f"held-out perplexity {perplexity:,.4f}")
    return {
        "documents": len(apart),
        "n_iter": fitted.model.n_iter_,
        "perplexity": perplexity,
        "seconds": fitted.seconds,
        "history": fitted.steps,
    }


def last_figure(fitted: Fitted, name: str) -> float | None:
    """Return the last value of a figure, which may not be evaluated in every sweep."""
    return next((step[name] for step in reversed(fitted.steps) if name in step), None)


def write_topics(out: Path, fitted: Fitted, corpus: Corpus | CorpusInFiles) -> None:
    """Write the topics of the documents, and the words of the columns."""
    np.save(out / "document_topics.npy", fitted.model.doc_topic_)
    if corpus.vocabulary is not None:
        # Words may have been counted or dropped, so no other file says what the columns are.
        lines = "".join(f"{word}\n" for word in corpus.vocabulary)
        (out / "vocab.txt").write_text(lines, encoding="utf-8")


def _rows(
    final: Fitted, corpus: Corpus | CorpusInFiles, judged: dict[str, Any] | None
) -> list[tuple[str, str]]:
    rows = [
        ("data", f"{corpus.tokens:,} tokens of {corpus.shape[1]:,} words"),
        ("documents", f"{len(corpus):,}"),
        ("topics", f"{final.model.n_components}"),
    ]
    if (likelihood := last_figure(final, LIKELIHOOD)) is not None:
        rows.append((FIGURES[LIKELIHOOD][0], f"{likelihood:.6f}"))
    if judged is not None:
        told = f"{judged['perplexity']:,.4f} ({judged['documents']:,} documents, by a fit to the "
        rows.append(("held-out perplexity", f"{told}others)"))
    return [*rows, ("sweeps", f"{final.model.n_iter_:,}")]
