"""Linear regression: estimators of real targets, and what they share."""
