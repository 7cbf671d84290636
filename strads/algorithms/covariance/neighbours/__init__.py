"""Neighbourhood selection: a Lasso for every variable, on one matrix of covariances."""
