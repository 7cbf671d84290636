"""The choice of the faster sampler, by a model of their costs; no time is measured."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import numpy as np

from strads.algorithms.common.retyped import retyped
from strads.algorithms.topics.dense import DenseSampler
from strads.algorithms.topics.sampler import TopicSampler
from strads.algorithms.topics.sparse import SparseSampler
from strads.kernels.lanes import LANES, padded

SAMPLERS: dict[str, type[TopicSampler]] = {"dense": DenseSampler, "sparse": SparseSampler}
#: Nanoseconds a token, for each sampler: a constant, and the cost of sixteen topics. They were
#: fitted to uci-nips and imdb with 20 to 1,000 topics; only their ratios matter.
DENSE, DENSE_STEP, SPARSE, SPARSE_STEP = 40.0, 1.8, 90.0, 11.0
#: If the counts of all documents take more than this many bytes, they are read from memory and not
#: from the cache. This doubles the cost of sixteen topics of the dense sampler, and adds so many
#: nanoseconds to a token of the sparse sampler.
CACHED, LIST_FROM_MEMORY = 8 << 20, 80.0
#: Typical number of topics of a document, divided by its tokens, in the first sweeps.
TOPICS_PER_TOKEN = 1 / 3
#: Documents with more tokens need more than 16 bits for a count.
LONG = np.iinfo(np.uint16).max


def choose_sampler(lengths: np.ndarray, topics: int) -> tuple[str, str]:
    """Return the name of the faster sampler, from the tokens of each document, and the reason."""
    tokens = max(float(lengths.sum()), 1.0)
    size = 2 * len(lengths) * padded(topics)
    step = DENSE_STEP * (2 if size > CACHED else 1)
    dense = DENSE + step * padded(topics) / LANES
    listed = np.minimum(lengths * TOPICS_PER_TOKEN, topics)
    # Long documents hold more of the tokens than of the documents.
    rows = np.ceil(listed / LANES) @ lengths / tokens
    lists = 4 * np.minimum(lengths, topics).sum()
    sparse = SPARSE + SPARSE_STEP * rows + (LIST_FROM_MEMORY if lists > CACHED else 0.0)
    name = "dense" if dense <= sparse else "sparse"
    return name, f"estimated ns a token: dense {dense:.0f}, sparse {sparse:.0f}"


def sampler(name: str, longest: int) -> type[TopicSampler]:
    """Return the sampler of a name, with counts wide enough for the longest document."""
    return wide_enough(SAMPLERS[name], longest)


def wide_enough(program: type[TopicSampler], longest: int) -> type[TopicSampler]:
    """Return a sampler with counts wide enough for the longest document."""
    return program if longest <= LONG else _widened(cast(Any, program))


@cache
def _widened(program: Any) -> type[TopicSampler]:
    """Return a sampler with 32-bit counts of documents."""
    counts = {"doc_counts", "list_pairs"} & program.fields().keys()
    return retyped(program, "Wide", dict.fromkeys(counts, np.uint32))
