"""What all samplers of a supervised topic model share: labels, their weights, and the sweep.

The model is the maximum entropy discrimination LDA of Zhu, Ahmed and Xing (JMLR 2012): LDA, whose
topics must also separate the labels. Label y of document d, with t = ±1, costs

    C · max(0, ℓ − t η_yᵀz̄_d),    z̄_d = n_d / N_d,    η_y ~ N(0, I).

A sweep has three parts. First, every worker computes for its documents how much their labels favour
each topic. Then the topics of all tokens are drawn, by the kernel and the rotation of LDA with one
more factor for each document and topic. At last the weights of the labels are found for the new
topics; here every worker has labels, and reads the topic counts of all documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.algorithms.topics.sampler import TopicSampler
from strads.engine import Partition, Phase, control, data, scratch, variable


@dataclass(frozen=True)
class Supervision:
    """Labels of documents, and what is asked of their weights.

    Attributes
    ----------
    signs : ndarray of int8, shape (documents, labels)
        1 where a document has a label, and −1 elsewhere.
    cost, margin : float
        C and ℓ.
    passes : int
        Number of visits of every pair of document and label in a sweep, if weights are found by
        coordinate descent.
    coef : ndarray of shape (labels, topics), optional
        First weights; None: zero.
    dual : ndarray of shape (documents, labels), optional
        First dual variables; None: zero.
    """

    signs: np.ndarray
    cost: float
    margin: float
    passes: int = 3
    coef: np.ndarray | None = None
    dual: np.ndarray | None = None


class SupervisedSampler(TopicSampler):
    """Base of samplers with labels; see the module's docstring.

    A subclass has the kernels ``favour``, over its documents, and ``separate``, over its labels.

    Parameters
    ----------
    supervision : Supervision
        The labels.
    **given
        See :class:`~strads.algorithms.topics.sampler.TopicSampler`.
    """

    signs = data("docs", "labels", dtype=np.int8)
    coef = variable("labels", "topics", dtype=np.float32)
    cost = control(1.0)
    margin = control(1.0)

    def __init__(self, *, supervision: Supervision, **given: Any) -> None:
        self.supervision = supervision
        super().__init__(
            signs=supervision.signs, cost=supervision.cost, margin=supervision.margin, **given
        )
        self.phases: Mapping[str, Phase] = {
            "favour": Phase(push="favour", name="favour"),
            **self.phases,
            "separate": Phase(push="separate", name="separate"),
        }

    @property
    def labels(self) -> int:
        """Number of labels."""
        return int(self.supervision.signs.shape[1])

    def partition(self) -> dict[str, Partition]:
        """Return the partitions; every worker has about equally many labels."""
        labels = Partition.contiguous(self.labels, self.crew)
        return {**super().partition(), "labels": labels}

    def setup(self, rng: np.random.Generator) -> None:
        """Lay out the tokens, and set the first weights."""
        super().setup(rng)
        if self.supervision.coef is not None:
            self.coef[:, : self.count] = self.supervision.coef

    def load_elsewhere(self, arrays: Mapping[str, np.ndarray], workers: int) -> None:
        """Take over topics and weights from a run with another number of workers."""
        super().load_elsewhere(arrays, workers)
        self.coef[:] = arrays["coef"]

    def cycle(self) -> Iterator[str]:
        """Yield the phases of a sweep: what labels favour, the topics, the labels' weights."""
        self._swept = self.sweep
        yield "favour"
        yield from super().cycle()
        yield "separate"

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        """Return the s-error and, if they are due, the likelihood and the mean hinge loss."""
        figures = super().progress(parts)
        if self.due:
            pairs = self.size["docs"] * self.labels
            figures["hinge_loss"] = float(parts[:, 2].sum()) / max(pairs, 1)
        return figures

    def keep(self, model: Any) -> None:
        """Give an estimator the weights of the labels."""
        super().keep(model)
        model.coef_ = self.coef[:, : self.count].astype(np.float64)


class DualWeights(SupervisedSampler):
    """Base of samplers that find the weights of labels by coordinate descent.

    Parameters
    ----------
    **given
        See :class:`SupervisedSampler`.
    """

    #: The dual variables of a label lie together, as one worker changes them all.
    dual = variable("cells", dtype=np.float32)
    #: Number of tokens of each document, and squared length of its counts.
    sizes = scratch("docs", "both")
    passes = control(3)

    def __init__(self, *, X: Any, supervision: Supervision, **given: Any) -> None:
        super().__init__(
            X=X, supervision=supervision, cells=X.shape[0] * supervision.signs.shape[1],
            passes=supervision.passes, **given,
        )  # fmt: skip

    def partition(self) -> dict[str, Partition]:
        """Return the partitions; dual variables belong to the worker of their label."""
        parts = super().partition()
        return {**parts, "cells": Partition(parts["labels"].bounds * self.X.shape[0])}

    def setup(self, rng: np.random.Generator) -> None:
        """Lay out the tokens, and set the first weights and dual variables."""
        super().setup(rng)
        if self.supervision.dual is not None:
            laid_out = self.supervision.dual[self.layout.docs.order]
            self.dual[:] = laid_out.T.ravel()

    def load_elsewhere(self, arrays: Mapping[str, np.ndarray], workers: int) -> None:
        """Take over the state of a run with another number of workers, which orders documents so.

        The order of documents does not depend on the number of workers, so that dual variables
        stay where they are.
        """
        super().load_elsewhere(arrays, workers)
        self.dual[:] = arrays["dual"]

    def keep(self, model: Any) -> None:
        """Give an estimator the weights of the labels, and the dual variables."""
        super().keep(model)
        laid_out = self.dual.reshape(self.labels, -1).T
        model.dual_coef_ = np.empty(laid_out.shape, np.float32)
        model.dual_coef_[self.layout.docs.order] = laid_out
