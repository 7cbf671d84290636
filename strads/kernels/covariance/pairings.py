"""Pairs of variables in an order in which many of them can be updated at the same time.

Variables stand in blocks of a few neighbours. In the first round each block is at a table of its
own. Then blocks meet in a tournament: of an even number q of blocks, everybody meets everybody in
q − 1 rounds of q / 2 tables, block q − 1 stays at table 0, and all others move by one place from
round to round. So no two tables of a round share a variable.

Blocks have 2ˢ variables, and a table has a pair of each member of one block with each of the other.
These follow each other, and find their rows and columns in the same lines of the cache. A block
that meets itself has each of its pairs twice; the one with the larger variable first stands for
nobody, as does a pair with a variable that does not exist.
"""

from __future__ import annotations

import numba

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def blocks_at(table: int, blocks: int) -> tuple[int, int]:
    """Return the two blocks at a table, the smaller one first.

    Parameters
    ----------
    table : int
        Tables are numbered through, round by round; the first round has one for each block.
    blocks : int
        Number of blocks. If it is odd, block number `blocks` stands for nobody.
    """
    if table < blocks:
        return table, table
    q = blocks + blocks % 2
    turn, place = (table - blocks) // (q // 2), (table - blocks) % (q // 2)
    if place == 0:
        return turn, q - 1
    one, other = (turn + place) % (q - 1), (turn - place) % (q - 1)
    return min(one, other), max(one, other)


@kernel
def seats(place: int, first: int, second: int, shift: int) -> tuple[int, int]:
    """Return the two variables of a pair, which is number `place` of the table of two blocks.

    The pair stands for nobody unless the first variable is smaller than the second one, which is
    smaller than their number.
    """
    return (first << shift) + (place >> shift), (second << shift) + (place & ((1 << shift) - 1))
