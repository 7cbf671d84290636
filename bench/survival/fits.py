"""The fits of the trials, in a process of its own: ``python -m bench.survival.fits KIND HOW``.

The child tells its parent, a line each, ``begin`` before its first fit, and ``again SECONDS`` when
that has ended. `until-killed`: it then fits for ever. `resumed`: it fits once, with checkpoints
in a folder, from which it resumes, and says ``digest`` and what that of the answer is.
`interrupted`: it fits once, says ``done`` and how that ended, waits for a line, fits once more, and
says whether the answer is right.
"""

import faulthandler
import hashlib
import signal
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

WORKERS = 2


def lasso(**options: Any) -> Callable[[], Any]:
    """Return a fit on worker processes of some tenths of a second; it returns its answer."""
    from strads import Lasso

    rng = np.random.default_rng(0)
    X = sp.random_array((4_000, 20_000), density=0.004, format="csc", rng=rng)
    y = X @ (rng.normal(size=20_000) * (rng.random(20_000) < 0.05)) + 0.1 * rng.normal(size=4_000)
    model = Lasso(alpha=2e-4, n_workers=WORKERS, tol=1e-6, **options)
    return lambda: model.fit(X, y).coef_


def factorization(**options: Any) -> Callable[[], Any]:
    """Return the same of a matrix of ratings."""
    from strads import MatrixFactorization

    R = sp.random_array((4_000, 2_000), density=0.03, format="csr", rng=np.random.default_rng(0))
    model = MatrixFactorization(16, n_workers=WORKERS, max_iter=15, random_state=0, **options)
    return lambda: model.fit(R).item_factors_


def topics(**options: Any) -> Callable[[], Any]:
    """Return the same of counts of words."""
    from strads import LatentDirichletAllocation

    counts = sp.csr_array(np.random.default_rng(0).poisson(0.03, size=(1_000, 4_000)))
    model = LatentDirichletAllocation(16, n_workers=WORKERS, max_iter=15, random_state=0, **options)
    return lambda: model.fit(counts).components_


FITS = {each.__name__: each for each in (lasso, factorization, topics)}


def digest(answer: Any) -> str:
    """Return some letters that are the same for the same bits."""
    return hashlib.sha256(np.ascontiguousarray(answer).tobytes()).hexdigest()


def sheltered(function: Callable[..., Any], *given: Any, depth: int = 4) -> bool:
    """Call a function; whether an interrupt ended it, which then goes no further."""
    try:
        if depth > 0:
            return sheltered(function, *given, depth=depth - 1)
        function(*given)
        return False
    except KeyboardInterrupt:
        return True


def tell(*words: object) -> None:
    """Write a line for the parent."""
    print(*words, flush=True)


def main(kind: str, how: str, folder: str = "") -> None:
    """Be the child."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
    faulthandler.register(signal.SIGUSR1)  # shows where it is, if it hangs
    warnings.simplefilter("ignore")
    if how == "resumed":
        fit = FITS[kind](checkpoint=folder, resume_from=folder)
        tell("begin")
        return tell("digest", digest(fit()))
    fit = FITS[kind]()
    tell("begin")
    expected = digest(fit())
    since = time.perf_counter()
    fit()
    tell("again", time.perf_counter() - since)
    while how == "until-killed":
        fit()
    # The second Ctrl-C may come at any moment, also when the fit has ended: it must end no more
    # than what it comes to. The parent answers once it has sent both.
    ended = "interrupted" if sheltered(fit) else "ended"
    while sheltered(tell, "done", ended) or sheltered(sys.stdin.readline):
        pass
    tell("right" if digest(fit()) == expected else "wrong")


if __name__ == "__main__":
    main(*sys.argv[1:])
