"""scikit-learn."""

from bench.lasso.solvers import ITERATIONS, estimator

SOLVERS = {"sklearn": estimator("scikit-learn", "sklearn.linear_model", max_iter=ITERATIONS)}
