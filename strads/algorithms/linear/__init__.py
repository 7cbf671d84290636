"""The Lasso: estimator, working-set solver, certificate, and a plain coordinate program."""
