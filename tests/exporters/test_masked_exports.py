"""Masked pixels give no point, no track and no depth, and trainers are told of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from PIL import Image
from plane_world import MIXED, plane_scene, with_lens, write_photos
from trainer_readers import nerfstudio_folder

from dust3r_sfm.dense.fused_cloud import CloudFusionConfig, fuse_points
from dust3r_sfm.exporters.colmap import colmap_model
from dust3r_sfm.exporters.colmap_dense import export_colmap_dense, read_array
from dust3r_sfm.exporters.config import ColmapDense, NerfstudioExport
from dust3r_sfm.exporters.nerfstudio import export_nerfstudio
from dust3r_sfm.geometry import project, transform_points
from dust3r_sfm.progress import Silent

SHOTS = with_lens(MIXED, -0.08)
MASKED = "phone/portrait.jpg"


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """The left half of the stored portrait is masked; of the others nothing is."""
    photos, masks = tmp_path_factory.mktemp("photos"), tmp_path_factory.mktemp("masks")
    write_photos(photos, SHOTS)
    keep = np.full((240, 320), 255, np.uint8)
    keep[:, :160] = 0
    (masks / "phone").mkdir()
    Image.fromarray(keep).save(masks / f"{MASKED}.png")
    return plane_scene(photos, SHOTS, masks)


def _masked_index(scene) -> int:
    return [view.name for view in scene.views].index(MASKED)


def test_the_mask_is_written_for_every_image(scene, tmp_path):
    export_nerfstudio(scene, tmp_path, NerfstudioExport(), Silent())
    for factor in (1, 2, 8):
        frames, _ = nerfstudio_folder(tmp_path, factor)
        for index, frame in enumerate(frames):
            assert frame.mask is not None
            keep = np.asarray(Image.open(frame.mask))
            with Image.open(frame.image) as image:
                assert image.size == keep.shape[::-1]
            if index != _masked_index(scene):
                assert (keep == 255).all()
                continue
            # Turned clockwise, the stored left half is the upper one.
            middle, slack = keep.shape[0] / 2, 0.02 * keep.shape[0] + 1
            assert (keep[: int(middle - slack)] == 0).all()
            assert (keep[int(middle + slack) :] == 255).all()


def test_no_depth_where_the_mask_is(scene, tmp_path):
    export_nerfstudio(scene, tmp_path / "ns", NerfstudioExport(downscales=0), Silent())
    frames, _ = nerfstudio_folder(tmp_path / "ns")
    depth = np.load(frames[_masked_index(scene)].depth)
    _upper_half_is_empty(depth)
    export_colmap_dense(scene, tmp_path / "dense", ColmapDense(), Silent())
    name = frames[_masked_index(scene)].image.name
    maps = tmp_path / "dense" / "stereo"
    _upper_half_is_empty(read_array(maps / "depth_maps" / f"{name}.geometric.bin")[..., 0])
    _upper_half_is_empty(np.abs(read_array(maps / "normal_maps" / f"{name}.geometric.bin")).sum(axis=-1))


def _upper_half_is_empty(values: np.ndarray) -> None:
    middle = values.shape[0] // 2
    assert (values[: middle - 2] == 0).all()
    assert (values[middle + 2 : -3] > 0).mean() > 0.9


def test_no_track_where_the_mask_is(scene, tmp_path):
    """The scene's own tracks run through the mask: an export must not rely on who made them."""
    number = _masked_index(scene) + 1
    model = colmap_model(scene, None)
    assert _upper_observations(model, number, portrait=False) == 0
    assert model.image(number).num_points3D > 10
    export_nerfstudio(scene, tmp_path, NerfstudioExport(depth=False, downscales=0), Silent())
    upright = pycolmap.Reconstruction(Path(tmp_path) / "sparse" / "0")
    assert _upper_observations(upright, number, portrait=True) == 0
    for each in (model, upright):
        assert all(point.track.length() >= 2 for point in each.points3D.values())


def _upper_observations(model: pycolmap.Reconstruction, number: int, portrait: bool) -> int:
    image = model.image(number)
    along = np.array([point.xy[1 if portrait else 0] for point in image.points2D])
    middle = (image.camera.height if portrait else image.camera.width) / 2
    return int((along < middle - 3).sum())


def test_no_dense_point_from_where_the_mask_is(scene):
    """Points that only this view could give: fused alone, it gives none of its masked half."""
    only = _masked_index(scene)
    cloud = fuse_points(scene, CloudFusionConfig(min_views=1, neighbours=0, max_points=None))
    camera, pose = scene.cameras[only], scene.cam_from_world[only]
    own = _alone(scene, only)
    pixels = project(transform_points(pose, fuse_points(own, CloudFusionConfig(min_views=1)).xyz), camera)
    assert (pixels[:, 1] > camera.height / 2 - 1).all()
    assert len(cloud) > len(pixels) > 1000


def _alone(scene, index: int):
    part = slice(index, index + 1)
    tracks = replace(
        scene.tracks,
        xyz=scene.tracks.xyz[:0],
        color=scene.tracks.color[:0],
        point_index=scene.tracks.point_index[:0],
        view_index=scene.tracks.view_index[:0],
        pixels=scene.tracks.pixels[:0],
    )
    return replace(
        scene,
        views=scene.views[part],
        cameras=scene.cameras[part],
        cam_from_world=scene.cam_from_world[part],
        depth=scene.depth[part],
        confidence=scene.confidence[part],
        tracks=tracks,
    )
