"""A network that knows the truth, from photos to poses: all between its tokens and the model is real."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pycolmap
import pytest
import torch
from jaxtyping import Float
from known_room import HEIGHT, WIDTH, Room, make_room
from scipy.spatial.transform import Rotation
from seeded_networks import loaded
from torch import Tensor

from dust3r_sfm.alignment import AlignmentConfig
from dust3r_sfm.geometry import invert_rigid, pixel_grid, transform_points, unproject
from dust3r_sfm.networks import Dust3r, NetworkConfig, ViewOutput
from dust3r_sfm.networks.config import LinearHeadConfig
from dust3r_sfm.networks.dust3r import Prepared
from dust3r_sfm.pipeline import ReconstructConfig, reconstruct
from dust3r_sfm.regressors.network import NetworkRegressor, NetworkRegressorConfig
from dust3r_sfm.types import Scene

COUNT = 4
PATCH = 8


@pytest.fixture(scope="module")
def room() -> Room:
    return make_room("hall", 1, COUNT)


class Oracle(Dust3r):
    """Tokens say which photo it is; pointmaps are the truth, in the frame of a camera that looks where
    the published networks take the optical axis to be: half a pixel right of and below the middle."""

    def __init__(self, room: Room, first_pixel_centre: float) -> None:
        sizes = {"enc_embed_dim": 8, "enc_depth": 1, "enc_num_heads": 1}
        sizes |= {"dec_embed_dim": 8, "dec_depth": 1, "dec_num_heads": 1}
        super().__init__(
            NetworkConfig(
                long_edge=WIDTH,
                patch_size=PATCH,
                head=LinearHeadConfig(),
                first_pixel_centre=first_pixel_centre,
                **sizes,
            )
        )
        self.room = room

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        pixels = ((images * 0.5 + 0.5) * 255).round().byte().movedim(1, -1).numpy()
        found = [[np.array_equal(one, known) for known in self.room.images].index(True) for one in pixels]
        tokens = WIDTH * HEIGHT // PATCH**2
        return torch.tensor(found).float()[:, None, None].expand(len(found), tokens, 8).clone()

    def prepare(self, role, tokens, grid):
        return Prepared(tokens, ())

    def decode_prepared(self, prepared_i, prepared_j, grid_i, grid_j):
        of_both = (prepared.tokens[:, 0, 0].int().tolist() for prepared in (prepared_i, prepared_j))
        indices = zip(*of_both, strict=True)
        pairs = [(self.points(i, i), self.points(i, j)) for i, j in indices]
        return tuple(
            ViewOutput(torch.stack(side), torch.full((len(pairs), HEIGHT, WIDTH), 10.0))
            for side in zip(*pairs, strict=True)
        )

    def points(self, frame: int, seen_by: int) -> Float[Tensor, "h w 3"]:
        rig = self.room.rig
        camera, poses = rig.cameras[seen_by], rig.cam_from_world
        points = unproject(pixel_grid(HEIGHT, WIDTH), self.room.depths[seen_by], camera)
        in_frame = transform_points(poses[frame] @ invert_rigid(poses[seen_by]), points.reshape(-1, 3))
        return (
            torch.from_numpy(turned_aside(rig.cameras[frame].fx).apply(in_frame))
            .float()
            .view(HEIGHT, WIDTH, 3)
        )


def turned_aside(focal: float) -> Rotation:
    """network_from_camera: takes the ray half a pixel right of and below the axis to the axis."""
    ray = np.array([0.5, 0.5, focal])
    about = np.cross(ray, [0.0, 0.0, 1.0])
    angle = np.arctan(np.hypot(0.5, 0.5) / focal)
    return Rotation.from_rotvec(angle * about / np.linalg.norm(about))


@pytest.fixture
def use(room: Room, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Makes the pipeline use an oracle that says of itself where it has the first pixel."""

    def install(first_pixel_centre: float) -> None:
        oracle = loaded(Oracle(room, first_pixel_centre).eval())
        regressor = NetworkRegressor(NetworkRegressorConfig("given"), oracle)
        monkeypatch.setattr("dust3r_sfm.pipeline.job.build_regressor", lambda config: regressor)

    return install


@pytest.fixture
def photos(room: Room, tmp_path: Path) -> Path:
    room.write(tmp_path / "photos")
    return tmp_path / "photos"


def rotation_errors_deg(scene: Scene, room: Room) -> np.ndarray:
    found = scene.cam_from_world[:, :3, :3] @ scene.cam_from_world[0, :3, :3].T
    true = room.rig.cam_from_world[:, :3, :3] @ room.rig.cam_from_world[0, :3, :3].T
    return np.rad2deg(Rotation.from_matrix(found @ true.transpose(0, 2, 1)).magnitude())


def test_the_half_pixel_is_turned_back_and_poses_are_the_true_ones(
    room: Room, photos: Path, use: Callable[[float], None]
) -> None:
    aligned_only = ReconstructConfig(alignment=AlignmentConfig(bundle=None))
    use(0.0)
    scene = reconstruct(photos, aligned_only)
    assert len(scene.views) == COUNT
    assert rotation_errors_deg(scene, room).max() < 1e-3
    assert scene.cameras[0].fx == pytest.approx(room.rig.cameras[0].fx, rel=1e-5)
    use(0.5)
    scene = reconstruct(photos, aligned_only)
    assert rotation_errors_deg(scene, room).max() > 0.02


def test_matches_of_its_pointmaps_take_nothing_from_poses_that_are_right(
    room: Room, photos: Path, tmp_path: Path, use: Callable[[float], None]
) -> None:
    """Rounded to pixels they did: bundle adjustment on them turned cameras by 0.9 degrees."""
    use(0.0)
    scene = reconstruct(photos, output=tmp_path / "out")
    assert len(scene.views) == COUNT
    assert len(scene.tracks.xyz) > 500
    assert rotation_errors_deg(scene, room).max() < 0.01
    model = pycolmap.Reconstruction(tmp_path / "out" / "sparse" / "0")
    assert model.num_images() == COUNT
    assert model.compute_mean_reprojection_error() < 0.1
