"""The reference's COLMAP model with the localized photos in it, and what they see."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pycolmap
from jaxtyping import Float, Int, UInt8

from dust3r_sfm.geometry import view_pixels
from dust3r_sfm.geometry.colmap.models import add_camera, add_image, model_of_photos
from dust3r_sfm.io.colmap_model import read_model
from dust3r_sfm.localization.absolute_pose import reprojection_errors
from dust3r_sfm.localization.attempt import Attempt
from dust3r_sfm.localization.mapping.photo_views import load_reference_view
from dust3r_sfm.localization.mapping.reference import PosedPhoto, Reference
from dust3r_sfm.localization.mapping.reference_map import ReferenceFeatures, ReferenceMap
from dust3r_sfm.localization.mapping.triangulation import NEW
from dust3r_sfm.localization.query_matches import NO_ROW, PointMatches
from dust3r_sfm.types import ImageSpec, Localization


@dataclass(frozen=True)
class _Sightings:
    """Which photos see the prepared points, and where (stored files): one row each, sorted by point."""

    point: Int[np.ndarray, " o"]
    photo: Int[np.ndarray, " o"]
    pixels: Float[np.ndarray, "o 2"]

    def of(self, point: int) -> list[tuple[int, Float[np.ndarray, "2"]]]:
        rows = slice(*np.searchsorted(self.point, [point, point + 1]).tolist())
        return list(zip(self.photo[rows].tolist(), self.pixels[rows], strict=True))


@dataclass
class _Growing:
    """A model that photos are added to. `image_ids`: of the reference photos, by their number in the
    prepared set. `point_ids`: the model's id of each prepared point that it has by now. `new`: for each
    reference photo the points that were made of what it sees, and its pixels there."""

    model: pycolmap.Reconstruction
    image_ids: dict[int, int]
    point_ids: dict[int, int]
    sightings: _Sightings
    new: dict[int, list[tuple[int, Float[np.ndarray, "2"]]]] = field(default_factory=dict)


def extend_model(
    reference: Reference, prepared: ReferenceMap, attempts: Sequence[Attempt]
) -> pycolmap.Reconstruction:
    """The model that was read (or one of the posed photos, where there was none), nothing of it changed,
    and in addition: a camera and an image for each localized photo, named `queries/NAME` where NAME is
    taken; its inliers as observations of the model's points, or of new points, which their reference
    photos then see too. A photo sees a point once, at one place: the best of several matches stands.

    Raises InputError where a reference photo cannot be read any more.
    """
    growing = _begin(reference, prepared)
    for attempt in attempts:
        if attempt.localization is not None:
            matches = _one_to_one(attempt.localization, attempt.inliers)
            image_id = _add_image(growing.model, attempt.localization, matches)
            for number in range(len(matches)):
                _observe(growing, image_id, number, matches)
    for index, points in growing.new.items():
        colours = colours_at(prepared.photos[index], np.array([pixel for _, pixel in points]))
        for (point_id, _), colour in zip(points, colours, strict=True):
            growing.model.points3D[point_id].color = colour
    growing.model.update_point_3d_errors()
    return growing.model


def _begin(reference: Reference, prepared: ReferenceMap) -> _Growing:
    photos = prepared.photos
    model = _posed_model(photos) if reference.model is None else read_model(reference.model)
    by_name = {image.name: image_id for image_id, image in model.images.items()}
    image_ids = {index: by_name[photo.name] for index, photo in enumerate(photos)}
    if prepared.features is None:
        empty = np.zeros(0, np.int64)
        return _Growing(model, image_ids, {}, _Sightings(empty, empty, np.zeros((0, 2))))
    ids = prepared.features.points.ids
    known = {row: int(ids[row]) for row in np.flatnonzero(ids != NEW).tolist()}
    return _Growing(model, image_ids, known, _sightings(prepared.features))


def _posed_model(photos: Sequence[PosedPhoto]) -> pycolmap.Reconstruction:
    names, cameras = [photo.name for photo in photos], [photo.camera for photo in photos]
    return model_of_photos(
        names, cameras, [photo.cam_from_world for photo in photos], [np.zeros((0, 2))] * len(photos)
    )


def _sightings(features: ReferenceFeatures) -> _Sightings:
    """A photo that shows a point at several features has it at the first of them."""
    of_feature = features.points.point_of_feature
    point = np.concatenate(of_feature)
    photo = np.concatenate([np.full(len(rows), index) for index, rows in enumerate(of_feature)])
    pixels = np.concatenate(features.pixels)
    order = np.lexsort((photo, point))
    order = order[point[order] >= 0]
    twice = np.diff(point[order], prepend=-1) == 0
    twice &= np.diff(photo[order], prepend=-1) == 0
    order = order[~twice]
    return _Sightings(point[order], photo[order], pixels[order])


def _one_to_one(found: Localization, inliers: PointMatches) -> PointMatches:
    """Each place and each point once, the best matches first."""
    errors = reprojection_errors(inliers.pixels, inliers.points, found.cam_from_world, found.camera)
    ordered = inliers.at(np.argsort(errors, kind="stable"))
    ordered = ordered.at(_first_of_equal(ordered.pixels))
    return ordered.at(_first_of_equal(ordered.points))


def _first_of_equal(rows: Float[np.ndarray, "n d"]) -> Int[np.ndarray, " m"]:
    return np.sort(np.unique(rows, axis=0, return_index=True)[1])


def _add_image(model: pycolmap.Reconstruction, found: Localization, matches: PointMatches) -> int:
    camera_id, image_id = max(model.cameras, default=0) + 1, max(model.images, default=0) + 1
    add_camera(model, camera_id, found.camera)
    taken = {image.name for image in model.images.values()}
    name = found.name
    while name in taken:
        name = f"queries/{name}"
    add_image(model, image_id, camera_id, name, matches.pixels, found.cam_from_world)
    return image_id


def _observe(growing: _Growing, image_id: int, number: int, matches: PointMatches) -> None:
    """2D point `number` of the image sees the point of that match, which is made if the model lacks it."""
    model, row = growing.model, int(matches.point_row[number])
    known = growing.point_ids.get(row)
    if known is not None:
        model.add_observation(known, pycolmap.TrackElement(image_id, number))
        return
    place = int(matches.reference[number]), matches.reference_pixels[number]
    seen = [place] if row == NO_ROW else growing.sightings.of(row)
    track = pycolmap.Track()
    track.add_element(image_id, number)
    for index, pixel in seen:
        image = model.images[growing.image_ids[index]]
        image.points2D.append(pycolmap.Point2D(pixel))
        track.add_element(growing.image_ids[index], image.num_points2D() - 1)
    point_id = model.add_point3D(matches.points[number], track)
    growing.new.setdefault(seen[0][0], []).append((point_id, seen[0][1]))
    if row != NO_ROW:
        growing.point_ids[row] = point_id


def colours_at(
    photo: PosedPhoto, pixels: Float[np.ndarray, "n 2"], long_edge_px: int = 1024
) -> UInt8[np.ndarray, "n 3"]:
    """What a photo shows at pixels of its stored file, read at up to `long_edge_px`, which evens noise
    out."""
    view = load_reference_view(photo, ImageSpec(long_edge_px))
    width, height = view.size
    places = view_pixels(view, pixels).astype(np.int64)
    column, row = np.clip(places, 0, [width - 1, height - 1]).T
    return view.image[row, column]
