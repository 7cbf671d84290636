"""Rows that move with their holders: who has written them last, and who needs them next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from strads.engine.mpi.link import Link, Reader
from strads.engine.schedules.lease import in_row

#: Holder of rows that have the same bits on all ranks.
EVERY = -1


class Moving:
    """The rows of some fields on one axis, within one launch.

    All ranks know the blocks of all workers, so that each knows by itself what to send to whom.

    Parameters
    ----------
    fields : sequence of ndarray
        With the axis first.
    size : int
        Of the axis.
    link : Link
    """

    def __init__(self, fields: Sequence[np.ndarray], size: int, link: Link) -> None:
        self.fields, self.link = fields, link
        self.holder = np.full(size, EVERY, np.int32)
        self.rank, self.ranks = link.ranks.rank, range(link.ranks.size)

    def fetch(self, blocks: Sequence[np.ndarray]) -> None:
        """Bring rows to the ranks that need them next.

        Parameters
        ----------
        blocks : sequence of ndarray of int64
            By rank, the ids of its workers' blocks.
        """
        holders = [self.holder[ids] for ids in blocks]
        away = [(held != EVERY) & (held != rank) for rank, held in enumerate(holders)]
        if any(one.any() for one in away):
            sent = [
                self._rows(ids[held == self.rank]) if rank != self.rank else []
                for rank, (ids, held) in enumerate(zip(blocks, holders, strict=True))
            ]
            mine, held = blocks[self.rank], holders[self.rank]
            wanted = [mine[held == rank] if rank != self.rank else mine[:0] for rank in self.ranks]
            found = self.link.swap(sent, [self._nbytes(ids) for ids in wanted])
            for ids, given in zip(wanted, found, strict=True):
                self._put(Reader(given), ids)
        for rank, ids in enumerate(blocks):
            self.holder[ids] = rank

    def last(self) -> list[np.ndarray]:
        """Return the rows that this rank has written last, to be sent to all."""
        return self._rows(np.flatnonzero(self.holder == self.rank))

    def put_last(self, reader: Reader, rank: int) -> None:
        """Write the rows that another rank has written last."""
        self._put(reader, np.flatnonzero(self.holder == rank))

    def _rows(self, ids: np.ndarray) -> list[np.ndarray]:
        return [field[as_slice(ids)] for field in self.fields]

    def _nbytes(self, ids: np.ndarray) -> int:
        return sum(len(ids) * field[:0].strides[0] for field in self.fields)

    def _put(self, reader: Reader, ids: np.ndarray) -> None:
        if len(ids):
            place = as_slice(ids)
            for field in self.fields:
                part = field[place]
                field[place] = reader.take(part.size, part.dtype).reshape(part.shape)


def as_slice(ids: np.ndarray) -> Any:
    """Return a slice if ids follow each other, which is quicker than a list of them."""
    row = in_row(ids)
    return slice(row.start, row.stop) if isinstance(row, range) else ids
