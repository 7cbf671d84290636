"""The commands ``strads fit …``, one a file, in a folder for each kind of model."""

from collections.abc import Callable
from typing import Any

from strads.cli.fit.factors.dictionary import dictionary
from strads.cli.fit.factors.implicit import implicit
from strads.cli.fit.factors.mf import mf
from strads.cli.fit.factors.nmf import nmf
from strads.cli.fit.graphs.glasso import glasso
from strads.cli.fit.graphs.ising import ising
from strads.cli.fit.linear.enet import enet
from strads.cli.fit.linear.glm import glm
from strads.cli.fit.linear.group import group
from strads.cli.fit.linear.lasso import lasso
from strads.cli.fit.linear.logistic import logistic
from strads.cli.fit.linear.nonconvex import nonconvex
from strads.cli.fit.linear.svm import svm
from strads.cli.fit.linear.svr import svr
from strads.cli.fit.topics.lda import lda
from strads.cli.fit.topics.medlda import medlda

#: In the order of ``strads fit --help``: the command and what it fits, in a few words.
COMMANDS: tuple[tuple[Callable[..., Any], str], ...] = (
    (lasso, "Lasso: sparse linear regression."),
    (enet, "Elastic net: L1 and squared L2 penalty."),
    (group, "Group Lasso: groups of features."),
    (glm, "Huber's and Poisson's loss."),
    (nonconvex, "Concave penalties: MCP, SCAD."),
    (logistic, "Sparse logistic regression."),
    (svm, "Linear support vector machine."),
    (svr, "Linear support vector regression."),
    (mf, "Factors of ratings, known in part."),
    (implicit, "Factors of clicks or counts."),
    (nmf, "Non-negative factors of a matrix."),
    (dictionary, "Atoms and sparse codes of signals."),
    (glasso, "Graph of variables (graphical Lasso)."),
    (lda, "Topics of documents (LDA)."),
    (medlda, "Topics that predict labels."),
    (ising, "Samples of Ising and Potts models."),
)
