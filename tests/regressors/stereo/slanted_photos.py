"""A textured wall photographed head on, and so slantwise that SIFT knows it no more."""

import numpy as np
from scipy.ndimage import affine_transform, gaussian_filter

from dust3r_sfm.types import View

SIZE = (280, 210)


def texture(seed: int) -> np.ndarray:
    """Grey values with detail at all scales."""
    rng = np.random.default_rng(seed)
    layers = [gaussian_filter(rng.normal(size=SIZE[::-1]), sigma) * sigma for sigma in (1.0, 2.0, 4.0, 8.0)]
    total = np.sum(layers, axis=0)
    return 128 + 45 * total / total.std()


def slanted_from_frontal(tilt: float, angle_deg: float) -> np.ndarray:
    """Pixels of the slanted photo from those of the frontal one: shortened `tilt` times along one direction,
    about the middle."""
    cosine, sine = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    turn = np.array([[cosine, -sine], [sine, cosine]])
    linear = turn.T @ np.diag([1 / tilt, 1.0]) @ turn
    middle = np.array(SIZE) / 2
    out = np.eye(3)
    out[:2, :2], out[:2, 2] = linear, middle - linear @ middle
    return out


def slanted(frontal: np.ndarray, slanted_from: np.ndarray, noise: float, seed: int) -> np.ndarray:
    """What the slanted camera sees: a pixel of it averages over what it covers of the wall."""
    frontal_from = np.linalg.inv(slanted_from)
    total = np.zeros(SIZE[::-1])
    steps = (np.arange(6) + 0.5) / 6 - 0.5
    for across in steps:
        for down in steps:
            offset = frontal_from[:2, 2] + frontal_from[:2, :2] @ [0.5 + across, 0.5 + down] - 0.5
            total += affine_transform(
                frontal, frontal_from[1::-1, 1::-1], offset[::-1], order=1, mode="nearest"
            )
    return total / 36 + np.random.default_rng(seed).normal(0, noise, SIZE[::-1])


def as_view(gray: np.ndarray, name: str) -> View:
    image = gray.round().clip(0, 255).astype(np.uint8)[..., None].repeat(3, axis=-1)
    return View(name, image, np.eye(3), SIZE)
