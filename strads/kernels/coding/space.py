"""The work space that the code of a signal needs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: Largest support of a code that the homotopy method follows; descent is quicker with more.
MEMBERS = 48


class Space(NamedTuple):
    """Work space for the codes of signals, of k atoms: one array for each name."""

    H: np.ndarray  # k²: Gram matrix of the members
    L: np.ndarray  # k²: its factors
    c: np.ndarray  # k: weights of the members
    g: np.ndarray  # k: correlations of the members
    d: np.ndarray  # k: a step
    V: np.ndarray  # 2 × k, in the type of z: slopes of z, and when atoms enter
    P: np.ndarray  # MEMBERS + 2 rows of MEMBERS: the inverse of H, and two vectors
    active: np.ndarray  # k integers: the members
    support: np.ndarray  # k integers: members with a weight, or their signs
