"""Multi-task Lasso: the weights of a feature for all tasks are penalised together."""
