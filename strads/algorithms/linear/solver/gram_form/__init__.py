"""Quadratics with an L1 penalty in Gram form: coordinate rounds."""
