"""A package of somebody else's: an estimator with its own schedule, kernels and files."""

from thirdparty.estimator import SparseRegression
from thirdparty.files import read_table

__all__ = ["SparseRegression", "read_table"]
