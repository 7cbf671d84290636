"""Where the sites of a graph lie: by worker, in a worker's range by colour, clamped ones last.

So the sites that are drawn together lie in a row.

The colours follow from the graph alone, and random numbers are made of the user's ids of sites. So
samples are equal bit for bit for any number of workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.engine import Partition, graph_colours

#: Cost of a site beside its neighbours, in neighbours.
SITE = 4


@dataclass(frozen=True)
class Layout:
    """The order of sites and edges.

    Attributes
    ----------
    colours : ndarray of int32, shape (sites,)
        Colour of every site, in the user's order.
    free : ndarray of bool, shape (sites,)
        Which sites are drawn, in the user's order.
    sites : Partition
        Of the sites of every colour, each worker has about the same number of neighbours to look
        up. In its range lie the sites of each colour, and last those that are not drawn.
    ends : ndarray of int32, shape (edges, 2)
        Laid-out ids of the ends of every edge, in the order of the graph's upper triangle, which
        does not depend on the number of workers.
    pairs : ndarray of int32, shape (edges, 2)
        The same in the user's ids.
    """

    colours: np.ndarray
    free: np.ndarray
    sites: Partition
    ends: np.ndarray
    pairs: np.ndarray

    @staticmethod
    def of(
        graph: Any, workers: int, *, edges: bool, free: np.ndarray | None = None
    ) -> Layout:  # fmt: skip
        """Colour a symmetric csr_array without a diagonal, and deal its sites to workers.

        Parameters
        ----------
        graph : csr_array of shape (sites, sites)
        workers : int
        edges : bool
            Whether edges are wanted; without, there are none in the layout.
        free : ndarray of bool, shape (sites,), optional
            Which sites are drawn; by default all.
        """
        colours = graph_colours(graph).astype(np.int32)
        free = np.ones(len(colours), bool) if free is None else free
        groups = np.where(free, colours, colours.max(initial=0) + 1)
        owners = _owners(groups, np.diff(graph.indptr) + SITE, workers)
        order = np.lexsort((groups, owners)).astype(np.int64)
        counts = np.bincount(owners, minlength=workers)
        bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        pairs = edges_of(graph) if edges else np.zeros((0, 2), np.int32)
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        return Layout(colours, free, Partition(bounds, order), place[pairs], pairs)

    def laid_out(self, by_site: np.ndarray) -> np.ndarray:
        """Return what is given for every site of the user in the order of the layout."""
        return by_site if self.sites.order is None else by_site[self.sites.order]

    def symmetric(self, by_edge: np.ndarray) -> sp.csr_array:
        """Return a symmetric matrix with a value for every edge."""
        size = len(self.colours)
        i, j = self.pairs.T
        values = np.concatenate([by_edge, by_edge])
        places = (np.concatenate([i, j]), np.concatenate([j, i]))
        return sp.coo_array((values, places), shape=(size, size)).tocsr()


def edges_of(graph: Any) -> np.ndarray:
    """Return both ends of every stored entry above the diagonal, row by row."""
    rows = np.repeat(np.arange(graph.shape[0], dtype=np.int32), np.diff(graph.indptr))
    above = graph.indices > rows
    return np.column_stack([rows[above], graph.indices[above]]).astype(np.int32)


def _owners(groups: np.ndarray, costs: np.ndarray, workers: int) -> np.ndarray:
    """Cut the sites of every group, in their order, into one part of equal cost a worker."""
    order = np.argsort(groups, kind="stable")
    until = np.cumsum(costs[order]).astype(np.float64)
    sizes = np.bincount(groups)
    sizes = sizes[sizes > 0]
    last = np.cumsum(sizes) - 1
    end = until[last]
    begin = np.concatenate([[0.0], end[:-1]])
    share = (until - np.repeat(begin, sizes)) / np.repeat(end - begin, sizes)  # in (0, 1]
    owners = np.empty(len(groups), np.int64)
    owners[order] = np.minimum(np.ceil(share * workers).astype(np.int64) - 1, workers - 1)
    return owners
