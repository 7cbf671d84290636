"""Latent Dirichlet allocation: corpora, solvers, judge; time, quality and memory."""
