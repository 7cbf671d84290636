"""scikit-learn."""

from bench.linear.solvers import ITERATIONS, library

SOLVERS = {"sklearn": library("scikit-learn", "sklearn.linear_model", max_iter=ITERATIONS)}
