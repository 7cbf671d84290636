"""Topic shares of new documents for fitted topics; each document is inferred on its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.engine import Phase, Program, control, data, default_engine, kernel, scratch, variable
from strads.kernels.lanes import padded
from strads.kernels.topics.inference import infer_document


class TopicInference(Program):
    """Computes the topic shares θ of documents by :mod:`strads.kernels.topics.inference`.

    Parameters
    ----------
    X : csr_array of shape (documents, words)
        Counts of the words.
    phi : ndarray of float32, shape (words, padded topics)
        Probability of each word in each topic.
    alpha : ndarray of float32, shape (1, padded topics)
        Prior of each topic; zero beyond the last topic.
    judged : csr_array of shape (documents, words)
        Counts of the tokens whose log-likelihood under θ is computed; may be empty.
    steps : int
        Largest number of visits of every word of a document.
    tol : float
        The inference ends sooner if a visit moves at most this share of the document's tokens
        between topics.
    """

    X = data("docs", "words", layout="csr", dtype=np.float32)
    judged = data("docs", "words", layout="csr", dtype=np.float32)
    phi = data("words", "topics", dtype=np.float32)
    alpha = data("one", "topics", dtype=np.float32)
    theta = variable("docs", "topics", dtype=np.float32)
    shares = scratch("longest", "topics", dtype=np.float32)
    steps = control(100)
    tol = control(1e-3)
    phases: Mapping[str, Phase] = {"main": Phase(push="push")}

    def recover(self) -> tuple[str, ...]:
        """Begin again: no document depends on another."""
        self.theta[:] = 0.0
        return ()

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        """Return the log-likelihood of the judged tokens."""
        return {"log_likelihood": float(parts.sum())}

    @kernel
    def push(docs, X, phi, alpha, theta, shares, steps, tol):
        for d in range(docs[0], docs[1]):
            lo, hi = X.indptr[d], X.indptr[d + 1]
            infer_document(X.indices, X.data, lo, hi, phi, alpha, theta, d, shares, steps, tol)
            mass = np.float32(0.0)
            for k in range(theta.shape[1]):
                theta[d, k] += alpha[0, k]
                mass += theta[d, k]
            for k in range(theta.shape[1]):
                theta[d, k] /= mass

    @kernel
    def measure(docs, judged, phi, theta):
        found = 0.0
        for d in range(docs[0], docs[1]):
            for e in range(judged.indptr[d], judged.indptr[d + 1]):
                chance = np.float64(0.0)
                for k in range(theta.shape[1]):
                    chance += theta[d, k] * phi[judged.indices[e], k]
                found += judged.data[e] * np.log(chance)
        return found


def infer(
    X: Any, phi: np.ndarray, alpha: np.ndarray, workers: int, judged: Any = None, *, steps: int,
    tol: float,
) -> tuple[np.ndarray, float]:  # fmt: skip
    """Compute the topic shares of documents, and the log-likelihood of `judged` tokens under them.

    Parameters
    ----------
    X : csr_array of shape (documents, words)
        Counts of the words.
    phi : ndarray of float32, shape (words, padded topics)
        Probability of each word in each topic.
    alpha : ndarray of shape (topics,)
        Prior of each topic.
    workers : int
        Number of workers.
    judged : csr_array of shape (documents, words), optional
        Counts of the tokens to judge; None: no tokens.
    steps : int
    tol : float
        See :class:`TopicInference`.

    Returns
    -------
    theta : ndarray of float32, shape (documents, topics)
        Topic shares.
    log_likelihood : float
        Of the judged tokens.
    """
    prior = np.zeros((1, padded(len(alpha))), np.float32)
    prior[0, : len(alpha)] = alpha
    longest = int(np.diff(X.indptr).max(initial=1))
    program = TopicInference(
        X=X, judged=sp.csr_array(X.shape, dtype=np.float32) if judged is None else judged,
        phi=phi, alpha=prior, longest=max(longest, 1), steps=steps, tol=tol,
    )  # fmt: skip
    result = default_engine().run(program, workers=workers, epochs=1)
    theta = result.state["theta"][:, : len(alpha)]
    return np.ascontiguousarray(theta), result.figures["log_likelihood"]
