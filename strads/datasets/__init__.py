"""Readers of data files: design matrices, ratings of items by users, counts of words in documents.

Design matrices, for :class:`strads.Lasso` and :class:`strads.NMF`:

* :func:`read_data` returns X and y; :func:`read_matrix` returns X, and y if the file has it.
* :func:`read_table` reads named columns of numbers, from CSV or Parquet, as a :class:`Table`.

* :func:`map_matrix` maps a matrix that stays in its file, as a :class:`MappedMatrix`, for data
  larger than memory; :func:`convert_matrix` writes files that can be mapped.

Ratings, for :class:`strads.MatrixFactorization` and :class:`strads.ImplicitFactorization`:

* :func:`read_ratings` reads a file, :func:`encode_ratings` takes arrays of ids; both return
  :class:`Ratings`, which ``fit_ratings`` takes.
* :func:`split_ratings` withholds some ratings at random.
* :func:`read_pairs` reads users and items alone, in the order of the file.

Documents, for :class:`strads.LatentDirichletAllocation`:

* :func:`read_corpus` reads counts or text and returns a :class:`Corpus`, whose ``counts`` are X.
* :func:`split_documents` withholds some documents at random.

If a file is missing or damaged or holds other data, the readers raise
:class:`strads.engine.DataError`, a ``ValueError`` whose message names the file and, for text, the
line.
"""

from strads.datasets.corpus import Corpus, read_corpus, split_documents
from strads.datasets.design_matrix import read_matrix
from strads.datasets.mapped.converting import convert_matrix
from strads.datasets.mapped.matrix import MappedMatrix
from strads.datasets.mapped.opening import as_mapped, can_be_mapped, map_matrix
from strads.datasets.rating_files import read_pairs, read_ratings
from strads.datasets.ratings import Ratings, encode_ratings, split_ratings
from strads.datasets.regression import read_data
from strads.datasets.table import Table, read_table

__all__ = [
    "Corpus",
    "MappedMatrix",
    "Ratings",
    "Table",
    "as_mapped",
    "can_be_mapped",
    "convert_matrix",
    "encode_ratings",
    "map_matrix",
    "read_corpus",
    "read_data",
    "read_matrix",
    "read_pairs",
    "read_ratings",
    "read_table",
    "split_documents",
    "split_ratings",
]  # fmt: skip
