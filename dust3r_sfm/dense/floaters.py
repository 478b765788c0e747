"""Points that hang in the air: lonelier than their own neighbours are, or in small groups by themselves."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from dust3r_sfm.dense.point_cloud import PointCloud
from dust3r_sfm.parallel import num_workers


@dataclass(frozen=True)
class FloaterConfig:
    """How lonely a point has to be. Distances are compared with those of the points around, as clouds are
    denser where cameras were near."""

    neighbours: int = 12
    """Nearest points by which spacing is measured: their mean distance."""
    most_spacing: float = 2.0
    """A point whose spacing is so many times the median of its neighbours' is removed: on a surface, also at
    its rim, the ratio stays below 1.5."""
    most_spacing_of_distance: float = 8.0
    """The same of the spacing over the distance to the nearest camera, against the median of the cloud: a
    surface that is seen at 80 degrees has 6."""
    joined: float = 2.5
    """Points nearer than so many times the larger spacing of both hang together."""
    least_group: int = 60
    """Groups of fewer points are removed."""
    least_group_share: float = 1e-4
    """And those of less than this share of the cloud."""


def remove_floaters(
    cloud: PointCloud, centres: Float[np.ndarray, "c 3"], config: FloaterConfig | None = None
) -> PointCloud:
    """The cloud without them, in the same order; `centres`: of the cameras, in the world. A cloud of fewer
    points than a group is left as it is."""
    config = config or FloaterConfig()
    if len(cloud) <= max(config.least_group, config.neighbours):
        return cloud
    distances, indices = cKDTree(cloud.xyz).query(cloud.xyz, config.neighbours + 1, workers=num_workers())
    distances, indices = distances[:, 1:], indices[:, 1:]
    spacing = distances.mean(axis=1)
    away, _ = cKDTree(centres).query(cloud.xyz, workers=num_workers())
    of_distance = spacing / np.maximum(away, np.finfo(float).tiny)
    dense = spacing <= config.most_spacing * np.median(spacing[indices], axis=1)
    dense &= of_distance <= config.most_spacing_of_distance * np.median(of_distance)
    return cloud[np.flatnonzero(dense & _in_large_groups(distances, indices, spacing, dense, config))]


def _in_large_groups(
    distances: Float[np.ndarray, "n k"],
    indices: Int[np.ndarray, "n k"],
    spacing: Float[np.ndarray, " n"],
    dense: Bool[np.ndarray, " n"],
    config: FloaterConfig,
) -> Bool[np.ndarray, " n"]:
    """Whether a point hangs together with enough others that are not lonely themselves."""
    count = len(spacing)
    reach = config.joined * np.maximum(spacing[:, None], spacing[indices])
    joined = (distances <= reach) & dense[:, None] & dense[indices]
    first, which = np.nonzero(joined)
    links = coo_matrix(
        (np.ones(len(first), dtype=bool), (first, indices[first, which])), shape=(count, count)
    )
    _, group = connected_components(links, directed=False)
    sizes = np.bincount(group)
    return sizes[group] >= max(config.least_group, config.least_group_share * count)
