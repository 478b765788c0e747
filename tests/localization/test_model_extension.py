"""Localized photos in the reference's COLMAP model: what was there stays, what is new can be adjusted."""

from pathlib import Path

import numpy as np
import pycolmap
import pytest
from posed_room import QUERIES, PosedRoom, write_model

from dust3r_sfm.images import load_view
from dust3r_sfm.localization import Attempt, Localizer, Reference, ReferenceMap, prepare, read_reference
from dust3r_sfm.localization.model_extension import extend_model
from dust3r_sfm.regressors.stereo import StereoRegressor


def attempts(prepared: ReferenceMap, posed_room: PosedRoom, stereo: StereoRegressor) -> list[Attempt]:
    localizer = Localizer(prepared, stereo)
    views = [load_view(posed_room.photo(index), stereo.image_spec) for index in QUERIES]
    return [localizer.attempt(view, posed_room.camera(k)) for view, k in zip(views, QUERIES, strict=True)]


@pytest.fixture(scope="module")
def extended(
    reference: Reference, prepared: ReferenceMap, posed_room: PosedRoom, stereo: StereoRegressor
) -> pycolmap.Reconstruction:
    return extend_model(reference, prepared, attempts(prepared, posed_room, stereo))


def test_new_photos_and_what_they_see(extended: pycolmap.Reconstruction, posed_room: PosedRoom) -> None:
    names = {image.name: image for image in extended.images.values()}
    assert set(names) == {f"{k}.png" for k in range(5)}
    for index in range(5):
        pose = names[f"{index}.png"].cam_from_world().matrix()
        np.testing.assert_allclose(
            pose, posed_room.truth(index)[:3], atol=0.01 if index in QUERIES else 1e-12
        )
    assert names["1.png"].num_points3D > 100
    assert extended.compute_mean_reprojection_error() < 1.0
    for point in extended.points3D.values():
        images = [element.image_id for element in point.track.elements]
        assert len(images) == len(set(images)) >= 2
        assert point.color.any()
    some = {element.image_id for point in extended.points3D.values() for element in point.track.elements}
    assert len(some) == 5


def test_it_can_be_written_read_and_adjusted(
    extended: pycolmap.Reconstruction, posed_room: PosedRoom, tmp_path: Path
) -> None:
    extended.write_binary(str(tmp_path))
    model = pycolmap.Reconstruction(str(tmp_path))
    before = model.compute_mean_reprojection_error()
    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    options.refine_focal_length = options.refine_extra_params = False
    pycolmap.bundle_adjustment(model, options)
    model.update_point_3d_errors()
    assert model.compute_mean_reprojection_error() < before
    assert model.num_reg_images() == 5


def test_points_of_the_model_stay_and_are_seen_by_the_new_photos(
    extended: pycolmap.Reconstruction, posed_room: PosedRoom, stereo: StereoRegressor, tmp_path: Path
) -> None:
    """A model with points, of photos 0, 2 and 4: those that the run above made."""
    folder = tmp_path / "with_points"
    for image_id in [k for k, image in extended.images.items() if image.name in ("1.png", "3.png")]:
        extended.deregister_frame(extended.images[image_id].frame_id)
    folder.mkdir()
    extended.write_binary(str(folder))
    reference = read_reference(folder, posed_room.folder / "images")
    prepared = prepare(reference, stereo, tmp_path / "prepared")
    assert prepared.features is not None
    known = prepared.features.points.ids >= 0
    assert known.sum() > 0.9 * len(reference.points.ids) > 90
    found = extend_model(reference, prepared, attempts(prepared, posed_room, stereo))
    assert set(reference.points.ids.tolist()) < set(found.points3D)
    grown = 0
    for point_id, xyz in zip(reference.points.ids.tolist(), reference.points.xyz, strict=True):
        assert np.array_equal(found.points3D[point_id].xyz, xyz)
        grown += found.points3D[point_id].track.length() > 2
    assert grown > 50


def test_a_name_that_is_taken(
    prepared: ReferenceMap, posed_room: PosedRoom, stereo: StereoRegressor, tmp_path: Path
) -> None:
    localizer = Localizer(prepared, stereo)
    view = load_view(posed_room.photo(2), stereo.image_spec)
    write_model(posed_room.room, [0, 2, 4], tmp_path / "model")
    reference = read_reference(tmp_path / "model", posed_room.folder / "images")
    found = extend_model(reference, prepared, [localizer.attempt(view)])
    assert "queries/2.png" in {image.name for image in found.images.values()}


def test_without_a_model_one_is_made(
    prepared: ReferenceMap, posed_room: PosedRoom, stereo: StereoRegressor
) -> None:
    found = extend_model(
        Reference(posed_room.folder, prepared.photos), prepared, attempts(prepared, posed_room, stereo)
    )
    assert found.num_reg_images() == 5
    assert found.num_points3D() > 100
