"""Real photo sets at their true cameras, without depth."""

from pathlib import Path

import numpy as np

from dust3r_sfm.evaluation import read_posed_cameras
from dust3r_sfm.geometry.cameras import reframe_camera
from dust3r_sfm.images import load_views
from dust3r_sfm.types import AlignmentReport, Camera, ImageSpec, Scene, Tracks, View

DATA = Path(__file__).parents[1].parent / "shared" / "data"


def true_scene(name: str, every: int = 1) -> Scene:
    """The photos (or every so many of them) at 512 pixels with their true cameras."""
    known = read_posed_cameras(DATA / name / "gt")
    photos = sorted((DATA / name / "images").iterdir())[::every]
    views = tuple(load_views(photos, ImageSpec(512)).views)
    unknown = tuple(np.zeros(view.image.shape[:2]) for view in views)
    return Scene(
        views=views,
        cameras=tuple(_view_camera(known[view.name].camera, view) for view in views),
        cam_from_world=np.stack([known[view.name].cam_from_world for view in views]),
        depth=unknown,
        confidence=tuple(1.0 + each for each in unknown),
        tracks=Tracks.empty(),
        report=AlignmentReport((), "not run"),
    )


def _view_camera(camera: Camera, view: View) -> Camera:
    scale = view.size[0] / camera.width
    fx, fy = camera.focals
    cx, cy = camera.principal_point
    return reframe_camera(camera, view.size, (scale * fx, scale * fy), (scale * cx, scale * cy))
