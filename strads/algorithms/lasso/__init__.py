"""The Lasso."""
