"""One file for each problem: its program and its estimator."""
