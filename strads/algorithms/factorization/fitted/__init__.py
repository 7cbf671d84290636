"""Fitted factorisations: prediction, ranking, and the ids of users and items."""
