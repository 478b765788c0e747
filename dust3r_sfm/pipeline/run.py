"""Photos in, scenes out: every stage once, in order."""

import hashlib
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from dust3r_sfm.exporters.report import RunFacts
from dust3r_sfm.inference import content_hash
from dust3r_sfm.io.atomic import write_atomically
from dust3r_sfm.pipeline.clock import StageClock
from dust3r_sfm.pipeline.config import ReconstructConfig, options_as_text
from dust3r_sfm.pipeline.job import Job, plan_of, prepare_job
from dust3r_sfm.pipeline.output import Existing, as_output_error, check_output, publish
from dust3r_sfm.pipeline.plan import Plan
from dust3r_sfm.pipeline.results import results_bytes, write_results
from dust3r_sfm.pipeline.run_inputs import check_inputs_are_spared, given_inputs
from dust3r_sfm.pipeline.scenes import reconstruct_job
from dust3r_sfm.pipeline.work_folder import RunRecord, work_folder
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.types import Reconstruction, Scene
from dust3r_sfm.view_graph import ViewGraph

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
    command: str | None = None,
) -> Reconstruction:
    """Reconstructs a folder or a list of photos; with `output`, also writes the result there.

    The files of `output` (see `output.RESULTS`) appear when all of them are ready. `on_plan` hears
    what is going to be done before the first pair; `command` is the command line, for the report. At
    least one scene comes back; photos that could not be read or placed are in `dropped` with the reason.
    Raises InputError (photos or options that cannot be used), OutputError (the folder is taken,
    cannot be written, or belongs to another run), ReconstructionError (no model came out).
    """
    config = config or ReconstructConfig()
    clock = StageClock(progress or Silent())
    if output is not None:
        check_output(output, existing, photos)
        check_inputs_are_spared(output, given_inputs(photos, config))
    job = prepare_job(photos, config, clock)

    def announce(graph: ViewGraph) -> None:
        on_plan(plan_of(job, graph))

    if output is None:
        return reconstruct_job(job, None, clock, announce)
    # Photos may be links that lead into the output.
    check_inputs_are_spared(output, [("a photo", v.path) for v in job.loaded.views if v.path is not None])
    with work_folder(output, existing, _run_record(job), keep_work) as work:
        reconstruction = reconstruct_job(job, work, clock, announce)
        facts = _run_facts(job, clock, command)
        needed = results_bytes(reconstruction, config)
        with as_output_error(output, needed), write_atomically(work / "results", replace=True) as results:
            write_results(reconstruction, job.loaded.views, facts, results, config, clock)
        publish(work / "results", output)
    return reconstruction


def _run_record(job: Job) -> RunRecord:
    options = options_as_text(job.config)
    if isinstance(job.pairs, ViewGraph):
        # A pairs file may have changed under the same name.
        options["pairs"] = hashlib.sha256(repr(job.pairs.pairs).encode()).hexdigest()
    return RunRecord({view.name: content_hash(view) for view in job.loaded.views}, options)


def _run_facts(job: Job, clock: StageClock, command: str | None) -> RunFacts:
    clock.stop()
    return RunFacts(
        image_names=[view.name for view in job.loaded.views],
        skipped=job.loaded.skipped,
        regressor=job.regressor_name,
        stage_seconds=dict(clock.seconds),
        peak_memory_mib=_peak_memory_mib(),
        command=command,
    )


def _peak_memory_mib() -> float | None:
    if sys.platform == "win32":
        return None
    import resource

    # The kernel counts in KiB on Linux and in bytes on macOS.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
