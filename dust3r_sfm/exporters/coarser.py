"""A scene at half the size of its views, for what has more pixels than it can use."""

from dataclasses import replace

from dust3r_sfm.types import Camera, Scene, View


def halved(scene: Scene) -> Scene:
    """Every other row and column of images, masks, depth and confidence, from the first on: nothing is
    averaged, so no depth lies between two surfaces. Tracks, and the views' places in their files, are not
    carried over."""
    return replace(
        scene,
        views=tuple(_halved_view(view) for view in scene.views),
        cameras=tuple(_halved_camera(camera) for camera in scene.cameras),
        depth=tuple(depth[::2, ::2].copy() for depth in scene.depth),
        confidence=tuple(confidence[::2, ::2].copy() for confidence in scene.confidence),
    )


def _halved_view(view: View) -> View:
    mask = None if view.mask is None else view.mask[::2, ::2]
    return replace(view, image=view.image[::2, ::2], mask=mask)


def _halved_camera(camera: Camera) -> Camera:
    """The middle of the first pixel stays where it was, half a pixel from the border."""
    return replace(
        camera,
        width=-(-camera.width // 2),
        height=-(-camera.height // 2),
        fx=camera.fx / 2,
        fy=camera.fy / 2,
        cx=(camera.cx - 0.5) / 2 + 0.5,
        cy=(camera.cy - 0.5) / 2 + 0.5,
    )
