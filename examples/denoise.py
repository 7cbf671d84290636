"""A noisy image, cleaned by an Ising model: neighbours like to be equal, and as they were seen."""

import numpy as np
import scipy.sparse as sp

from strads import GraphSampler


def image(side: int = 128) -> np.ndarray:
    """Return a picture of discs and bars with pixels −1 and 1."""
    y, x = np.mgrid[0:side, 0:side] / side
    disc = (x - 0.3) ** 2 + (y - 0.3) ** 2 < 0.04
    ring = np.abs(np.hypot(x - 0.7, y - 0.65) - 0.18) < 0.04
    bars = (x < 0.45) & (y > 0.6) & ((y * 12).astype(int) % 2 == 0)
    return np.where(disc | ring | bars, 1, -1)


def lattice(side: int) -> sp.csr_array:
    """Return couplings of 1 between the neighbours of a square lattice with open borders."""
    line = sp.diags_array([1.0, 1.0], offsets=[1, -1], shape=(side, side))
    eye = sp.eye_array(side)
    return sp.csr_array(sp.kron(line, eye) + sp.kron(eye, line))


def cleaned(seen: np.ndarray, flipped: float) -> GraphSampler:
    """Sample images given one of whose pixels a share has been flipped."""
    J = 0.9 * lattice(len(seen))
    h = 0.5 * np.log((1.0 - flipped) / flipped) * seen.ravel()
    return GraphSampler(n_sweeps=200, burn_in=50, n_workers=2, random_state=0).fit(J, h)


def main() -> None:
    truth = image()
    flipped = np.random.default_rng(0).random(truth.shape) < 0.15
    seen = np.where(flipped, -truth, truth)
    sampler = cleaned(seen, 0.15)
    guess = np.where(sampler.magnetization_ > 0, 1, -1).reshape(truth.shape)
    print(
        f"wrong pixels: {np.mean(seen != truth):.2%} as seen, {np.mean(guess != truth):.2%} cleaned"
    )
    unsure = sampler.marginals_.max(axis=1).reshape(truth.shape) < 0.9
    print(f"{unsure.mean():.2%} of the pixels are less than 90 % sure; "
          f"{np.mean(unsure[guess != truth]):.0%} of the wrong ones are among them")  # fmt: skip


if __name__ == "__main__":
    main()
