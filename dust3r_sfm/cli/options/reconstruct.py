"""The options of `dust3r-sfm reconstruct`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from dust3r_sfm.camera_sharing import CameraChoice, CameraSharing
from dust3r_sfm.cli.options.choices import PAIRS, UP, AlignmentChoice, NamedChoices
from dust3r_sfm.cli.options.compute import ComputeOptions
from dust3r_sfm.cli.options.library import Budget, budget_of, option
from dust3r_sfm.cli.options.reporting import ReportingOptions
from dust3r_sfm.dense.choices import SkyChoice, UpChoice
from dust3r_sfm.exporters.config import ColmapExport
from dust3r_sfm.pipeline.choices import RunChoices
from dust3r_sfm.pipeline.known.config import KnownCameras, KnownWorld

RECONSTRUCT_HELP = """Turn a folder of photos into cameras, depth and a COLMAP model.

examples:
  dust3r-sfm reconstruct photos/ out/
  dust3r-sfm reconstruct frames/ out/ --pairs swin-5-noncyclic --cameras shared
  dust3r-sfm reconstruct photos/ out/ --resume      (after an interrupted run)

exit codes:
  0 a model was written     2 unusable photos or options     3 unusable output folder
  4 no model came out       5 a model was written that is weak: see its verdict
  130 stopped by Ctrl-C, 143 by SIGTERM
  1 the system gave up (full disk, memory)"""

_MAX_POINTS = budget_of(ColmapExport.max_points)


@dataclass(frozen=True)
class PhotoOptions:
    """What to take from the photos."""

    masks: Annotated[Path | None, option(RunChoices, "masks", "DIR")] = RunChoices.masks
    pairs: Annotated[str, option(NamedChoices, "pairs", PAIRS)] = NamedChoices.pairs
    cameras: Annotated[CameraSharing, option(CameraChoice, "cameras")] = CameraChoice.cameras
    fast_above: Annotated[int, option(RunChoices, "fast_above", "N")] = RunChoices.fast_above


@dataclass(frozen=True)
class KnownOptions:
    """What is known beforehand. Cameras and poses stay as they are; the rest is solved around them."""

    focal: Annotated[float | None, option(KnownCameras, "focal_px", "PX")] = KnownCameras.focal_px
    known_cameras: Annotated[Path | None, option(KnownCameras, "cameras", "PATH")] = KnownCameras.cameras
    known_poses: Annotated[Path | None, option(KnownCameras, "poses", "PATH")] = KnownCameras.poses
    positions: Annotated[Path | None, option(KnownWorld, "positions", "FILE")] = KnownWorld.positions
    gps: Annotated[bool, option(KnownWorld, "gps")] = KnownWorld.gps
    distance: Annotated[tuple[str, str, float] | None, option(KnownWorld, "distance", "NAME NAME LENGTH")] = (
        None
    )


@dataclass(frozen=True)
class SolvingOptions:
    """How pairs become one scene."""

    alignment: Annotated[AlignmentChoice, option(NamedChoices, "alignment")] = NamedChoices.alignment
    max_memory: Annotated[float | None, option(RunChoices, "max_memory_gib", "GIB")] = (
        RunChoices.max_memory_gib
    )


@dataclass(frozen=True)
class OutputOptions:
    """What becomes of the output folder."""

    max_points: Annotated[Budget, option(ColmapExport, "max_points", "N|all")] = _MAX_POINTS
    up: Annotated[UpChoice, option(RunChoices, "up", UP)] = RunChoices.up
    sky: Annotated[SkyChoice, option(RunChoices, "sky", "keep|remove|mask")] = RunChoices.sky
    overwrite: bool = False
    """Replace the results in OUT, once the new ones are complete."""
    resume: bool = False
    """Continue the run in OUT that was interrupted."""
    keep_work: bool = False
    """Keep what was computed for each pair, in OUT/.work."""
    no_report_html: bool = False
    """Do not write report.html, the report for people."""


@dataclass(frozen=True)
class Reconstruct:
    photos: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="PHOTOS")]
    """Folder of photos; its sub-folders are read too."""
    out: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OUT")]
    """Folder for the results: sparse/0, points.ply, scene.glb, depth/, scene.npz, report.json,
    report.html."""
    photo: Annotated[PhotoOptions, tyro.conf.OmitArgPrefixes] = field(default_factory=PhotoOptions)
    known: Annotated[KnownOptions, tyro.conf.OmitArgPrefixes] = field(default_factory=KnownOptions)
    compute: Annotated[ComputeOptions, tyro.conf.OmitArgPrefixes] = field(default_factory=ComputeOptions)
    solving: Annotated[SolvingOptions, tyro.conf.OmitArgPrefixes] = field(default_factory=SolvingOptions)
    output: Annotated[OutputOptions, tyro.conf.OmitArgPrefixes] = field(default_factory=OutputOptions)
    reporting: Annotated[ReportingOptions, tyro.conf.OmitArgPrefixes] = field(
        default_factory=ReportingOptions
    )
