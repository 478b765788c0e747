"""A scene at half the size of its views, for what has more pixels than it can use."""

from dataclasses import replace

import numpy as np

from dust3r_sfm.geometry import apply_affine
from dust3r_sfm.geometry.cameras import reframe_camera
from dust3r_sfm.types import Camera, Scene, View

_HALF_FROM_WHOLE = np.array([[0.5, 0.0, 0.25], [0.0, 0.5, 0.25], [0.0, 0.0, 1.0]])
"""Of continuous pixels. The middle of the first one stays half a pixel from the border."""


def halve_scene(scene: Scene) -> Scene:
    """Every other row and column of images, masks, depth and confidence, from the first on: nothing is
    averaged, so no depth lies between two surfaces."""
    return replace(
        scene,
        views=tuple(_halve_view(view) for view in scene.views),
        cameras=tuple(_halve_camera(camera) for camera in scene.cameras),
        depth=tuple(depth[::2, ::2].copy() for depth in scene.depth),
        confidence=tuple(confidence[::2, ::2].copy() for confidence in scene.confidence),
        tracks=replace(scene.tracks, pixels=apply_affine(_HALF_FROM_WHOLE, scene.tracks.pixels)),
    )


def _halve_view(view: View) -> View:
    mask = None if view.mask is None else view.mask[::2, ::2]
    from_original = _HALF_FROM_WHOLE @ view.pixel_from_original
    return replace(view, image=view.image[::2, ::2], mask=mask, pixel_from_original=from_original)


def _halve_camera(camera: Camera) -> Camera:
    size, focals = (-(-camera.width // 2), -(-camera.height // 2)), (camera.fx / 2, camera.fy / 2)
    return reframe_camera(camera, size, focals, (camera.cx / 2 + 0.25, camera.cy / 2 + 0.25))
