"""Multinomial logistic regression: pairs of a feature and a class as variables."""
