"""Sparse graphs of variables: sparse inverse covariances, neighbourhoods, pseudo-likelihood."""
