"""PageRank by power iteration: one kernel, used by two phases that swap the roles of its arrays."""

import numpy as np
import scipy.sparse as sp

from strads import Phase, Program, control, data, kernel, run, variable


class PageRank(Program):
    """x = d Pᵀx + (1 − d)/n, P_ij = 1/outdegree(i) for a link i → j; a page without links has all.

    An epoch makes two steps: from `x` to `y`, and back.
    """

    links = data("pages", "pages", layout="csr", dtype=np.int8)  # row i: pages that link to page i
    share = data("pages")  # 1/outdegree, 0 for a page without links
    x = variable("pages")
    y = variable("pages")
    damping = control(0.85)
    lost = control(0.0)  # what pages without links hand out to every page
    phases = {
        "there": Phase(push="step", where={"here": "x", "there": "y"}, frozen=("x",)),
        "back": Phase(push="step", where={"here": "y", "there": "x"}, frozen=("y",)),
    }

    def setup(self, rng):
        degrees = np.bincount(self.links.indices, minlength=self.size["pages"])
        self.share[:] = np.divide(1.0, degrees, out=np.zeros(len(degrees)), where=degrees > 0)
        self.x[:] = 1.0 / self.size["pages"]
        self.ends = np.flatnonzero(degrees == 0)  # pages without links

    def cycle(self):
        for phase, here in (("there", self.x), ("back", self.y)):
            self.lost = here[self.ends].sum() / self.size["pages"]
            yield phase

    @kernel
    def step(pages, links, share, damping, lost, here, there):
        base = (1.0 - damping) / len(here) + damping * lost
        for i in range(pages[0], pages[1]):
            total = 0.0
            for k in range(links.indptr[i], links.indptr[i + 1]):
                j = links.indices[k]
                total += share[j] * here[j]
            there[i] = base + damping * total

    @kernel
    def measure(pages, x, y):
        change = 0.0
        for i in range(pages[0], pages[1]):
            change += abs(x[i] - y[i])
        return change

    def progress(self, parts):
        return {"certificate": parts.sum() * self.damping / (1.0 - self.damping)}  # ≥ ‖x − x*‖₁


def problem(pages=10_000, links=100_000, seed=0):
    """Return a random graph of links; few pages are linked to often."""
    rng = np.random.default_rng(seed)
    source = rng.integers(0, pages, links)
    target = (pages * rng.random(links) ** 3).astype(np.int64)
    ones = np.ones(links, np.int8)
    return sp.csr_array((ones, (target, source)), shape=(pages, pages))  # sums of equal links


def main():
    result = run(PageRank(links=problem()), workers=2, tol=1e-10, epochs=200, seed=0)
    x = result.state["x"]
    print(f"{result.status} after {len(result.history)} epochs: off by at most "
          f"{result.figures['certificate']:.1e}")  # fmt: skip
    print(f"the first tenth of the pages has {x[: len(x) // 10].sum():.1%} of the rank")


if __name__ == "__main__":
    main()
