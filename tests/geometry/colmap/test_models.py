"""Models made by hand hold what was put in, under the ids that were asked for."""

import numpy as np

from dust3r_sfm.geometry import rigid, rotation_from_vector
from dust3r_sfm.geometry.colmap.cameras import camera_from_pycolmap
from dust3r_sfm.geometry.colmap.models import model_of_photos, track_of
from dust3r_sfm.types import Camera

PARTS = 64, 48, 50.0, 51.0, 32.0, 24.0


def test_photos_and_a_track() -> None:
    lenses = (Camera.pinhole(*PARTS), Camera.radial(*PARTS, -0.1))
    turns = ([0.1, 0.2, 0.3], [0.0, -0.5, 0.0])
    poses = [rigid(rotation_from_vector(np.array(turn)), np.array([1.0, 2.0, 3.0])) for turn in turns]
    pixels = [np.array([[1.5, 2.5], [30.0, 20.0]]), np.array([[5.0, 6.0]])]
    model = model_of_photos(["a", "in/b"], lenses, poses, pixels)
    model.add_point3D(np.zeros(3), track_of([(1, 1), (2, 0)]), np.zeros(3, np.uint8))
    for number, (name, lens) in enumerate(zip(("a", "in/b"), lenses, strict=True), start=1):
        image = model.images[number]
        assert (image.name, image.camera_id) == (name, number)
        assert camera_from_pycolmap(model.cameras[number]) == lens
        np.testing.assert_allclose(image.cam_from_world().matrix(), poses[number - 1][:3], atol=1e-15)
        np.testing.assert_array_equal([point.xy for point in image.points2D], pixels[number - 1])
    seen = [(element.image_id, element.point2D_idx) for element in model.points3D[1].track.elements]
    assert seen == [(1, 1), (2, 0)]
