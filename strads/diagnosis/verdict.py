"""The verdict: what limits a fit on this machine, and the settings to use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from strads.algorithms.linear.solver.lasso_program import DEFAULT
from strads.diagnosis.causes import DEPENDENCE, MOVEMENT, NONE, SIZE, Losses, losses_of
from strads.diagnosis.dependence import Dependence
from strads.diagnosis.size import Size
from strads.diagnosis.trials.problems import Problem
from strads.diagnosis.trials.speedup import TimeModel

#: More workers pay if two of them are at least so much quicker than one.
PAYS = 1.2
#: ρ is raised from its default until the filter puts off at most this share of the ids.
MOST_REJECTED = 0.3
#: The default ρ of linear models.
DEFAULT_RHO = DEFAULT.rho
#: Told besides the verdict where columns differ much in scale.
UNEVEN_COLUMNS = (
    " The columns differ much in scale, and the penalty holds back those of small values most: "
    "divide each column by its standard deviation before the fit."
)


@dataclass(frozen=True)
class Verdict:
    """The verdict on a problem.

    Attributes
    ----------
    limits : {"size", "movement", "dependence", "none"}
        What keeps more workers from paying, or the model from fitting; "none" if they pay.
    sentence : str
        The same in a sentence.
    losses : Losses
        What each cause took in the trial with two workers.
    workers : int
        Number of workers to use.
    settings : dict
        Arguments of the estimator to use. They have a schedule only if dependence limits: without
        one, linear models choose for themselves, Newton's method among others.
    rho : float or None
        ρ to use if there is a priority schedule; None where no filter matters.
    """

    limits: str
    sentence: str
    losses: Losses
    workers: int
    settings: dict[str, Any]
    rho: float | None


def judge(
    problem: Problem, size: Size, times: TimeModel, dependence: Dependence, given: dict[str, Any]
) -> Verdict:
    """Return the verdict."""
    losses = losses_of(times.two, times.one)
    gain, workers = times.speedup(2), times.best()
    rho = chosen_rho(dependence) if problem.name in ("lasso", "logistic") else None
    limits = NONE if gain >= PAYS else losses.largest
    if not times.divisible:
        limits = SIZE
    if not size.fits:
        limits = SIZE
    settings = {**given, "n_workers": workers}
    if rho is not None and limits == DEPENDENCE and "schedule" not in given:
        settings["schedule"] = replace(DEFAULT, rho=rho)
    sentence = _sentence(problem, size, times, losses, limits, gain)
    if size.uneven:
        sentence += UNEVEN_COLUMNS
    return Verdict(
        limits, sentence, losses, workers, settings, rho,
    )  # fmt: skip


def chosen_rho(dependence: Dependence) -> float:
    """Return the default ρ, or the least one of those told that does not put off too many ids."""
    fine = [rho for rho, share in dependence.rejected.items() if share <= MOST_REJECTED]
    return max(DEFAULT_RHO, min(fine, default=max(dependence.rejected)))


def _sentence(
    problem: Problem, size: Size, times: TimeModel, losses: Losses, limits: str, gain: float
) -> str:
    if not size.fits:
        return (
            f"Size limits: a fit needs {size.run_bytes / 1e9:.1f} GB and the machine has "
            f"{size.memory_left / 1e9:.1f} GB left. Fit a part of the {problem.columns} first "
            "(strads pilot), or use float32 data."
        )
    if not times.divisible:
        return (
            "Size limits: the solver has nothing to divide among workers here, so more than one "
            "change nothing."
        )
    lost = f"Two workers are {gain:.2f} times as quick as one"
    if limits == NONE:
        return f"Nothing limits: {lost[0].lower()}{lost[1:]}."
    parts = f"{getattr(losses, limits):.3g} s of the {losses.seconds:.3g} s of a fit with two"
    why = {
        SIZE: f"{parts} are work of the leader alone, which no worker shares. "
        + (
            "More workers gain little"
            if gain > 1.0
            else "The problem is too small for more workers"
        ),
        MOVEMENT: f"{parts} go into handing over work, waiting for each other, and memory that the "
        "workers share",
        DEPENDENCE: f"{parts} go into updates of features that depend on each other, or into "
        "waiting for features that do not",
    }[limits]
    return f"{limits.capitalize()} limits: {lost[0].lower()}{lost[1:]}. {why}."
