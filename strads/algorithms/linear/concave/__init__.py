"""Linear models with concave penalties, which shrink large weights less than an L1 penalty."""
