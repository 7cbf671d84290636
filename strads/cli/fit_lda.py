"""The command ``strads fit lda CORPUS``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from strads.algorithms.topics.lda import LatentDirichletAllocation
from strads.cli.reports import History, add_running, console, demand_share, reported, write_record
from strads.datasets import Corpus, read_corpus, split_documents
from strads.engine import Step

OPTIONS = {
    "n_components": "topics", "doc_topic_prior": "doc-topic-prior",
    "topic_word_prior": "topic-word-prior", "max_iter": "max-iter", "init": "init",
    "n_workers": "workers", "random_state": "seed", "min_df": "min-df", "stop_words": "stop-words",
}  # fmt: skip


def lda(
    corpus: Annotated[
        Path,
        typer.Argument(help="docword, MatrixMarket, npz or text file, or folder of text files."),
    ],
    topics: Annotated[int, typer.Option(help="Number of topics.")] = 10,
    doc_topic_prior: Annotated[
        float | None, typer.Option(help="Prior of a topic in a document; default: 1 / topics.")
    ] = None,
    topic_word_prior: Annotated[
        float | None, typer.Option(help="Prior of a word in a topic; default: 1 / topics.")
    ] = None,
    max_iter: Annotated[int, typer.Option(help="Number of sweeps over the corpus.")] = 200,
    init: Annotated[
        str, typer.Option(help="How the first topics are chosen: random or grouped.")
    ] = "random",
    workers: Annotated[int | None, typer.Option(help="Number of workers.")] = None,
    test: Annotated[float, typer.Option(help="Share of the documents to withhold; 0: none.")] = 0.1,
    min_df: Annotated[int, typer.Option(help="Drop words that are in fewer documents.")] = 1,
    stop_words: Annotated[
        str | None, typer.Option(help="english: drop scikit-learn's English stop words.")
    ] = None,
    vocabulary: Annotated[
        Path | None, typer.Option(help="File of the vocabulary, one word a line.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the withheld documents and the fit.")] = 0,
    top: Annotated[int, typer.Option(help="Number of words to print a topic; 0: none.")] = 8,
    out: Annotated[Path | None, typer.Option(help="Folder for model, words and record.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the summary only.")] = False,
) -> None:
    """Fit a topic model (LDA): topics are distributions of words, documents mixtures of topics."""
    settings: dict[str, Any] = {
        "n_components": topics, "doc_topic_prior": doc_topic_prior,
        "topic_word_prior": topic_word_prior, "max_iter": max_iter, "init": init,
        "n_workers": workers, "random_state": seed,
    }  # fmt: skip
    words: dict[str, Any] = {
        "vocabulary": vocabulary, "min_df": min_df, "stop_words": stop_words
    }  # fmt: skip
    history = History(quiet, _line)
    with reported(OPTIONS):
        model = LatentDirichletAllocation(**settings, callbacks=history)
        model._validate_params()  # raises errors before a long read
        demand_share(test)
        if top < 0:
            raise ValueError(f"--top {top} must be at least 0")
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)  # an error here must not cost a fit
        train, withheld = _read(corpus, words, test, seed, quiet)
        since = time.perf_counter()
        model.fit(train.counts)
        seconds = time.perf_counter() - since
        perplexity = None if withheld is None else float(model.perplexity(withheld.counts))
        run = _Run(model, train, withheld, history.steps, seconds, perplexity, top)
        if out is not None:
            given = {**settings, **words, "data": corpus, "test": test}
            _write(out, run, given)
    console.print(_summary(run))
    for number, topic in enumerate(run.topics):
        line = f"topic {number:3d}  {' '.join(str(word) for word, _ in topic)}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _line(step: Step) -> str:
    figures = "  ".join(f"{name} {figure}" for name, figure in _figures(step.figures))
    return f"sweep {step.epoch:4d}  {step.seconds:8.2f} s  {figures}"


def _figures(figures: dict[str, float]) -> list[tuple[str, str]]:
    names = {
        "s_error": ("s-error", ".2e"),
        "log_likelihood_per_token": ("log-likelihood per token", ".4f"),
    }
    return [(text, f"{figures[name]:{form}}") for name, (text, form) in names.items()
            if name in figures]  # fmt: skip


def _read(
    path: Path, words: dict[str, Any], test: float, seed: int, quiet: bool
) -> tuple[Corpus, Corpus | None]:
    since = time.perf_counter()
    known = read_corpus(path, **words)
    if not quiet:
        documents, distinct = known.shape
        console.print(
            f"{known.tokens:,} tokens of {distinct:,} words in {documents:,} documents, read in "
            f"{time.perf_counter() - since:.2f} s"
        )
    return split_documents(known, test, seed) if test else (known, None)


@dataclass(frozen=True)
class _Run:
    """The model and everything else that is reported about a run."""

    model: LatentDirichletAllocation
    train: Corpus
    withheld: Corpus | None
    steps: list[dict[str, float]]
    seconds: float
    perplexity: float | None
    top: int

    @cached_property
    def topics(self) -> list[list[tuple[str, float]]]:
        """The most likely words of each topic, with their probabilities."""
        return self.model.topic_words(self.top, self.train.vocabulary) if self.top else []

    @property
    def log_likelihood(self) -> float | None:
        """The last log-likelihood per token that was evaluated."""
        name = "log_likelihood_per_token"
        return next((step[name] for step in reversed(self.steps) if name in step), None)


def _summary(run: _Run) -> Table:
    table = Table(title="Topics", show_header=False)
    table.add_row("data", f"{run.train.tokens:,} tokens of {run.train.shape[1]:,} words")
    table.add_row("documents", f"{len(run.train):,} to fit, {len(run.withheld or ()):,} held out")
    table.add_row("topics", f"{run.model.n_components}")
    if run.log_likelihood is not None:
        table.add_row("log-likelihood per token", f"{run.log_likelihood:.6f}")
    if run.perplexity is not None:
        table.add_row("held-out perplexity", f"{run.perplexity:,.4f}")
    table.add_row("sweeps", f"{run.model.n_iter_:,}")
    add_running(table, run.model.statistics_, run.seconds)
    return table


def _write(out: Path, run: _Run, settings: dict[str, Any]) -> None:
    """Write the model, its words, and the record."""
    run.model.save(out / "model.npz")
    if run.train.vocabulary is not None:
        # Words may have been counted or dropped, so no other file says what the columns are.
        lines = "".join(f"{word}\n" for word in run.train.vocabulary)
        (out / "vocab.txt").write_text(lines, encoding="utf-8")
    figures = {"log_likelihood_per_token": run.log_likelihood, "perplexity": run.perplexity}
    record = {
        "settings": {**settings, "n_workers": run.model.statistics_["workers"]},
        "shape": run.train.shape,
        "documents": {"train": len(run.train), "test": len(run.withheld or ())},
        "tokens": run.train.tokens,
        **{name: figure for name, figure in figures.items() if figure is not None},
        "n_iter": run.model.n_iter_,
        "topics": run.topics,
        "history": run.steps,
        "statistics": run.model.statistics_,
    }
    write_record(out, record)
