"""Multinomial logistic regression with an L1 penalty beside other packages."""
