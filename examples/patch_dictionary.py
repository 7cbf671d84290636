"""A dictionary of patches: atoms of which a few suffice for any part of a photograph."""

import numpy as np
from sklearn.datasets import load_sample_image

from strads import DictionaryLearning

SIDE = 8
PATCHES = 20_000


def patches(count: int = PATCHES, seed: int = 0) -> np.ndarray:
    """Return patches of scikit-learn's photograph of a temple, without their means."""
    image = load_sample_image("china.jpg").mean(axis=2) / 255.0
    windows = np.lib.stride_tricks.sliding_window_view(image, (SIDE, SIDE))
    rows = windows.reshape(-1, SIDE * SIDE)
    chosen = rows[np.random.default_rng(seed).choice(len(rows), count, replace=False)]
    return chosen - chosen.mean(axis=1, keepdims=True)


def main() -> None:
    X = patches()
    model = DictionaryLearning(100, alpha=0.1, max_iter=40, tol=1e-4, n_workers=2, random_state=0)
    codes = model.fit_transform(X)
    left = np.square(X - model.inverse_transform(codes)).sum() / np.square(X).sum()

    print(f"{len(X)} patches of {X.shape[1]} pixels, {model.n_components_} atoms")
    print(f"objective {model.error_[0]:.1f} after the first epoch, {model.error_[-1]:.1f} at last")
    print(f"{(codes != 0).sum(axis=1).mean():.1f} weights a patch leave {left:.1%} of the squares")
    print(f"no code is worse than the best by more than {model.dual_gap_:.0e} of its squares")


if __name__ == "__main__":
    main()
