"""Photos in, scenes out: every stage once, in order."""

import hashlib
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from dust3r_sfm.alignment import views_with_known_focals
from dust3r_sfm.exporters.atomic import written_whole
from dust3r_sfm.exporters.report import RunFacts
from dust3r_sfm.images import LoadedViews, load_views
from dust3r_sfm.inference import content_hash
from dust3r_sfm.pipeline.clock import StageClock
from dust3r_sfm.pipeline.config import ReconstructConfig, expected_cost, options_as_text
from dust3r_sfm.pipeline.known import presets_of_views
from dust3r_sfm.pipeline.memory import allowed_bytes, check_memory, expected_bytes, within_memory
from dust3r_sfm.pipeline.output import (
    Existing,
    RunRecord,
    as_output_error,
    check_output,
    publish,
    work_folder,
)
from dust3r_sfm.pipeline.pairing import pairs_by_name
from dust3r_sfm.pipeline.placing import Placing, placing_of_views
from dust3r_sfm.pipeline.plan import Plan, plan_run
from dust3r_sfm.pipeline.regressors import build_regressor
from dust3r_sfm.pipeline.results import write_results
from dust3r_sfm.pipeline.solving import solved
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.regressors.protocol import PointmapRegressor
from dust3r_sfm.types import Reconstruction, Scene, View
from dust3r_sfm.view_graph import Retrieval, ViewGraph

_logger = logging.getLogger(__name__)


def log_plan(plan: Plan) -> None:
    _logger.info("%s", plan)


def reconstruct(
    photos: Path | Sequence[Path],
    config: ReconstructConfig | None = None,
    output: Path | None = None,
    progress: Progress | None = None,
) -> Scene:
    """The largest scene of `reconstruct_all`."""
    return reconstruct_all(photos, config, output, progress).scenes[0]


def reconstruct_all(
    photos: Path | Sequence[Path],
    config: ReconstructConfig | None = None,
    output: Path | None = None,
    progress: Progress | None = None,
    *,
    existing: Existing = Existing.REFUSE,
    keep_work: bool = False,
    on_plan: Callable[[Plan], None] = log_plan,
) -> Reconstruction:
    """Reconstructs a folder or a list of photos; with `output`, also writes the result there.

    The files of `output` (see `output.RESULTS`) appear when all of them are ready. `on_plan` hears
    what is going to be done before the first pair. At least one scene comes back; photos that could
    not be read or placed are in `dropped` with the reason.
    Raises InputError (photos or options that cannot be used), OutputError (the folder is taken,
    cannot be written, or belongs to another run), ReconstructionError (no model came out).
    """
    config = config or ReconstructConfig()
    clock = StageClock(progress or Silent())
    if output is not None:
        check_output(output, existing, photos)
    regressor = build_regressor(config.regressor)
    loaded = load_views(photos, regressor.image_spec, config.masks)
    pairs = pairs_by_name(config.graph, regressor, loaded.views)
    config = _with_presets(config, loaded.views)
    loaded = replace(loaded, views=views_with_known_focals(loaded.views, config.alignment.presets))
    poses_given = len(config.alignment.presets.cam_from_world)
    place = placing_of_views(config.world, loaded.views, regressor, poses_given, config.seed)

    allowed = allowed_bytes(config.max_memory_gib)
    config = within_memory(config, allowed)

    def announce(graph: ViewGraph) -> None:
        needed = expected_bytes(loaded.views, graph, config)
        check_memory(needed, allowed, config)
        on_plan(plan_run(graph, regressor.name, expected_cost(config.regressor), loaded.skipped, needed))

    if output is None:
        return _placed(solved(regressor, loaded, pairs, config, None, clock, announce), place)
    record = _run_record(loaded, pairs, config)
    with work_folder(output, existing, record, keep_work) as work:
        reconstruction = _placed(solved(regressor, loaded, pairs, config, work, clock, announce), place)
        facts = _run_facts(regressor, loaded, clock)
        with as_output_error(output), written_whole(work / "results", replace=True) as results:
            write_results(reconstruction, facts, results, config, clock)
        publish(work / "results", output)
    return reconstruction


def _with_presets(config: ReconstructConfig, views: Sequence[View]) -> ReconstructConfig:
    """With what the files in `config.known` say of these views among the presets."""
    presets = presets_of_views(config.known, config.alignment.presets, views)
    return replace(config, alignment=replace(config.alignment, presets=presets))


def _placed(reconstruction: Reconstruction, place: Placing) -> Reconstruction:
    return replace(reconstruction, scenes=tuple(place(scene) for scene in reconstruction.scenes))


def _run_record(loaded: LoadedViews, pairs: ViewGraph | Retrieval, config: ReconstructConfig) -> RunRecord:
    options = options_as_text(config)
    if isinstance(pairs, ViewGraph):
        # A pairs file may have changed under the same name.
        options["pairs"] = hashlib.sha256(repr(pairs.pairs).encode()).hexdigest()
    return RunRecord({view.name: content_hash(view) for view in loaded.views}, options)


def _run_facts(regressor: PointmapRegressor, loaded: LoadedViews, clock: StageClock) -> RunFacts:
    clock.stop()
    return RunFacts(
        image_names=[view.name for view in loaded.views],
        skipped=loaded.skipped,
        regressor=regressor.name,
        stage_seconds=dict(clock.seconds),
        peak_memory_mib=_peak_memory_mib(),
    )


def _peak_memory_mib() -> float | None:
    if sys.platform == "win32":
        return None
    import resource

    # The kernel counts in KiB on Linux and in bytes on macOS.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
