"""Which sampler: a model of their costs that looks at counts alone, never at a clock."""

from __future__ import annotations

from functools import cache

import numpy as np

from strads.algorithms.common.retyped import retyped
from strads.algorithms.topics.dense import DenseSampler
from strads.algorithms.topics.sampler import TopicSampler
from strads.algorithms.topics.sparse import SparseSampler
from strads.kernels.lanes import LANES, padded

SAMPLERS: dict[str, type[TopicSampler]] = {"dense": DenseSampler, "sparse": SparseSampler}
#: Nanoseconds of a token: fixed, and for sixteen topics; fitted to uci-nips and imdb with 20 to
#: 1,000 topics. Only their ratios matter.
DENSE, DENSE_STEP, SPARSE, SPARSE_STEP = 40.0, 1.8, 90.0, 11.0
#: Counts of documents beyond this many bytes come from memory, which costs as much again for every
#: sixteen topics in full, and so much for a list.
CACHED, LIST_FROM_MEMORY = 8 << 20, 80.0
#: Topics of a document, for each of its tokens, while the chain settles.
TOPICS_PER_TOKEN = 1 / 3
#: Longer documents need more than 16 bits for a count.
LONG = np.iinfo(np.uint16).max


def choose_sampler(lengths: np.ndarray, topics: int) -> tuple[str, str]:
    """Return the faster sampler by the tokens of each document, and why."""
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
    return name, f"an estimated {dense:.0f} ns a token in full, {sparse:.0f} by lists"


def sampler(name: str, longest: int) -> type[TopicSampler]:
    """Return a sampler by name, with counts wide enough for the longest document."""
    return SAMPLERS[name] if longest <= LONG else _widened(name)


@cache
def _widened(name: str) -> type[TopicSampler]:
    """A sampler with documents' counts of 32 bits."""
    program = SAMPLERS[name]
    counts = {"doc_counts", "list_pairs"} & program.fields().keys()
    return retyped(program, "Wide", dict.fromkeys(counts, np.uint32))
