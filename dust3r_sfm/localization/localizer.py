"""Where was this photo taken? Retrieval, matches with 3D points, one robust pose, and the reasons where
there is none."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry.view_cameras import view_scale
from dust3r_sfm.inference.global_descriptors import require_descriptors
from dust3r_sfm.io.photo_names import shown
from dust3r_sfm.localization.absolute_pose import (
    SolvedPose,
    pose_covariance,
    solve_pose,
    solve_pose_and_focal,
)
from dust3r_sfm.localization.attempt import Attempt
from dust3r_sfm.localization.config import LocalizationConfig
from dust3r_sfm.localization.mapping.learned_map import StrongerReferences
from dust3r_sfm.localization.mapping.pose_consistency import median_depth, transfer_pose
from dust3r_sfm.localization.mapping.reference import PosedPhoto
from dust3r_sfm.localization.mapping.reference_map import ReferenceMap
from dust3r_sfm.localization.query_matches import (
    PointMatches,
    count_places,
    matches_by_features,
    matches_by_predictions,
    pool_matches,
    select_best_of_places,
)
from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.protocol import (
    Encoding,
    HasStrongerFeatures,
    MatchesFeatures,
    PointmapRegressor,
)
from dust3r_sfm.retrieval import diverse_neighbours
from dust3r_sfm.types import Camera, FocalSource, ImageSpec, Localization, View

_logger = logging.getLogger(__name__)


class Localizer:
    """Places photos in the world of a prepared reference set; `regressor` is the one it was prepared with."""

    def __init__(
        self, prepared: ReferenceMap, regressor: PointmapRegressor, config: LocalizationConfig | None = None
    ) -> None:
        self.prepared, self.config = prepared, config or LocalizationConfig()
        self._regressor = regressor
        self._agreed = None if prepared.features is None else prepared.features.points.agreed
        self._bent = _cameras_with_a_lens(prepared.photos)
        self._stronger = _stronger_references(prepared, regressor, self.config)
        self._always_stronger = isinstance(regressor, HasStrongerFeatures) and regressor.always_stronger
        self._row = {photo.name: index for index, photo in enumerate(prepared.photos)}

    @property
    def image_spec(self) -> ImageSpec:
        """What `load_view` has to make of the photos."""
        return self._regressor.image_spec

    def localize(self, view: View, camera: Camera | None = None) -> Localization | None:
        """None, with the reason logged, where no pose can be vouched for. Without a `camera` (of the stored
        file) the photo is taken for one without a lens, or with that of the references of its size, whichever
        fits better: its focal from EXIF is a prior, and without EXIF it is solved for."""
        found = self.attempt(view, camera)
        if found.localization is None:
            _logger.warning("%s: not localized: %s", shown(view.name), found.reason)
        return found.localization

    def attempt(
        self, view: View, camera: Camera | None = None, references: Sequence[str] | None = None
    ) -> Attempt:
        """`references`: names of photos to compare with, in place of those that look most like it; names
        that the prepared set lacks are passed over."""
        began_s = time.perf_counter()
        (encoding,) = self._regressor.encode([view])
        chosen = self._nearest(encoding) if references is None else self._rows_named(references)
        plain = self._matches(view, encoding, chosen)
        attempt = self._attempt(view, camera, plain, chosen)
        if self._stronger is not None and self._is_weak(attempt):
            matches = [*plain, *self._stronger.matches(view, chosen)]
            again = self._attempt(view, camera, matches, chosen)
            attempt = max(attempt, again, key=lambda one: (one.localization is not None, one.num_inliers))
        return replace(attempt, time_s=time.perf_counter() - began_s)

    def prepare_stronger(self, progress: Progress) -> None:
        """Where stronger features are wanted for all photos, those of all references now."""
        if self._stronger is not None and self._always_stronger:
            self._stronger.prepare(progress)

    def _is_weak(self, attempt: Attempt) -> bool:
        weak = attempt.localization is None or attempt.num_inliers < self.config.weak_inliers
        return bool(attempt.references) and (weak or self._always_stronger)

    def _attempt(
        self, view: View, camera: Camera | None, parts: Sequence[PointMatches], chosen: Sequence[int]
    ) -> Attempt:
        """What comes of these matches with the chosen references; the time is not known yet."""
        matches = pool_matches(parts)
        solved, source = self._solve(view, matches.pixels, matches.agreed, camera)
        rows = np.zeros(0, np.int64)
        if solved is not None:
            rows = select_best_of_places(matches, solved.errors_px, np.flatnonzero(solved.inliers))
        places, inliers = count_places(matches), matches.at(rows)
        reason = self._complaint(len(inliers), places, len(chosen), solved is not None)
        names = tuple(self.prepared.photos[index].name for index in chosen)
        localization = None
        if solved is not None and reason is None:
            errors_px = solved.errors_px[rows]
            localization = self._localization(view.name, solved, source, inliers, errors_px, places, names)
        return Attempt(view.name, localization, reason, names, places, len(inliers), inliers, 0.0)

    def _nearest(self, encoding: Encoding) -> list[int]:
        local = require_descriptors(self._regressor).local_descriptors(encoding)
        query = self.prepared.vlad.describe(local)[None]
        config = self.config
        found = diverse_neighbours(
            self.prepared.descriptors, config.top_k, config.diversity, query, config.search
        )
        return found.index[0].tolist()

    def _rows_named(self, names: Sequence[str]) -> list[int]:
        return [self._row[name] for name in names if name in self._row]

    def _matches(self, view: View, encoding: Encoding, references: Sequence[int]) -> list[PointMatches]:
        prepared, regressor = self.prepared, self._regressor
        if not references:
            return []
        if prepared.features is not None and isinstance(regressor, MatchesFeatures):
            return matches_by_features(regressor, view, encoding, prepared, prepared.features, references)
        assert prepared.depth is not None, "prepared with another kind of regressor"
        return matches_by_predictions(
            regressor, view, encoding, prepared, prepared.depth, references, self.config
        )

    def _solve(
        self,
        view: View,
        pixels: Float[np.ndarray, "n 2"],
        points: Float[np.ndarray, "n 3"],
        camera: Camera | None,
    ) -> tuple[SolvedPose | None, FocalSource]:
        if camera is not None:
            return solve_pose(pixels, points, camera, False, self.config), FocalSource.GIVEN
        size = view.original_size
        free = solve_pose_and_focal(pixels, points, size, self.config, self._bent.get(size))
        if view.exif_focal_px is None:
            return free, FocalSource.SOLVED
        start = _pinhole(view.original_size, view.exif_focal_px / view_scale(view))
        guided = solve_pose(pixels, points, start, True, self.config)
        if free is not None and (guided is None or guided.num_inliers < free.num_inliers):
            return free, FocalSource.SOLVED
        return guided, FocalSource.EXIF

    def _complaint(self, inliers: int, matches: int, references: int, solved: bool) -> str | None:
        """Why the pose is not to be trusted, if it is not."""
        config = self.config
        if references == 0:
            return "no reference photo to compare it with"
        if matches < config.min_inliers:
            return (
                f"{matches} matches with 3D points of {references} references, {config.min_inliers} needed: "
                "it shows another place, or too little of this one"
            )
        if not solved:
            return f"its {matches} matches with 3D points agree on no pose"
        ratio = inliers / matches
        if inliers < config.min_inliers:
            return f"{inliers} of {matches} matches agree on a pose, {config.min_inliers} needed"
        if ratio < config.min_inlier_ratio:
            return (
                f"only {ratio:.0%} of {matches} matches agree on a pose, {config.min_inlier_ratio:.0%} needed"
            )
        return None

    def _localization(
        self,
        name: str,
        solved: SolvedPose,
        source: FocalSource,
        inliers: PointMatches,
        errors_px: Float[np.ndarray, " n"],
        places: int,
        references: tuple[str, ...],
    ) -> Localization:
        """`places`: of the photo that have matches, `errors_px`: of the inliers."""
        pose, known = solved.cam_from_world, source is FocalSource.GIVEN
        covariance = pose_covariance(inliers.agreed, errors_px, pose, solved.camera, known)
        if self._agreed is not None:
            depth = median_depth(pose, inliers.agreed)
            pose, spread = transfer_pose(
                pose, self._agreed, self.prepared.photos, depth, self.config.pose_transfer
            )
            covariance = covariance + spread
        return Localization(
            name=name,
            cam_from_world=pose,
            camera=solved.camera,
            focal_source=source,
            pixels=inliers.pixels,
            points=inliers.points,
            inlier_ratio=len(inliers) / places,
            median_error_px=float(np.median(errors_px)),
            covariance=covariance,
            confidence=len(inliers) / (len(inliers) + self.config.min_inliers),
            references=references,
        )


def _stronger_references(
    prepared: ReferenceMap, regressor: PointmapRegressor, config: LocalizationConfig
) -> StrongerReferences | None:
    if prepared.features is None or not isinstance(regressor, HasStrongerFeatures):
        return None
    source = regressor.stronger_features
    if source is None:
        return None
    return StrongerReferences(prepared, source, regressor.image_spec, config.stronger)


def _cameras_with_a_lens(photos: Sequence[PosedPhoto]) -> dict[tuple[int, int], Camera]:
    """For each size the camera that all references of it share, if that is not a pinhole."""
    found: dict[tuple[int, int], set[Camera]] = {}
    for photo in photos:
        found.setdefault((photo.camera.width, photo.camera.height), set()).add(photo.camera)
    shared = {size: next(iter(cameras)) for size, cameras in found.items() if len(cameras) == 1}
    return {size: camera for size, camera in shared.items() if not camera.is_pinhole}


def _pinhole(size: tuple[int, int], focal_px: float) -> Camera:
    return Camera("SIMPLE_PINHOLE", *size, (focal_px, size[0] / 2, size[1] / 2))
