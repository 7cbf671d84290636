"""The Lasso: its data sets, its solvers, its judge, and the time to a duality gap."""
