"""Naive twins of the kernels of supervised topic models, and the law that they sample."""

from itertools import product

import naive_topics as naive
import numpy as np


def exponents(n_d, signs, pulls, coef, cost, margin):
    """The logarithms of the factors of one document, by the formula for one more token."""
    length, found = n_d.sum(), np.zeros(coef.shape[1])
    for eta, sign, pull in zip(coef, signs, pulls, strict=True):
        linear = sign * (pull * margin + 0.5 * cost) / length
        curvature = pull / length**2
        found += eta * (linear - curvature * (eta @ n_d)) - 0.5 * curvature * eta**2
    return found


def token_law(n_d, q, alpha, factors):
    """p(z = k | all other tokens) with factors."""
    p = (n_d + alpha) * q * factors
    return p / p.sum()


def primal(shares, signs, eta, cost, margin):
    """The objective of one label's weights."""
    return 0.5 * eta @ eta + cost * np.maximum(margin - signs * (shares @ eta), 0.0).sum()


def dual(shares, signs, a, margin):
    """The objective of dual variables, a lower bound of the primal one."""
    eta = shares.T @ (a * signs)
    return margin * a.sum() - 0.5 * eta @ eta


def posterior(doc, word, shape, alpha, beta, signs, cost, margin):
    """p(z | words, labels) of two topics, the weights of one label a standard normal pair.

    The integral over the weights is a sum over a grid.
    """
    line = np.linspace(-8.0, 8.0, 161)
    grid = np.array(list(product(line, line)))
    prior = np.exp(-0.5 * (grid**2).sum(axis=1))
    law = naive.posterior(doc, word, shape, alpha, beta)
    for i, z in enumerate(product(range(2), repeat=len(doc))):
        n_dk = naive.count(doc, np.array(z), (shape[0], 2))
        scores = grid @ (n_dk / n_dk.sum(axis=1, keepdims=True)).T
        loss = cost * np.maximum(margin - signs * scores, 0.0).sum(axis=1)
        law[i] *= (prior * np.exp(-loss)).sum()
    return law / law.sum()
