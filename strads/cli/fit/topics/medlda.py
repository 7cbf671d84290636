"""The command ``strads fit medlda CORPUS``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import strads
from strads.cli import options
from strads.cli.reports import names_of, reported

#: Options whose names differ from the parameters of the estimator and of the reader.
SHORT = {**options.SHORT, "n_components": "topics"}


def medlda(
    corpus: Annotated[
        Path,
        typer.Argument(help="docword, MatrixMarket, npz or text file, or folder of text files."),
    ],
    labels: Annotated[
        Path,
        typer.Option(
            help="The label of every document: a text file with one a line, or npy; an npy matrix "
            "of 0 and 1 has a column for each of several labels."
        ),
    ],
    topics: Annotated[
        int, typer.Option("--topics", "--n-components", help="Number of topics.")
    ] = 20,
    c: Annotated[
        float, typer.Option("--C", help="Cost of a unit by which a label misses the margin.")
    ] = 3.2,
    margin: Annotated[float, typer.Option(help="Score that the right labels should reach.")] = 64.0,
    method: Annotated[
        str, typer.Option(help="dual (fast), or gibbs: samples the posterior, for few labels.")
    ] = "dual",
    dual_iter: Annotated[
        int, typer.Option(help="Passes over the documents for each label in a sweep (dual).")
    ] = 3,
    doc_topic_prior: Annotated[
        float | None, typer.Option(help="Prior of a topic in a document; default: 1 / topics.")
    ] = None,
    topic_word_prior: Annotated[
        float | None, typer.Option(help="Prior of a word in a topic; default: 1 / topics.")
    ] = None,
    max_iter: Annotated[int, typer.Option(help="Number of sweeps over the corpus.")] = 50,
    sampler: Annotated[str, typer.Option(help="auto, dense or sparse.")] = "auto",
    evaluate_every: Annotated[
        int, typer.Option(help="Sweeps between two evaluations of the figures; 0: at the end.")
    ] = 10,
    vocabulary: Annotated[
        Path | None, typer.Option(help="File of the vocabulary, one word a line.")
    ] = None,
    min_df: Annotated[int, typer.Option(help="Drop words that are in fewer documents.")] = 1,
    stop_words: Annotated[
        str | None, typer.Option(help="english: drop scikit-learn's English stop words.")
    ] = None,
    top: Annotated[int, typer.Option(min=0, help="Number of words to print a label; 0: none.")] = 8,
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
    """Fit a topic model to labelled documents (MedLDA): its topics tell the labels apart.

    The share of right labels is judged on held-out documents; then the model is fitted to all.
    """
    settings: dict[str, Any] = {
        "n_components": topics, "C": c, "margin": margin, "method": method, "dual_iter": dual_iter,
        "doc_topic_prior": doc_topic_prior, "topic_word_prior": topic_word_prior,
        "max_iter": max_iter, "sampler": sampler, "evaluate_every": evaluate_every,
        "n_workers": workers, "random_state": seed,
        "checkpoint": checkpoint, "resume_from": resume_from,
        "verbose": verbose, "max_seconds": max_seconds,
    }  # fmt: skip
    words: dict[str, Any] = {
        "vocabulary": vocabulary, "min_df": min_df, "stop_words": stop_words
    }  # fmt: skip
    with reported(names_of({**settings, **words}, SHORT)):
        from strads.cli.runs.fits.labelled import fit_medlda

        fit_medlda(
            strads.MedLDA, settings, corpus, labels, words, test=test, top=top, out=out,
            quiet=quiet,
        )  # fmt: skip
