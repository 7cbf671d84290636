"""scikit-learn."""

from bench.lasso.solvers import ITERATIONS
from bench.linear.solvers import library

SOLVERS = {"sklearn": library("scikit-learn", "sklearn.linear_model", max_iter=ITERATIONS)}
