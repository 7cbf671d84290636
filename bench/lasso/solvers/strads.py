"""Ours."""

from bench.lasso.solvers import estimator

SOLVERS = {"strads": estimator("strads", random_state=0)}
