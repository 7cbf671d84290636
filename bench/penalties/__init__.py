"""Concave penalties, the Poisson loss and weights of features beside other packages."""
