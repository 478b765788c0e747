"""What one pair tells: exactly with a regressor that is exact, nearly with stereo on rendered photos."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from known_room import FOCAL, HEIGHT, WIDTH, LookupRegressor, Room, make_room
from rendered_room import FOCAL as RENDERED_FOCAL
from rendered_room import RenderedRoom
from seeded_networks import TINY, loaded, noise_views, seeded_network

from dust3r_sfm.dense.point_cloud import dense_points
from dust3r_sfm.errors import InputError, ReconstructionError
from dust3r_sfm.geometry import (
    invert_rigid,
    pixel_grid,
    project,
    rotation_angle_deg,
    transform_points,
    unproject,
)
from dust3r_sfm.geometry.resampling import sample_bilinear, sample_nearest
from dust3r_sfm.networks.config import LinearHeadConfig
from dust3r_sfm.pairwise import (
    ImagePair,
    RelativeCamera,
    camera_from_pointmap,
    depth_maps,
    pair_scene,
    predict_pair,
    relative_camera,
    single_depth,
)
from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.network import NetworkRegressor, NetworkRegressorConfig
from dust3r_sfm.regressors.protocol import Notebook
from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor
from dust3r_sfm.types import Camera, ImageSpec, Pair, PairPrediction, View


def views_of(room: Room) -> list[View]:
    return [View(f"{k}.png", image, np.eye(3), (WIDTH, HEIGHT)) for k, image in enumerate(room.images)]


@pytest.fixture(scope="module")
def room() -> Room:
    return make_room("room", seed=3, count=2)


@pytest.fixture(scope="module")
def exact(room: Room) -> ImagePair:
    return predict_pair(*views_of(room), LookupRegressor((room,)))


def true_j_from_i(cam_from_world: np.ndarray) -> np.ndarray:
    return cam_from_world[1] @ invert_rigid(cam_from_world[0])


def translation_angle_deg(found: np.ndarray, true: np.ndarray) -> float:
    a, b = found[:3, 3], true[:3, 3]
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))


def test_exact_pointmaps_give_the_exact_relative_camera(room: Room, exact: ImagePair) -> None:
    relative = relative_camera(exact)
    assert relative.camera_i.fx == pytest.approx(FOCAL, rel=1e-6)
    assert relative.camera_j.fx == pytest.approx(FOCAL, rel=1e-6)
    true = true_j_from_i(room.rig.cam_from_world)
    assert rotation_angle_deg(relative.j_from_i[:3, :3] @ true[:3, :3].T) < 1e-4
    assert translation_angle_deg(relative.j_from_i, true) < 1e-3
    assert relative.inlier_share == 1.0
    assert exact.forward.correspondences is not None
    assert len(relative.matches) == len(exact.forward.correspondences) == 900


def test_depth_maps_of_both_views_have_one_scale(room: Room, exact: ImagePair) -> None:
    relative = relative_camera(exact)
    true = true_j_from_i(room.rig.cam_from_world)
    scale = np.linalg.norm(relative.j_from_i[:3, 3]) / np.linalg.norm(true[:3, 3])
    for found, depth in zip(depth_maps(exact, relative), room.depths, strict=True):
        np.testing.assert_allclose(found.depth, scale * depth, rtol=1e-4)
        assert (found.confidence > 1).all()


def test_matches_off_their_epipolar_lines_are_left_out(exact: ImagePair) -> None:
    found = exact.forward.correspondences
    assert found is not None
    wrong = replace(found, pixels_j=found.pixels_j + np.where(np.arange(900) < 60, 20.0, 0.0)[:, None])
    relative = relative_camera(replace(exact, forward=replace(exact.forward, correspondences=wrong)))
    assert 840 <= len(relative.matches) < 860  # A few moved along their line.
    none = relative_camera(replace(exact, forward=replace(exact.forward, correspondences=None)))
    assert len(none.matches) == 0


def test_the_scene_of_a_pair_puts_both_pointmaps_into_one_world(room: Room, exact: ImagePair) -> None:
    relative = relative_camera(exact)
    scene = pair_scene(exact, relative)
    assert [view.name for view in scene.views] == ["0.png", "1.png"]
    cloud = dense_points(scene)
    assert len(cloud) == 2 * WIDTH * HEIGHT
    both = np.concatenate([exact.forward.points_i, exact.forward.points_j]).reshape(-1, 3)
    np.testing.assert_allclose(cloud.xyz, both, atol=1e-3 * np.abs(both).max())


def test_what_is_masked_out_has_neither_depth_nor_say(room: Room) -> None:
    view_i, view_j = views_of(room)
    mask = np.ones((HEIGHT, WIDTH), dtype=bool)
    mask[:, :40] = False
    pair = predict_pair(view_i, view_j, LookupRegressor((room,)))
    spoiled = pair.forward.points_i.copy()
    spoiled[:, :40, :2] *= 3.0
    masked = replace(pair, view_i=replace(view_i, mask=mask), forward=replace(pair.forward, points_i=spoiled))
    relative = relative_camera(masked)
    assert relative.camera_i.fx == pytest.approx(FOCAL, rel=1e-6)
    depth, _ = depth_maps(masked, relative)
    assert not depth.depth[~mask].any()
    assert (depth.confidence[~mask] == 1).all()
    assert (depth.depth[mask] > 0).all()


@pytest.mark.parametrize("estimator", ["weiszfeld", "median"])
def test_the_camera_of_a_pointmap_with_a_known_principal_point(estimator: str) -> None:
    camera = Camera.pinhole(40, 30, 35.0, 35.0, 12.0, 21.0)
    depth = 1.0 + np.random.default_rng(0).random((30, 40))
    points = unproject(pixel_grid(30, 40), depth, camera)
    points[::7, ::5, 2] = 1e-6  # What a network says of the sky, now and then.
    found = camera_from_pointmap(points, np.full((30, 40), 5.0), np.array([12.0, 21.0]), estimator)
    assert found.fx == pytest.approx(35.0, rel=1e-6)
    assert (found.fy, found.cx, found.cy, found.width, found.height) == (found.fx, 12.0, 21.0, 40, 30)


def test_a_pointmap_that_knows_nothing_has_no_camera() -> None:
    with pytest.raises(ReconstructionError, match=r"a\.png: tells no focal: only 0 of its 1200 points"):
        camera_from_pointmap(np.zeros((30, 40, 3)), np.ones((30, 40)), label="a.png")


def test_a_pointmap_of_no_pinhole_has_no_camera() -> None:
    mirrored = unproject(
        pixel_grid(30, 40), np.ones((30, 40)), Camera.pinhole(40, 30, 35.0, 35.0, 20.0, 15.0)
    )
    mirrored[..., :2] *= -1
    with pytest.raises(ReconstructionError, match="the pointmap: no pinhole camera sees its points"):
        camera_from_pointmap(mirrored, np.full((30, 40), 2.0))


def test_photos_that_show_nothing_in_common_are_named(room: Room) -> None:
    stranger = views_of(make_room("other", seed=4, count=1))[0]
    with pytest.raises(ReconstructionError, match=r"0\.png, 9\.png: lookup finds nothing that both show"):
        predict_pair(views_of(room)[0], replace(stranger, name="9.png"), LookupRegressor((room,)))


def test_points_without_a_pose_are_refused(exact: ImagePair) -> None:
    scrambled = np.random.default_rng(0).standard_normal(exact.forward.points_j.shape)
    with pytest.raises(ReconstructionError, match=r"0\.png, 1\.png: no relative pose fits"):
        relative_camera(replace(exact, forward=replace(exact.forward, points_j=scrambled)))


@dataclass(frozen=True)
class OneEyed:
    """Knows the depth of one photo: a tilted plane."""

    camera: Camera
    name: str = "one-eyed"
    batch_images: int = 1
    sees_single_images: bool = True
    metric: bool = False
    image_spec: ImageSpec = field(default_factory=lambda: ImageSpec(64))

    def fingerprint(self) -> str:
        return self.name

    def shared_by_pairs(self, views: Sequence[View], pairs: Sequence[Pair]) -> str:
        return ""

    def depth(self) -> np.ndarray:
        return 2.0 + 0.01 * pixel_grid(self.camera.height, self.camera.width)[..., 0]

    def encode(self, views: Sequence[View]) -> list[Mapping[str, np.ndarray]]:
        return [{} for _ in views]

    def predict(
        self,
        views: Sequence[View],
        encodings: Sequence[Mapping[str, np.ndarray]],
        pairs: Sequence[Pair],
        done: frozenset[Pair],
        progress: Progress,
        notebook: Notebook | None = None,
    ) -> Iterator[PairPrediction]:
        points = unproject(pixel_grid(self.camera.height, self.camera.width), self.depth(), self.camera)
        confidence = np.full(points.shape[:2], 4.0)
        yield from (PairPrediction(pair, points, points, confidence, confidence) for pair in pairs)


def test_depth_and_focal_of_one_image() -> None:
    regressor = OneEyed(Camera.pinhole(64, 48, 50.0, 50.0, 32.0, 24.0))
    view = View("one.png", np.zeros((48, 64, 3), np.uint8), np.eye(3), (64, 48))
    found = single_depth(view, regressor)
    np.testing.assert_allclose(found.depth, regressor.depth())
    assert found.camera.fx == pytest.approx(50.0, rel=1e-6)
    assert (found.confidence == 4.0).all()


def network_that_knows(points: np.ndarray) -> NetworkRegressor:
    """A real network of one patch whose head has learned the pointmap by heart: its biases are the raw
    output, which becomes points by exp(|raw|) - 1 along it."""
    config = replace(TINY, long_edge=16, head=LinearHeadConfig())
    network = seeded_network(config)
    distance = np.linalg.norm(points, axis=-1, keepdims=True)
    raw = np.concatenate([points / distance * np.log1p(distance), np.ones((16, 16, 1))], axis=-1)
    with torch.no_grad():
        network.downstream_head1.proj.weight.zero_()
        network.downstream_head1.proj.bias.copy_(torch.from_numpy(raw).movedim(-1, 0).reshape(-1))
    return NetworkRegressor(NetworkRegressorConfig("given"), loaded(network))


def test_depth_and_focal_of_one_image_by_a_network() -> None:
    camera = Camera.pinhole(16, 16, 20.0, 20.0, 8.0, 8.0)
    depth = 2.0 + 0.05 * pixel_grid(16, 16)[..., 0]
    (view,) = noise_views([(16, 16)])
    found = single_depth(view, network_that_knows(unproject(pixel_grid(16, 16), depth, camera)))
    np.testing.assert_allclose(found.depth, depth, rtol=1e-5)
    assert found.camera.fx == pytest.approx(20.0, rel=1e-5)
    np.testing.assert_allclose(found.confidence, 1.0 + np.e, rtol=1e-5)


def test_stereo_refuses_one_image_and_names_the_way_out(room: Room) -> None:
    with pytest.raises(InputError, match=r"0\.png: stereo measures depth between two .*use a network"):
        single_depth(views_of(room)[0], StereoRegressor(StereoConfig()))


@dataclass(frozen=True)
class Rendered:
    """The best known of small rendered pairs: without EXIF, two photos tell a focal to some percent."""

    room: RenderedRoom
    pair: ImagePair
    relative: RelativeCamera


@pytest.fixture(scope="module")
def rendered(rendered_rooms: tuple[RenderedRoom, RenderedRoom]) -> Rendered:
    room = rendered_rooms[1]
    pair = predict_pair(*room.views()[:2], StereoRegressor(StereoConfig()))
    return Rendered(room, pair, relative_camera(pair))


def test_the_relative_camera_of_a_rendered_pair(rendered: Rendered) -> None:
    relative, true = rendered.relative, true_j_from_i(rendered.room.rig.cam_from_world)
    assert rotation_angle_deg(relative.j_from_i[:3, :3] @ true[:3, :3].T) < 0.2
    assert translation_angle_deg(relative.j_from_i, true) < 1.0
    assert relative.camera_i.fx == pytest.approx(RENDERED_FOCAL, rel=0.02)
    assert relative.camera_j.fx == pytest.approx(RENDERED_FOCAL, rel=0.02)


def test_matches_of_a_rendered_pair_are_where_they_should_be(rendered: Rendered) -> None:
    """Where depth is smooth: at its edges the true match of a sub-pixel place is anybody's guess."""
    matches, (depth_i, *_), rig = rendered.relative.matches, rendered.room.depths, rendered.room.rig
    depth = 1.0 / sample_bilinear(1.0 / depth_i, matches.pixels_i)
    smooth = np.abs(sample_nearest(depth_i, matches.pixels_i) / depth - 1.0) < 0.01
    assert smooth.sum() > 400
    points = transform_points(
        true_j_from_i(rig.cam_from_world), unproject(matches.pixels_i, depth, rig.cameras[0])
    )
    error = np.linalg.norm(project(points, rig.cameras[1]) - matches.pixels_j, axis=1)
    assert (error[smooth] < 1.0).mean() > 0.95


def test_depth_of_a_rendered_pair_in_one_scale(rendered: Rendered) -> None:
    maps, depths = depth_maps(rendered.pair, rendered.relative), rendered.room.depths[:2]
    trusted = [found.confidence > 2 for found in maps]
    scales = [
        np.median(depth[known] / found.depth[known])
        for found, depth, known in zip(maps, depths, trusted, strict=True)
    ]
    assert scales[1] == pytest.approx(scales[0], rel=0.01)
    for found, depth, known in zip(maps, depths, trusted, strict=True):
        assert known.mean() > 0.5
        assert np.median(np.abs(scales[0] * found.depth[known] / depth[known] - 1)) < 0.02


def test_the_same_photo_twice_has_no_parallax_and_says_so(rendered: Rendered) -> None:
    twin = replace(rendered.pair.view_i, name="twin.png")
    pair = predict_pair(rendered.pair.view_i, twin, StereoRegressor(StereoConfig()))
    with pytest.raises(ReconstructionError, match=r"0\.png: tells no focal.*from different places"):
        relative_camera(pair)
