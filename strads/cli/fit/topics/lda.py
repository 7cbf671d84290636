"""The command ``strads fit lda CORPUS``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import strads
from strads.cli import options
from strads.cli.reports import names_of, reported

#: Options whose names differ from the parameters of the estimator and of the reader.
SHORT = {**options.SHORT, "n_components": "topics"}


def lda(
    corpus: Annotated[
        Path,
        typer.Argument(
            help="docword, MatrixMarket, npz or text file, folder of text files, or one of "
            "strads convert."
        ),
    ],
    topics: Annotated[
        int, typer.Option("--topics", "--n-components", help="Number of topics.")
    ] = 10,
    doc_topic_prior: Annotated[
        float | None, typer.Option(help="Prior of a topic in a document; default: 1 / topics.")
    ] = None,
    topic_word_prior: Annotated[
        float | None, typer.Option(help="Prior of a word in a topic; default: 1 / topics.")
    ] = None,
    optimize_priors: Annotated[
        bool, typer.Option("--optimize-priors", help="Fit both priors, every 10 sweeps.")
    ] = False,
    max_iter: Annotated[int, typer.Option(help="Number of sweeps over the corpus.")] = 200,
    init: Annotated[
        str, typer.Option(help="How the first topics are chosen: random or grouped.")
    ] = "random",
    sampler: Annotated[str, typer.Option(help="auto, dense or sparse.")] = "auto",
    evaluate_every: Annotated[
        int, typer.Option(help="Sweeps between two evaluations of the likelihood; 0: at the end.")
    ] = 10,
    vocabulary: Annotated[
        Path | None, typer.Option(help="File of the vocabulary, one word a line.")
    ] = None,
    min_df: Annotated[int, typer.Option(help="Drop words that are in fewer documents.")] = 1,
    stop_words: Annotated[
        str | None, typer.Option(help="english: drop scikit-learn's English stop words.")
    ] = None,
    top: Annotated[int, typer.Option(min=0, help="Number of words to print a topic; 0: none.")] = 8,
    workers: options.Workers = None,
    test: options.Test = 0.1,
    seed: options.Seed = 0,
    checkpoint: options.Checkpoint = None,
    resume_from: options.ResumeFrom = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    max_seconds: options.MaxSeconds = None,
) -> None:
    """Fit a topic model (LDA): topics are distributions of words, documents mixtures of topics.

    The perplexity is judged on a held-out share of the documents; then the model is fitted to all.
    """
    settings: dict[str, Any] = {
        "n_components": topics, "doc_topic_prior": doc_topic_prior,
        "topic_word_prior": topic_word_prior, "optimize_priors": optimize_priors,
        "max_iter": max_iter, "init": init, "sampler": sampler, "evaluate_every": evaluate_every,
        "n_workers": workers, "random_state": seed,
        "checkpoint": checkpoint, "resume_from": resume_from,
        "verbose": verbose, "max_seconds": max_seconds,
    }  # fmt: skip
    words: dict[str, Any] = {
        "vocabulary": vocabulary, "min_df": min_df, "stop_words": stop_words
    }  # fmt: skip
    with reported(names_of({**settings, **words}, SHORT)):
        from strads.cli.runs.fits.topics import fit_lda

        fit_lda(
            strads.LatentDirichletAllocation, settings, corpus, words, test=test, top=top,
            out=out, quiet=quiet,
        )  # fmt: skip
