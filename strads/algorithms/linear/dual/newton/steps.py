"""Newton's steps for the models that coordinate descent is too slow for."""

from __future__ import annotations

import numpy as np

from strads.algorithms.linear.dual.judge import LINEAR, V2
from strads.algorithms.linear.dual.newton.conjugate import solve_by_products
from strads.algorithms.linear.dual.newton.directly import solve_directly
from strads.algorithms.linear.dual.newton.line_search import best_length
from strads.algorithms.linear.dual.newton.point import Work, evaluate, score_samples
from strads.algorithms.linear.dual.problem import Samples
from strads.engine import kernel

#: The next centre is taken once ½‖w − Xᵀβ‖² has at most this share in P(w) − D(β).
SHARE = 0.5
#: τ is divided by these after at most `FEW` steps, and after more.
FASTER, SLOWER, FEW = 3.0, 1.5, 4
#: Multiplications for a Hessian up to which a solved problem gets one more step.
SMALL = 1e7
#: Accuracy of conjugate gradients: this times the root of the relative gap, but not less.
ACCURACY, LEAST = 0.1, 1e-3


@kernel
def push_newton(
    teams, XT, y, cost, norm2, epsilon, scaling, squared, classes, label, by_newton, most, share,
    figures, beta, w, tau, steps, products, weights_work, samples_work, free, system,
):  # fmt: skip
    """Make up to `most` steps for each model of my teams that is solved by Newton's method."""
    samples = Samples(XT, y, cost, norm2, epsilon, scaling, squared, classes)
    a, b = weights_work, samples_work
    work = Work(a[0], a[1], a[2], a[3], a[4], a[5], a[6], b[0], b[1], b[2], b[3], free, system)
    for t in range(teams[0], teams[1]):
        for lane in range(label.shape[1]):
            if not by_newton[t, lane]:
                continue
            work.w[:] = w[t, :, lane]
            work.centre[:] = beta[t, :, lane]
            known = figures[t, lane, LINEAR] - 0.5 * figures[t, lane, V2]
            tau[t, lane], made, multiplied, scale = improve(
                samples, label[t, lane], tau[t, lane], known, share, most, work
            )
            steps[t, lane] += made
            products[t, lane] += multiplied
            w[t, :, lane] = work.w
            if scale > 0.0:
                beta[t, :, lane] = scale * work.beta
            else:
                beta[t, :, lane] = work.centre


@kernel
def small(work, free):
    """Return whether a step is so cheap that one more, which is exact to rounding, is taken."""
    return len(work.system) > 1 and free * len(work.system) ** 2 <= SMALL


@kernel
def improve(samples, label, tau, known, share, most, work):
    """Make steps until the relative gap is at most `share`, and one more if it is cheap.

    So weights of samples and repetitions of samples lead to the same model up to rounding.

    Returns τ, the number of steps and of products with the Hessian, and the factor by which β
    becomes a better dual point than the centre; 0 if it does not.
    """
    multiplied, made, here, polished = 0, 0, 0, False
    score_samples(samples, work.w, work.scores)
    while True:
        point = evaluate(samples, label, tau, work)
        gap = point.primal - max(known, point.scaled)
        gap = gap / point.primal if point.primal > 0.0 else 0.0
        exact = polished or tau > 0.0 or not small(work, point.free)
        if (gap <= share and exact) or made == most:
            return tau, made, multiplied, point.scale if point.scaled > known else 0.0
        if tau > 0.0 and here > 0 and point.share <= SHARE:
            work.centre[:] = work.beta
            known = point.dual
            tau /= FASTER if here <= FEW else SLOWER
            here = 0
            continue
        if len(work.system) > 1:
            solve_directly(samples, tau, point.free, work)
        else:
            accuracy = max(min(ACCURACY, ACCURACY * np.sqrt(gap)), LEAST)
            multiplied += solve_by_products(samples, tau, point.free, accuracy, work)
        polished = gap <= share
        score_samples(samples, work.step, work.changes)
        length = best_length(samples, label, tau, work)
        for j in range(len(work.w)):
            work.w[j] += length * work.step[j]
        for i in range(len(work.scores)):
            work.scores[i] += length * work.changes[i]
        made += 1
        here += 1
