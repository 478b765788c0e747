"""The options of `dust3r-sfm localize`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from dust3r_sfm.cli.options.compute import ComputeOptions
from dust3r_sfm.cli.options.library import option
from dust3r_sfm.cli.options.reporting import ReportingOptions
from dust3r_sfm.localization.choices import LocalizationChoices
from dust3r_sfm.pipeline.localization.choices import Outputs

LOCALIZE_HELP = """Say where new photos were taken, against photos whose cameras are known.

examples:
  dust3r-sfm localize out/ new_photos/ --output poses.txt
  dust3r-sfm localize model/ queries.txt --images images/ --intrinsics cameras.txt --output poses.txt
  dust3r-sfm localize out/ new_photos/ --output poses.txt --add-to-model out/sparse/with_new --json facts.json
  dust3r-sfm localize out/                           (only prepares)

exit codes:
  0 at least one photo was localized     2 unusable references, photos or options
  3 unusable output     4 no photo was localized     130 stopped by Ctrl-C, 143 by SIGTERM
  1 the system gave up (full disk, memory)"""

_INTRINSICS_HELP = (
    "Cameras of the new photos: lines NAME MODEL WIDTH HEIGHT PARAMS..., or COLMAP's cameras.txt. Without, a "
    "photo's focal is solved for, with EXIF as a prior."
)

_Choices = LocalizationChoices
_Folder = Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")]


@dataclass(frozen=True)
class ReferenceOptions:
    """What is known beforehand."""

    images: _Folder = None
    """Where the reference photos are, if not beside the model."""
    intrinsics: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help=_INTRINSICS_HELP, help_behavior_hint="")
    ] = None
    prepare: _Folder = None
    """Where the prepared references are kept and found again. Default: .localization in REFERENCE."""


@dataclass(frozen=True)
class PoseOptions:
    """How poses are found, and which are believed."""

    top_k: Annotated[int, option(_Choices, "top_k", "N")] = _Choices.top_k
    min_inliers: Annotated[int, option(_Choices, "min_inliers", "N")] = _Choices.min_inliers
    max_error: Annotated[float, option(_Choices, "max_error", "SHARE")] = _Choices.max_error


@dataclass(frozen=True)
class PoseOutputs:
    """What to write. Existing files are replaced."""

    output: Annotated[Path | None, option(Outputs, "poses", "FILE")] = Outputs.poses
    json: Annotated[Path | None, option(Outputs, "diagnostics", "FILE")] = Outputs.diagnostics
    add_to_model: Annotated[Path | None, option(Outputs, "model", "DIR")] = Outputs.model
    pictures: Annotated[Path | None, option(Outputs, "pictures", "DIR")] = Outputs.pictures


@dataclass(frozen=True)
class Localize:
    reference: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="REFERENCE")]
    """A folder that `reconstruct` wrote, a COLMAP model with its photos, or a transforms.json."""
    queries: Annotated[
        tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="QUERIES", help_behavior_hint="")
    ] = None
    """Folder of photos, one photo, or a text file with a path (and perhaps a camera) a line."""
    known: Annotated[ReferenceOptions, tyro.conf.OmitArgPrefixes] = field(default_factory=ReferenceOptions)
    pose: Annotated[PoseOptions, tyro.conf.OmitArgPrefixes] = field(default_factory=PoseOptions)
    compute: Annotated[ComputeOptions, tyro.conf.OmitArgPrefixes] = field(default_factory=ComputeOptions)
    files: Annotated[PoseOutputs, tyro.conf.OmitArgPrefixes] = field(default_factory=PoseOutputs)
    reporting: Annotated[ReportingOptions, tyro.conf.OmitArgPrefixes] = field(
        default_factory=ReportingOptions
    )
