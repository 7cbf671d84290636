"""Newton's method for the primal, and proximal points for the dual."""
