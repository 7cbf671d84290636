"""celer."""

from bench.lasso.solvers import ITERATIONS, estimator

SOLVERS = {"celer": estimator("celer", max_iter=1000, max_epochs=ITERATIONS)}
