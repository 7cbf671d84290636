"""The program of the Lasso and its parts."""
