"""Patches of the two photographs that scikit-learn ships."""

from functools import lru_cache

import numpy as np

#: Height and width of a patch; its mean is taken off.
SIDE = 8
#: Patches of the data set "tiny".
TINY = 400


@lru_cache(maxsize=2)
def patches(count: int) -> np.ndarray:
    """Return so many patches, drawn without replacement, float32, of mean length 1."""
    from sklearn.datasets import load_sample_images

    images = [image.mean(axis=2) / 255.0 for image in load_sample_images().images]
    windows = [
        np.lib.stride_tricks.sliding_window_view(image, (SIDE, SIDE)).reshape(-1, SIDE * SIDE)
        for image in images
    ]
    rows = np.concatenate(windows)
    chosen = rows[np.random.default_rng(0).permutation(len(rows))[:count]]
    chosen = chosen - chosen.mean(axis=1, keepdims=True)
    chosen /= np.linalg.norm(chosen, axis=1).mean()
    return np.ascontiguousarray(chosen, dtype=np.float32)
