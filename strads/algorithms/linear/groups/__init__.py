"""Group Lasso: the weights of a group of features are penalised together."""
