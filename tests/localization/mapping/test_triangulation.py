"""Points at exactly matched features: new ones where they are, known ones kept, wrong ones left out."""

from pathlib import Path

import numpy as np

from dust3r_sfm.geometry import rigid, rotation_from_vector, transform_points
from dust3r_sfm.geometry.projection import normalized_from_pixels, project
from dust3r_sfm.localization import KnownPoints, PosedPhoto, PreparationConfig
from dust3r_sfm.localization.mapping.matching import near_epipolar_line
from dust3r_sfm.localization.mapping.reference import NO_POINTS
from dust3r_sfm.localization.mapping.triangulation import NEW, FeaturePoints, triangulate_features
from dust3r_sfm.types import Camera, Pair

CAMERA = Camera("RADIAL", 640, 480, (500.0, 320.0, 240.0, -0.1, 0.02))
PHOTOS = tuple(
    PosedPhoto(
        f"{k}",
        Path(f"{k}"),
        CAMERA,
        rigid(rotation_from_vector(np.array([0.0, -0.08 * k, 0.0])), np.array([-0.4 * k, 0.02 * k, 0.0])),
    )
    for k in range(3)
)
COUNT = 40
XYZ = np.random.default_rng(0).uniform([-1.0, -1.0, 4.0], [1.5, 1.0, 6.0], (COUNT, 3))
PIXELS = tuple(project(transform_points(photo.cam_from_world, XYZ), CAMERA) for photo in PHOTOS)
SAME = np.stack([np.arange(COUNT), np.arange(COUNT)], axis=1)
MATCHES = {Pair(0, 1): SAME, Pair(1, 2): SAME}
CONFIG = PreparationConfig()


def check(found: FeaturePoints, rows: np.ndarray, xyz: np.ndarray, atol: float = 1e-5) -> None:
    """All three photos' features `rows` show the points `xyz`."""
    for of_feature in found.point_of_feature:
        assert (of_feature[rows] >= 0).all()
        np.testing.assert_allclose(found.xyz[of_feature[rows]], xyz, atol=atol)


def test_tracks_over_three_photos() -> None:
    found = triangulate_features(PHOTOS, PIXELS, MATCHES, NO_POINTS, CONFIG)
    assert len(found.xyz) == COUNT
    assert (found.ids == NEW).all()
    check(found, np.arange(COUNT), XYZ)


def test_wrong_matches_make_no_points() -> None:
    shifted = np.stack([np.arange(10), np.roll(np.arange(10), 3)], axis=1)
    matches = {pair: np.concatenate([shifted, SAME[10:]]) for pair in MATCHES}
    found = triangulate_features(PHOTOS, PIXELS, matches, NO_POINTS, CONFIG)
    check(found, np.arange(10, COUNT), XYZ[10:])
    # What is left of them lies on the right rays by chance, in two photos at most.
    seen_in = np.bincount(np.concatenate([of[of >= 0] for of in found.point_of_feature]))
    assert (seen_in == 3).sum() == COUNT - 10


def test_known_points_keep_their_place_and_take_over_features() -> None:
    """Known points 100 .. 104 of features 0 .. 4, seen by photos 0 and 1 a fraction of a pixel off, and
    displaced by a little: they stay where they were said to be, and photo 2 sees them too."""
    displaced = XYZ[:5] + [0.0, 0.0, 0.004]
    rows = np.tile(np.arange(5), 2)
    photo = np.repeat([0, 1], 5)
    pixels = np.concatenate([PIXELS[0][:5], PIXELS[1][:5]]) + 0.4
    known = KnownPoints(np.arange(100, 105), displaced, rows, photo, pixels)
    found = triangulate_features(PHOTOS, PIXELS, MATCHES, known, CONFIG)
    assert sorted(found.ids[found.ids != NEW].tolist()) == list(range(100, 105))
    check(found, np.arange(5), displaced, atol=0.0)
    check(found, np.arange(5, COUNT), XYZ[5:])
    for of_feature in found.point_of_feature:
        assert found.ids[of_feature[:5]].tolist() == list(range(100, 105))


def test_known_points_far_from_any_feature_are_left_out() -> None:
    known = KnownPoints(
        np.array([9]), XYZ[:1], np.zeros(2, int), np.array([0, 1]), np.array([PIXELS[0][0] + 9, [1.0, 1.0]])
    )
    found = triangulate_features(PHOTOS, PIXELS, {}, known, CONFIG)
    assert len(found.xyz) == 0


def test_one_photo_has_no_points() -> None:
    found = triangulate_features(PHOTOS[:1], PIXELS[:1], {}, NO_POINTS, CONFIG)
    assert found.xyz.shape == (0, 3)
    assert (found.point_of_feature[0] == -1).all()


def test_epipolar_lines() -> None:
    rays_i, rays_j = (normalized_from_pixels(pixels, CAMERA) for pixels in PIXELS[:2])
    j_from_i = PHOTOS[1].cam_from_world
    assert near_epipolar_line(rays_i, rays_j, j_from_i, 1e-6).all()
    # The cameras are side by side: up is off the line, sideways is along it.
    assert not near_epipolar_line(rays_i, rays_j + [0.0, 0.02], j_from_i, 0.005).any()
    assert near_epipolar_line(rays_i, rays_j + [0.02, 0.0], j_from_i, 0.005).mean() > 0.9
    assert not near_epipolar_line(rays_i, rays_j, np.eye(4), 0.005).any()
