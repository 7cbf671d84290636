"""Few ratings for smoke tests."""

from bench.ratings.data import Ratings, netflix


def load() -> Ratings:
    """Generated ratings of the Netflix prize's shape, shrunk."""
    return netflix.load(netflix.TINY)
