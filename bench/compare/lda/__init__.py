"""Latent Dirichlet allocation beside other solvers: ``python -m bench.compare lda``.

*Corpora* are matrices of counts; *solvers* are built from one, trained, and asked for topics of
words; the *judge* is the same for all. The other files are what is measured.
"""
