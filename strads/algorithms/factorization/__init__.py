"""Matrix factorisation of ratings, of implicit feedback, and of non-negative data (NMF)."""
