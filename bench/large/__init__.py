"""The Lasso at ten million variables: a planted design, its fits, its peers, and how it grows."""
