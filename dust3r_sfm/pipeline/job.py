"""A run with all checked that can be before its first pair."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dust3r_sfm.alignment import views_with_known_focals
from dust3r_sfm.images import LoadedViews, load_views
from dust3r_sfm.pipeline.config import ReconstructConfig, expected_cost
from dust3r_sfm.pipeline.known.cameras import (
    presets_of_views,
    read_known_cameras,
    rectification_of_cameras,
)
from dust3r_sfm.pipeline.known.world import Georegistration, georegistration_of_views
from dust3r_sfm.pipeline.memory import (
    allowed_bytes,
    check_memory,
    expected_bytes,
    loading_bytes,
    within_memory,
)
from dust3r_sfm.pipeline.pair_selection import pairs_by_name
from dust3r_sfm.pipeline.plan import Plan, plan_run
from dust3r_sfm.pipeline.regressors import build_regressor, choose_effort, fetch_regressor
from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.protocol import HasQuickWay, PointmapRegressor
from dust3r_sfm.view_graph import Retrieval, ViewGraph


@dataclass(frozen=True)
class Job:
    """`config` with what files said of these views in its presets, and within the memory allowed. `pairs`: by
    name, or how they are going to be found. `place`: what becomes of a finished scene."""

    regressor: PointmapRegressor
    loaded: LoadedViews
    pairs: ViewGraph | Retrieval
    config: ReconstructConfig
    allowed_bytes: int
    place: Georegistration
    fast: bool

    @property
    def regressor_name(self) -> str:
        """For the plan and the report."""
        return self.regressor.name + (" (fast mode, see --fast-above)" if self.fast else "")


def prepare_job(photos: Path | Sequence[Path], config: ReconstructConfig, progress: Progress) -> Job:
    """Stages on `progress`: those of `fetch_regressor`, then "Reading photos". Raises InputError for photos
    or options that cannot be used."""
    fetch_regressor(config.regressor, progress)
    regressor = build_regressor(config.regressor)
    allowed = allowed_bytes(config.max_memory_gib)
    camera_of = read_known_cameras(config.known, config.alignment.presets)
    are_cameras_known = config.known.cameras is not None or config.alignment.presets.cameras
    rectification_of = rectification_of_cameras(camera_of) if are_cameras_known else None
    loaded = load_views(
        photos, regressor.image_spec, config.masks, loading_bytes(allowed), progress, rectification_of
    )
    suited = choose_effort(config.regressor, len(loaded.views), config.fast_above)
    is_fast = suited != config.regressor
    if is_fast:
        config, regressor = replace(config, regressor=suited), build_regressor(suited)
    pairs = pairs_by_name(config.graph, regressor, loaded.views)
    presets = presets_of_views(config.known, config.alignment.presets, loaded.views, camera_of)
    views = views_with_known_focals(loaded.views, presets)
    job = Job(
        regressor,
        replace(loaded, views=views),
        pairs,
        within_memory(replace(config, alignment=replace(config.alignment, presets=presets)), allowed),
        allowed,
        georegistration_of_views(config.world, views, regressor, len(presets.cam_from_world), config.seed),
        is_fast,
    )
    if isinstance(pairs, ViewGraph):
        plan_of(job, pairs)
    return job


def plan_of(job: Job, graph: ViewGraph) -> Plan:
    """Raises InputError where these pairs are sure to take more memory than is allowed."""
    needed = expected_bytes(job.loaded.views, graph, job.config)
    check_memory(needed, job.allowed_bytes, job.config)
    cost = expected_cost(job.config.regressor)
    more_s = None
    if isinstance(job.regressor, HasQuickWay) and job.regressor.quick is not None:
        more_s = job.regressor.most_more_s
    return plan_run(graph, job.regressor_name, cost, job.loaded.skipped, needed, more_s)
