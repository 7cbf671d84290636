"""Compiled functions of arrays and scalars that user kernels may call."""

from strads.kernels.linear.matrices import (
    CSC,
    CSR,
    axpy,
    column_dot,
    column_nnz,
    column_norm2,
    column_norms2,
    column_sum,
    dot,
    overlap,
)
from strads.kernels.linear.prox import soft_threshold
from strads.kernels.linear.sparse_columns import column_part
from strads.kernels.random import bits, fold, uniform

__all__ = [
    "CSC", "CSR", "axpy", "bits", "column_dot", "column_nnz", "column_norm2", "column_norms2",
    "column_part", "column_sum", "dot", "fold", "overlap", "soft_threshold", "uniform",
]  # fmt: skip
