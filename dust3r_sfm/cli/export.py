"""`dust3r-sfm export`: options to a format, the call, and what was written."""

import shlex
from typing import TypeVar

from dust3r_sfm.cli.options import Export, Format
from dust3r_sfm.cli.options.library import points_of
from dust3r_sfm.cli.reporting import Planned, Reporter, Step, Summary
from dust3r_sfm.dense import CloudFusionConfig
from dust3r_sfm.dense.choices import CloudChoices
from dust3r_sfm.dense.floaters import FloaterConfig
from dust3r_sfm.errors import InputError
from dust3r_sfm.exporters.config import (
    ColmapDataset,
    ColmapDense,
    ColmapExport,
    GlbChoices,
    ImageForm,
    NerfstudioExport,
    Transfer,
)
from dust3r_sfm.exporters.formats import ColmapDatabase, DepthExport, ExportFormat, GlbExport, PlyExport
from dust3r_sfm.io.outputs.own_files import check_spared
from dust3r_sfm.pipeline.export import export_scene, load_saved_scene, prepare_scene

Number = TypeVar("Number", int, float)

_MODEL = ("--max-points", "--min-observations")
_PHOTOS = ("--photos", "--images", "--long-edge")
_CLOUD = ("--max-points", "--min-views", "--min-confidence")
_MEANT_FOR: dict[Format, tuple[str, ...]] = {
    "colmap": (*_PHOTOS, *_MODEL, "--keep-distortion"),
    "nerfstudio": (
        *(*_PHOTOS, *_MODEL, "--keep-distortion", "--downscales", "--no-depth", "--min-confidence", "--up"),
    ),
    "colmap-dense": (*_PHOTOS, *_MODEL, "--min-confidence"),
    "colmap-database": (),
    "ply": (*_CLOUD, "--mesh", "--remove-floaters"),
    "glb": (*_CLOUD, "--mesh", "--remove-floaters", "--up", "--cameras", "--camera-size"),
    "depth": (),
}


def run_export(command: Export, reporter: Reporter) -> None:
    config = export_format(command)
    scene = load_saved_scene(command.scene, command.image.photos)
    if command.output.is_dir() and any(command.output.iterdir()):
        check_spared(command.output, [("the scene itself", command.scene)])
    count, kind = len(scene.views), command.format
    line = f"{count} images of {command.scene}, to be written as {kind}"
    reporter.announce(Planned((line,), {"images": count, "format": kind}))
    scene = prepare_scene(scene, command.look.up, command.look.sky, reporter.progress)
    names = export_scene(scene, command.output, config, reporter.progress, overwrite=command.overwrite)
    reporter.conclude(
        Summary(
            (f"{count} images, in {command.output}: {', '.join(names)}",),
            {"images": count, "format": kind, "out": str(command.output), "files": list(names)},
            _steps(command),
        )
    )


def _steps(command: Export) -> tuple[Step, ...]:
    output = shlex.quote(str(command.output))
    return (Step("next", f"ns-train splatfacto --data {output}"),) if command.format == "nerfstudio" else ()


def export_format(command: Export) -> ExportFormat:
    """The options as the library takes them. Raises InputError for those it cannot, and for those that
    mean nothing to the format."""
    _check_meant(command)
    _check_ranges(command)
    image, points = command.image, command.points
    confidence = _default_if_none(points.min_confidence, CloudChoices.min_confidence)
    model = ColmapExport(
        max_points=_budget(command, ColmapExport.max_points),
        min_observations=_default_if_none(points.min_observations, ColmapExport.min_observations),
    )
    form = ImageForm(undistorted=not image.keep_distortion, long_edge=image.long_edge)
    if command.format == "colmap" and image.images == "leave":
        return model
    transfer: Transfer = "link" if image.images == "link" else "copy"
    if command.format == "colmap":
        return ColmapDataset(form, transfer, model)
    if command.format == "nerfstudio":
        downscales = _default_if_none(image.downscales, NerfstudioExport.downscales)
        return NerfstudioExport(form, transfer, model, downscales, not image.no_depth, confidence)
    if command.format == "colmap-dense":
        return ColmapDense(image.long_edge, transfer, model, confidence)
    if command.format == "colmap-database":
        return ColmapDatabase()
    fusion = CloudFusionConfig(
        min_views=_default_if_none(points.min_views, CloudChoices.min_views),
        min_confidence=confidence,
        max_points=_budget(command, CloudChoices.max_points),
    )
    floaters = FloaterConfig() if points.remove_floaters else None
    if command.format == "ply":
        return PlyExport(fusion, floaters, mesh=points.mesh)
    if command.format == "depth":
        return DepthExport()
    look = command.look
    return GlbExport(
        fusion,
        floaters,
        mesh=points.mesh,
        cameras=look.cameras or GlbChoices.cameras,
        camera_size=_default_if_none(look.camera_size, GlbChoices.camera_size),
    )


def _budget(command: Export, default: int | None) -> int | None:
    given = command.points.max_points
    return default if given is None else points_of(given)


def _default_if_none(given: Number | None, default: Number) -> Number:
    return default if given is None else given


def _check_meant(command: Export) -> None:
    for option in _given_options(command):
        if option not in _MEANT_FOR[command.format]:
            raise InputError(f"{option}: means nothing to --format {command.format}; leave it out")
    if command.image.images != "leave":
        return
    if command.format != "colmap":
        raise InputError(f"--images leave: a {command.format} folder needs its images; use copy or link")
    if command.image.long_edge is not None or command.image.keep_distortion:
        raise InputError("--images leave: the model is of the stored photos; leave out other image options")


def _given_options(command: Export) -> list[str]:
    look = {name: value for name, value in vars(command.look).items() if name != "sky"}
    values = {**vars(command.image), **vars(command.points), **look}
    return [f"--{name.replace('_', '-')}" for name, value in values.items() if value not in (None, False)]


def _check_ranges(command: Export) -> None:
    image, points = command.image, command.points
    budget = None if points.max_points is None else points_of(points.max_points)
    for option, value, least in (
        ("--long-edge", image.long_edge, 1),
        ("--downscales", image.downscales, 0),
        ("--max-points", budget, 0),
        ("--min-observations", points.min_observations, 2),
        ("--min-views", points.min_views, 1),
        ("--min-confidence", points.min_confidence, 1),
    ):
        if value is not None and not value >= least:
            raise InputError(f"{option} {value}: give {least} or more")
    size = command.look.camera_size
    if size is not None and not 0 < size < float("inf"):
        raise InputError(f"--camera-size {size}: give a positive number")
    if image.downscales is not None and image.downscales > 8:
        raise InputError(f"--downscales {image.downscales}: give 8 or fewer")
