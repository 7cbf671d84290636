"""Data in files: design matrices, ratings of items by users, documents of counted words."""

from strads.datasets.corpus import Corpus, read_corpus, split_documents
from strads.datasets.design_matrix import read_data, read_matrix
from strads.datasets.ratings import Ratings, encode, read_ratings, split

__all__ = [
    "Corpus", "Ratings", "encode", "read_corpus", "read_data", "read_matrix", "read_ratings",
    "split", "split_documents",
]  # fmt: skip
