"""Matrix factorisation: sets of ratings, solvers, judge, and the time to an error or objective."""
