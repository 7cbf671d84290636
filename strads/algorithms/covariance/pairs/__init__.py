"""CONCORD: updates of pairs of variables, scheduled by perfect matchings."""
