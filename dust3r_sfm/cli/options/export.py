"""The options of `dust3r-sfm export`. Those that are not given are None: only what a format has may be."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from dust3r_sfm.cli.options.choices import UP
from dust3r_sfm.cli.options.library import Budget, option
from dust3r_sfm.cli.options.reporting import ReportingOptions
from dust3r_sfm.dense.choices import CleaningChoices, CloudChoices, SkyChoice, UpChoice
from dust3r_sfm.exporters.config import (
    CameraLook,
    ColmapExport,
    GlbChoices,
    ImageForm,
    MeshChoice,
    NerfstudioExport,
)

EXPORT_HELP = """Write a reconstruction in the form that another program reads, without computing it again.

examples:
  dust3r-sfm export out/ --format nerfstudio --output dataset/
  dust3r-sfm export out/ --format colmap --output dataset/ --long-edge 1600
  dust3r-sfm export out/ --format colmap --output model/ --images leave
  dust3r-sfm export out/ --format colmap-dense --output dense/
  dust3r-sfm export out/ --format colmap-database --output work/   (then: colmap mapper)

exit codes:
  0 written     2 unusable scene, photos or options     3 unusable output folder
  1 the system gave up (full disk, memory)     130 stopped by Ctrl-C, 143 by SIGTERM"""

_MAX_POINTS_HELP = (
    f"Most points of the model (default: {ColmapExport.max_points}), or of the cloud of ply and glb "
    f"(default: {CloudChoices.max_points})."
)
_IMAGES_HELP = (
    "Photos that need no change are copied (default) or hard-linked; the others are written anew. leave "
    "(colmap only): no images, and the model is of the photos as they are stored."
)
_UP_HELP = "glb, nerfstudio: which way is up in the world. auto: found again. none: as the world is."
_CAMERAS = "frames|transparent|photos|none"
_WITH_MODEL = "colmap, nerfstudio, colmap-dense"

Format = Literal["colmap", "nerfstudio", "ply", "glb", "depth", "colmap-dense", "colmap-database"]


@dataclass(frozen=True)
class ImageOptions:
    """The images: colmap, nerfstudio, colmap-dense."""

    photos: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None
    """Where the photos are now. Default: where they were."""
    images: Annotated[
        Literal["copy", "link", "leave"] | None,
        tyro.conf.arg(metavar="copy|link|leave", help=_IMAGES_HELP, help_behavior_hint=""),
    ] = None
    long_edge: Annotated[int | None, option(ImageForm, "long_edge", "N")] = None
    keep_distortion: bool = False
    """colmap, nerfstudio: leave the lens in the images (OPENCV cameras instead of PINHOLE)."""
    downscales: Annotated[int | None, option(NerfstudioExport, "downscales", "N", "nerfstudio")] = None
    no_depth: bool = False
    """nerfstudio: no depth maps."""


@dataclass(frozen=True)
class PointOptions:
    """The points."""

    max_points: Annotated[
        Budget | None, tyro.conf.arg(metavar="N|all", help=_MAX_POINTS_HELP, help_behavior_hint="")
    ] = None
    min_observations: Annotated[int | None, option(ColmapExport, "min_observations", "N", _WITH_MODEL)] = None
    min_views: Annotated[int | None, option(CloudChoices, "min_views", "N", "ply, glb")] = None
    min_confidence: Annotated[float | None, option(CloudChoices, "min_confidence", "C")] = None
    mesh: Annotated[bool, option(MeshChoice, "mesh", forms="ply, glb")] = False
    remove_floaters: bool = False
    """ply, glb: without points that hang in the air: lonely ones, and small groups by themselves."""


@dataclass(frozen=True)
class LookOptions:
    """What is looked at."""

    up: Annotated[
        UpChoice | None,
        tyro.conf.arg(metavar=UP, help=_UP_HELP, help_behavior_hint="(default: as the scene says)"),
    ] = None
    sky: Annotated[SkyChoice, option(CleaningChoices, "sky", "keep|remove|mask")] = CleaningChoices.sky
    cameras: Annotated[CameraLook | None, option(GlbChoices, "cameras", _CAMERAS, "glb")] = None
    camera_size: Annotated[float | None, option(GlbChoices, "camera_size", "SHARE", "glb")] = None


@dataclass(frozen=True)
class Export:
    scene: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="SCENE")]
    """Folder that reconstruct wrote, or the scene.npz of any of its scenes."""
    format: Format
    """What to write."""
    output: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Folder to write."""
    image: Annotated[ImageOptions, tyro.conf.OmitArgPrefixes] = field(default_factory=ImageOptions)
    points: Annotated[PointOptions, tyro.conf.OmitArgPrefixes] = field(default_factory=PointOptions)
    look: Annotated[LookOptions, tyro.conf.OmitArgPrefixes] = field(default_factory=LookOptions)
    overwrite: bool = False
    """Replace what has the same name in DIR; everything else there stays."""
    reporting: Annotated[ReportingOptions, tyro.conf.OmitArgPrefixes] = field(
        default_factory=ReportingOptions
    )
