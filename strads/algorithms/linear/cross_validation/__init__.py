"""Penalties chosen by cross-validation: errors on held-out folds, and an estimator a file."""
