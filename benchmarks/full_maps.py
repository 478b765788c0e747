"""A regressor that costs next to nothing and holds nothing back: every pixel of every pair, exactly.

Cameras side by side look at the inside of a ball, so that every point has a closed form. All see nearly
the same: all pairs give full pointmaps and as many correspondences as they may, which is the most that
inference and alignment can be asked to hold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry import pixel_grid
from dust3r_sfm.geometry.resampling import inside, sample_nearest
from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.protocol import Encoding, Notebook
from dust3r_sfm.types import Correspondences, ImageSpec, Pair, PairPrediction, View

TOKENS, CHANNELS = 768, 1024
"""Of the encoding of a 512 x 384 image by a ViT-L."""
RADIUS, SPREAD = 4.0, 1.2
"""Of the ball, and the side of the square in its middle that the cameras stand in."""


@dataclass(frozen=True)
class FullMaps:
    """Implements `PointmapRegressor`. `correspondences`: pixels of view i that are looked for in view j."""

    width: int = 512
    height: int = 384
    focal: float = 440.0
    correspondences: int = 5000
    name: str = "full maps"
    batch_images: int = 8
    sees_single_images: bool = False
    metric: bool = False
    image_spec: ImageSpec = field(default_factory=lambda: ImageSpec(512))

    def views(self, count: int) -> list[View]:
        """Of noise, which nobody looks at."""
        size = self.width, self.height
        return [View(f"{index:05d}", self._noise(index), np.eye(3), size) for index in range(count)]

    def fingerprint(self) -> str:
        return repr(self)

    def shared_by_pairs(self, views: Sequence[View], pairs: Sequence[Pair]) -> str:
        return ""

    def encode(self, views: Sequence[View]) -> list[Encoding]:
        return [{"tokens": np.full((TOKENS, CHANNELS), view.image[0, 0, 0], np.float32)} for view in views]

    def predict(
        self,
        views: Sequence[View],
        encodings: Sequence[Encoding],
        pairs: Sequence[Pair],
        done: frozenset[Pair],
        progress: Progress,
        notebook: Notebook | None = None,
    ) -> Iterator[PairPrediction]:
        progress.start("Predicting", len(pairs) - len(done), "pairs")
        for pair in pairs:
            if pair not in done:
                for index in (pair.i, pair.j):
                    assert encodings[index]["tokens"][0, 0] == views[index].image[0, 0, 0]
                yield self._prediction(pair)
                progress.advance()

    def _noise(self, seed: int) -> np.ndarray:
        return np.random.default_rng(seed).integers(0, 256, (self.height, self.width, 3), np.uint8)

    @cached_property
    def _rays(self) -> Float[np.ndarray, "h w 3"]:
        """In the camera, with z = 1; all cameras look the same way."""
        pixels = (pixel_grid(self.height, self.width) - [self.width / 2, self.height / 2]) / self.focal
        return np.concatenate([pixels, np.ones_like(pixels[..., :1])], axis=-1).astype(np.float32)

    def _points(self, centre: Float[np.ndarray, "3"]) -> Float[np.ndarray, "h w 3"]:
        """Camera-frame points of the ball: |centre + depth * ray| = RADIUS."""
        rays = self._rays
        a, b = np.float32(1.0) + rays[..., 0] ** 2 + rays[..., 1] ** 2, rays @ centre
        return rays * ((np.sqrt(b**2 - a * (centre @ centre - RADIUS**2)) - b) / a)[..., None]

    def _prediction(self, pair: Pair) -> PairPrediction:
        centre_i, centre_j = camera_centre(pair.i), camera_centre(pair.j)
        points_i, shift = self._points(centre_i), centre_j - centre_i
        trust = np.full((self.height, self.width), 3.0 + (7 * pair.i + 5 * pair.j) % 11, np.float32)
        found = self._correspondences(points_i, shift)
        return PairPrediction(pair, points_i, self._points(centre_j) + shift, trust, trust, found)

    def _correspondences(
        self, points_i: Float[np.ndarray, "h w 3"], shift: Float[np.ndarray, "3"]
    ) -> Correspondences:
        """At the same pixels of view i in all of its pairs, so that tracks form."""
        size = self.width, self.height
        pixels_i = np.floor(np.random.default_rng(0).uniform(0, size, (self.correspondences, 2))) + 0.5
        seen = sample_nearest(points_i, pixels_i) - shift
        pixels_j = self.focal * seen[:, :2] / seen[:, 2:] + np.array(size) / 2
        kept = inside(pixels_j, self.height, self.width)
        return Correspondences(pixels_i[kept], pixels_j[kept], np.ones(int(kept.sum())))


def camera_centre(index: int) -> Float[np.ndarray, "3"]:
    """Anywhere in the square, no two in one place."""
    x, y = np.random.default_rng(index).uniform(-SPREAD / 2, SPREAD / 2, 2)
    return np.array([x, y, 0.0], np.float32)
