"""Localization against the truth and against SIFT with the truly nearest references, in one run.

    python -m benchmarks.localization SET --strangers OTHER... --degrade dark blur recolour --json OUT

A SET has images/, gt/ (a COLMAP text model of the true cameras, one camera for all), gt/mapping_list.txt and
gt/query_list.txt. Its mapping photos with their true poses are the reference. Strangers are photos of other
places, evenly taken from folders, none of which may be given a pose. Degraded queries (`degrading.py`) are
placed by SIFT alone and by the features that are asked for. Seconds depend on the machine and on what else
runs on it: compare them with the rival's.
"""

import json
import platform
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from os import cpu_count
from pathlib import Path

import numpy as np
import pycolmap
import tyro

from benchmarks.degrading import Degradation, DegradingConfig, degrade_photos
from benchmarks.localization_baseline import Baseline, baselines
from dust3r_sfm.evaluation import read_posed_cameras
from dust3r_sfm.evaluation.localization import LocalizationScores, score_localization
from dust3r_sfm.geometry.cameras import mean_focal
from dust3r_sfm.geometry.colmap.cameras import camera_from_pycolmap
from dust3r_sfm.images import load_view
from dust3r_sfm.images.files import find_photos
from dust3r_sfm.io import PosedCamera
from dust3r_sfm.localization import Attempt, LocalizationConfig, Localizer, prepare, read_reference
from dust3r_sfm.regressors.choices import Keypoints
from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor
from dust3r_sfm.types import Camera, View

PACKAGES = ("dust3r-sfm", "pycolmap", "torch", "numpy", "scipy")


@dataclass(frozen=True)
class Options:
    set: tyro.conf.Positional[Path]
    """Folder with images/ and gt/."""
    top_k: int = 5
    """References a photo is compared with."""
    strangers: tuple[Path, ...] = ()
    """Folders of photos of other places."""
    num_strangers: int = 50
    """As many are taken from all of these folders together."""
    prepared: Path | None = None
    """Folder to keep the prepared references in."""
    features: Keypoints = "auto"
    """What is matched."""
    degrade: tuple[Degradation, ...] = ()
    """Recipes for worse queries, which are placed besides."""
    every: int = 1
    """Only every so manieth query."""
    thin: int = 1
    """Only every so manieth mapping photo."""
    skip_baseline: bool = False
    """Run ours alone."""
    json: Path | None = None
    """Where to write all figures."""


@dataclass(frozen=True)
class Result:
    """`median_s`, `mean_s`: seconds a query, its features included, `mean_cpu_s`: of all cores.
    `focal_error`: median over the queries of |estimated / true - 1|, `focal_within_3_percent` their share;
    None where focals were known."""

    scores: LocalizationScores
    median_s: float
    mean_s: float
    mean_cpu_s: float
    preparation_s: float | None = None
    focal_error: float | None = None
    focal_within_3_percent: float | None = None


@dataclass(frozen=True)
class Strangers:
    """`best_inliers`: of the stranger that comes closest to a pose, `worst_true_inliers` of the query that
    has fewest: the threshold has to lie between."""

    photos: int
    accepted: int
    best_inliers: int
    best_ratio: float
    worst_true_inliers: int
    worst_true_ratio: float
    threshold: int


@dataclass(frozen=True)
class Report:
    """`baselines`: by the error that their PnP-RANSAC allows. `degraded`: by recipe, then by what is matched;
    focals known."""

    known_focal: Result
    unknown_focal: Result
    baselines: dict[str, Result]
    degraded: dict[str, dict[str, Result]]
    strangers: Strangers | None


def main(options: Options) -> None:
    pycolmap.logging.minloglevel = int(pycolmap.logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="benchmark_") as temporary:
        report = measure(options, Path(temporary))
    print(json.dumps(asdict(report), indent=1))
    if options.json is not None:
        facts = {
            "python": platform.python_version(),
            "machine": {"processor": platform.machine(), "cores": cpu_count()},
            "versions": {package: version(package) for package in PACKAGES},
            "set": options.set.resolve().name,
            **{name: getattr(options, name) for name in ("top_k", "features", "every", "thin")},
            **asdict(report),
        }
        options.json.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def measure(options: Options, work: Path) -> Report:
    truth = read_posed_cameras(options.set / "gt")
    mapping = _read_listed(options.set / "gt" / "mapping_list.txt", truth, options.thin)
    queries = _read_listed(options.set / "gt" / "query_list.txt", truth, options.every)
    model = pycolmap.Reconstruction(str(options.set / "gt"))
    write_reference(model, set(mapping), work / "reference")
    regressor = StereoRegressor(StereoConfig(keypoints="sift"))
    reference = read_reference(work / "reference", options.set / "images")
    began_s = time.perf_counter()
    prepared = prepare(reference, regressor, options.prepared or work / "prepared")
    preparation_s = time.perf_counter() - began_s
    settings = LocalizationConfig(top_k=options.top_k)
    localizers = {
        keypoints: Localizer(prepared, StereoRegressor(StereoConfig(keypoints=keypoints)), settings)
        for keypoints in ("sift", options.features)
    }
    localizer = localizers[options.features]
    camera = model.cameras[min(model.cameras)]
    views = {name: load_view(options.set / "images" / name, regressor.image_spec) for name in queries}
    known, known_cpu_s = attempts(localizer, views, camera_from_pycolmap(camera))
    free, free_cpu_s = attempts(localizer, views, None)
    free_focal = result(free, queries, free_cpu_s, None)
    return Report(
        known_focal=result(known, queries, known_cpu_s, preparation_s),
        unknown_focal=with_focals(free_focal, free, camera.mean_focal_length()),
        baselines={} if options.skip_baseline else _rivals(options, camera, mapping, queries, work),
        degraded={
            how: _measure_degraded(options, how, localizers, queries, camera, work) for how in options.degrade
        },
        strangers=_strangers(options, localizer, known) if options.strangers else None,
    )


def _measure_degraded(
    options: Options,
    how: Degradation,
    localizers: Mapping[Keypoints, Localizer],
    queries: Mapping[str, PosedCamera],
    camera: pycolmap.Camera,
    work: Path,
) -> dict[str, Result]:
    folder = work / how
    degrade_photos(options.set / "images", queries, how, folder, DegradingConfig())
    out: dict[str, Result] = {}
    for keypoints, localizer in localizers.items():
        views = {name: load_view(folder / name, localizer.image_spec) for name in queries}
        found, cpu_s = attempts(localizer, views, camera_from_pycolmap(camera))
        out[keypoints] = result(found, queries, cpu_s, None)
    return out


def _read_listed(file: Path, truth: Mapping[str, PosedCamera], every: int) -> dict[str, PosedCamera]:
    return {name: truth[name] for name in file.read_text(encoding="utf-8").split()[::every]}


def write_reference(model: pycolmap.Reconstruction, names: set[str], folder: Path) -> None:
    """Cameras and poses of these photos alone, without points."""
    kept = pycolmap.Reconstruction()
    for camera in model.cameras.values():
        kept.add_camera_with_trivial_rig(camera)
    for image_id, image in sorted(model.images.items()):
        if image.name in names:
            posed = pycolmap.Image(name=image.name, camera_id=image.camera_id, image_id=image_id)
            kept.add_image_with_trivial_frame(posed, image.cam_from_world())
    folder.mkdir()
    kept.write_binary(str(folder))


def attempts(
    localizer: Localizer, views: Mapping[str, View], camera: Camera | None
) -> tuple[dict[str, Attempt], float]:
    """And the mean CPU seconds of one."""
    began_s = time.process_time()
    found = {name: localizer.attempt(view, camera) for name, view in views.items()}
    return found, (time.process_time() - began_s) / len(views)


def result(
    found: Mapping[str, Attempt],
    truth: Mapping[str, PosedCamera],
    cpu_s: float,
    preparation_s: float | None,
) -> Result:
    poses = {n: a.localization.cam_from_world for n, a in found.items() if a.localization is not None}
    seconds = [attempt.time_s for attempt in found.values()]
    scores = score_localization(poses, truth, list(found))
    return Result(scores, float(np.median(seconds)), float(np.mean(seconds)), cpu_s, preparation_s)


def with_focals(scored: Result, found: Mapping[str, Attempt], true_focal: float) -> Result:
    solved = [a.localization.camera for a in found.values() if a.localization is not None]
    errors = np.array([abs(mean_focal(camera) / true_focal - 1) for camera in solved])
    return replace(
        scored, focal_error=float(np.median(errors)), focal_within_3_percent=float((errors <= 0.03).mean())
    )


def _rivals(
    options: Options,
    camera: pycolmap.Camera,
    mapping: Mapping[str, PosedCamera],
    queries: Mapping[str, PosedCamera],
    work: Path,
) -> dict[str, Result]:
    folder = work / "baseline"
    folder.mkdir()
    found = baselines(options.set / "images", camera, mapping, queries, options.top_k, folder)
    return {f"{limit:.0f} px": _rival(one, queries) for limit, one in found.items()}


def _rival(found: Baseline, queries: Mapping[str, PosedCamera]) -> Result:
    seconds, cpu_s = list(found.seconds.values()), list(found.cpu_seconds.values())
    scores = score_localization(found.cam_from_world, queries)
    times = (float(np.median(seconds)), float(np.mean(seconds)), float(np.mean(cpu_s)))
    return Result(scores, *times, found.preparation_s)


def _strangers(options: Options, localizer: Localizer, true: Mapping[str, Attempt]) -> Strangers:
    photos = [path for folder in options.strangers for path in find_photos(folder).values()]
    chosen = np.unique(np.linspace(0, len(photos) - 1, options.num_strangers).astype(int))
    views = {str(k): load_view(photos[k], localizer.image_spec) for k in chosen}
    found, _ = attempts(localizer, views, None)
    return compare(list(found.values()), list(true.values()), localizer.config)


def compare(strangers: Sequence[Attempt], true: Sequence[Attempt], config: LocalizationConfig) -> Strangers:
    def ratio(attempt: Attempt) -> float:
        return attempt.num_inliers / max(attempt.num_matches, 1)

    return Strangers(
        photos=len(strangers),
        accepted=sum(attempt.localization is not None for attempt in strangers),
        best_inliers=max(attempt.num_inliers for attempt in strangers),
        best_ratio=max((ratio(attempt) for attempt in strangers), default=0.0),
        worst_true_inliers=min(attempt.num_inliers for attempt in true),
        worst_true_ratio=min(ratio(attempt) for attempt in true),
        threshold=config.min_inliers,
    )


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
