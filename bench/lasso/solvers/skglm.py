"""skglm."""

from bench.lasso.solvers import ITERATIONS, estimator

SOLVERS = {"skglm": estimator("skglm", max_iter=1000, max_epochs=ITERATIONS)}
