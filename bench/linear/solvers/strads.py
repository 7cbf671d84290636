"""strads."""

from bench.linear.solvers import library

SOLVERS = {"strads": library("strads", "strads")}
