"""The dense, coloured point cloud of a scene, out of its depth maps."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from dust3r_sfm.geometry import invert_rigid, pixel_grid, transform_points, unproject
from dust3r_sfm.types import Scene


@dataclass(frozen=True)
class PointCloud:
    """Points of surfaces, one row a point."""

    xyz: Float[np.ndarray, "n 3"]
    """World coordinates."""
    rgb: UInt8[np.ndarray, "n 3"]
    """Colour of the pixel it comes from."""
    confidence: Float[np.ndarray, " n"]
    """DUSt3R's, of that pixel: at least 1."""
    normals: Float[np.ndarray, "n 3"] | None = None
    """Unit normals in the world's frame, 0 where not known; None where they were not asked for."""

    def __len__(self) -> int:
        return len(self.xyz)

    def __getitem__(self, rows: Int[np.ndarray, " m"]) -> "PointCloud":
        """The points of these rows."""
        normals = None if self.normals is None else self.normals[rows]
        return PointCloud(self.xyz[rows], self.rgb[rows], self.confidence[rows], normals)


def dense_points(
    scene: Scene, max_points: int = 1_000_000, min_confidence: float = 1.5, seed: int = 0
) -> PointCloud:
    """Unprojects each view's known depth of at least `min_confidence`, inside its mask, to the world.

    Beyond `max_points`, every view keeps the same share of its pixels, drawn at random from
    `seed`: the same scene and seed give the same points, in view and row order.
    """
    candidates = [np.flatnonzero(usable_depth(scene, v, min_confidence)) for v in range(len(scene.views))]
    counts = _shares(np.array([len(c) for c in candidates], dtype=int), max_points)
    clouds = [
        _view_points(scene, view, _draw(pixels, count, [seed, view]))
        for view, (pixels, count) in enumerate(zip(candidates, counts.tolist(), strict=True))
    ]
    return PointCloud(
        np.concatenate([cloud.xyz for cloud in clouds]),
        np.concatenate([cloud.rgb for cloud in clouds]),
        np.concatenate([cloud.confidence for cloud in clouds]),
    )


def usable_depth(scene: Scene, view: int, min_confidence: float) -> Bool[np.ndarray, "h w"]:
    """Where a view's depth is known, in the mask, and trusted at least `min_confidence`."""
    depth, mask = scene.depth[view], scene.views[view].mask
    usable = np.isfinite(depth) & (depth > 0) & (scene.confidence[view] >= min_confidence)
    return usable if mask is None else usable & mask


def _shares(available: Int[np.ndarray, " n"], budget: int) -> Int[np.ndarray, " n"]:
    """The budget divided in proportion to what each has, by largest remainders."""
    total = int(available.sum())
    if total <= budget:
        return available
    exact = available * (budget / total)
    shares = np.floor(exact).astype(int)
    shares[np.argsort(shares - exact, kind="stable")[: budget - shares.sum()]] += 1
    return shares


def _draw(pixels: Int[np.ndarray, " a"], count: int, seed: list[int]) -> Int[np.ndarray, " c"]:
    if count == len(pixels):
        return pixels
    return np.sort(np.random.default_rng(seed).choice(pixels, count, replace=False))


def _view_points(scene: Scene, view: int, pixels: Int[np.ndarray, " c"]) -> PointCloud:
    depth = scene.depth[view]
    grid = pixel_grid(*depth.shape).reshape(-1, 2)[pixels]
    in_camera = unproject(grid, depth.reshape(-1)[pixels].astype(float), scene.cameras[view])
    xyz = transform_points(invert_rigid(scene.cam_from_world[view]), in_camera)
    rgb = scene.views[view].image.reshape(-1, 3)[pixels]
    return PointCloud(xyz, rgb, scene.confidence[view].reshape(-1)[pixels].astype(float))
