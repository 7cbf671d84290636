"""Linear models: estimators, their losses, working-set solvers and certificates."""
