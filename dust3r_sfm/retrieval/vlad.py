"""One descriptor a photo out of its local ones: SIFT features or a network's tokens.

Vectors of locally aggregated descriptors (VLAD: Jegou et al. 2010, "Aggregating local descriptors into a
compact image representation") over a vocabulary learnt on the photos at hand: nothing to download, and
words for what is there. Normalised word by word against bursts (Arandjelovic and Zisserman 2013, "All
about VLAD"), signed square root. With `words=1` this is mean pooling of whitened local descriptors.

The sums of a few hundred photos do not tell their own covariance: whitened by it, all photos of a set
are about equally far from each other. So local descriptors, of which there are many, are whitened.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dust3r_sfm.retrieval.clustering import group_sums, kmeans, nearest_centres


@dataclass(frozen=True)
class VladConfig:
    """How a vocabulary is learnt, and of what."""

    words: int = 256
    """Of the vocabulary."""
    min_samples_a_word: int = 16
    """Local descriptors that there must be for each word: fewer words where they are few."""
    dimensions: int = 64
    """That local descriptors are reduced to."""
    whitening: float = 0.5
    """Power of its standard deviation that each of them is divided by; 0 leaves it as it is, 1 makes all
    equally important."""
    min_variance: float = 1e-6
    """Of a direction over that of the strongest: a weaker one is not strengthened further, it is rounding."""
    samples: int = 60_000
    """Local descriptors, of all photos together, that the vocabulary is learnt from."""
    iterations: int = 10
    """Of k-means."""
    seed: int = 0
    """Of the choice of samples and of the first words."""


@dataclass(frozen=True)
class Vlad:
    """What was learnt. Local descriptors x become (x - mean) @ projection, near one of the `words`."""

    mean: Float[np.ndarray, " local"]
    projection: Float[np.ndarray, "local reduced"]
    words: Float[np.ndarray, "words reduced"]

    def describe(self, local: Float[np.ndarray, "n local"]) -> Float[np.ndarray, " global"]:
        """The unit descriptor of one photo, of words x reduced numbers; all 0 if it has no local ones."""
        reduced = (local.astype(np.float32) - self.mean) @ self.projection
        nearest = nearest_centres(reduced, self.words)
        sums, _ = group_sums(reduced - self.words[nearest], nearest, len(self.words))
        flat = _unit(sums).ravel()
        return _unit(np.sign(flat) * np.sqrt(np.abs(flat)))


def fit_vlad(local: Sequence[Float[np.ndarray, "_n local"]], config: VladConfig | None = None) -> Vlad:
    """Learns from a sample with an equal share of each photo; the same photos and seed give the same result.

    `local` is gone through once, so it may load its items when asked. Time: samples x words x dimensions
    x iterations; memory: the sample.
    """
    config = config or VladConfig()
    generator = np.random.default_rng(config.seed)
    sample = _sample(local, config.samples, generator)
    if len(sample) == 0:
        size = sample.shape[1]
        return Vlad(
            np.zeros(size, np.float32), np.eye(size, dtype=np.float32), np.zeros((1, size), np.float32)
        )
    mean, projection = _reduction(sample, config)
    reduced = (sample - mean) @ projection
    count = max(1, min(config.words, len(reduced) // config.min_samples_a_word))
    return Vlad(mean, projection, kmeans(reduced, count, config.iterations, generator))


def _sample(
    local: Sequence[Float[np.ndarray, "_n local"]], total: int, generator: np.random.Generator
) -> Float[np.ndarray, "n local"]:
    each = -(-total // max(1, len(local)))
    parts = []
    for found in local:
        rows = generator.permutation(len(found))[:each]
        parts.append(found[rows].astype(np.float32))
    return np.concatenate(parts)


def _reduction(
    sample: Float[np.ndarray, "n local"], config: VladConfig
) -> tuple[Float[np.ndarray, " local"], Float[np.ndarray, "local reduced"]]:
    """The principal directions of the sample, the weak ones strengthened."""
    mean = sample.mean(axis=0, dtype=np.float64)
    centred = sample - mean.astype(np.float32)
    variance, directions = np.linalg.eigh((centred.T @ centred).astype(np.float64) / len(sample))
    strongest = slice(None, -config.dimensions - 1, -1)
    spread = np.sqrt(np.maximum(variance[strongest], config.min_variance * max(variance[-1], 1e-30)))
    projection = directions[:, strongest] * (spread[0] / spread) ** config.whitening
    return mean.astype(np.float32), projection.astype(np.float32)


def _unit(rows: Float[np.ndarray, "*rows d"]) -> Float[np.ndarray, "*rows d"]:
    """Of length 1, or 0 where there is no direction."""
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
