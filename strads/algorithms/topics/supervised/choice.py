"""The choice of the sampler of a supervised topic model."""

from __future__ import annotations

import numpy as np

from strads.algorithms.topics.sampler_choice import choose_sampler
from strads.algorithms.topics.supervised.dense import DenseDual, DenseGibbs
from strads.algorithms.topics.supervised.sampler import SupervisedSampler
from strads.algorithms.topics.supervised.sparse import SparseDual

DUAL: dict[str, type[SupervisedSampler]] = {"dense": DenseDual, "sparse": SparseDual}


def choose(
    method: str, name: str, lengths: np.ndarray, topics: int
) -> tuple[type[SupervisedSampler], str]:  # fmt: skip
    """Return the sampler, and the reason for it.

    Parameters
    ----------
    method : {"dual", "gibbs"}
    name : {"auto", "dense", "sparse"}
        What the user asks for.
    lengths : ndarray
        Number of tokens of every document.
    topics : int

    Raises
    ------
    ValueError
        If a sparse sampler is asked for with the method ``"gibbs"``.
    """
    if method == "gibbs":
        if name == "sparse":
            raise ValueError(
                "sampler='sparse' goes with method='dual' only: with method='gibbs' every token "
                "changes the odds of all topics of its document; set sampler='dense' or 'auto'"
            )
        return DenseGibbs, "dense: the only one of method='gibbs'"
    if name != "auto":
        return DUAL[name], f"{name}: given by the user"
    name, reason = choose_sampler(lengths, topics)
    return DUAL[name], f"{name}: {reason}"
