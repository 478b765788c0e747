"""The options of `ns-process-data dust3r`, as tyro reads them. Nothing heavy is imported: --help is quick."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from dust3r_sfm.camera_sharing import CameraChoice, CameraSharing
from dust3r_sfm.cli.options.choices import PAIRS, REGRESSORS, AlignmentChoice, DeviceChoice, NamedChoices
from dust3r_sfm.cli.options.library import Budget, option
from dust3r_sfm.cli.options.reconstruct import OutputOptions
from dust3r_sfm.cli.options.reporting import ReportingOptions
from dust3r_sfm.exporters.config import NerfstudioExport
from dust3r_sfm.images.sampling import FrameSampling
from dust3r_sfm.pipeline.choices import RunChoices
from dust3r_sfm.pipeline.known.config import KnownCameras
from dust3r_sfm.regressors.choices import Dtype, NetworkChoices


# Field by field what nerfstudio's BaseConverterToNerfstudioDataset has, and not a subclass of it: so the
# same command runs where nerfstudio is not installed.
@dataclass(frozen=True)
class ProcessOptions:
    data: Path
    """Path to the data: a folder of photos (its sub-folders are read too) or a video file."""
    output_dir: Path
    """Path to the output directory."""
    eval_data: Annotated[Path | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")] = None
    """Path to the eval data, a folder or a video, posed with the others. Train with --eval-mode filename."""
    verbose: bool = False
    """If True, print extra logging."""

    num_downscales: Annotated[int, option(NerfstudioExport, "downscales")] = NerfstudioExport.downscales
    skip_image_processing: bool = False
    """If True, photos stay where and as they are: no smaller copies, no depth maps, no masks."""
    num_frames_target: Annotated[int, option(FrameSampling, "count")] = FrameSampling.count
    frame_choice: Annotated[Literal["sharpest", "even"], option(FrameSampling, "choice")] = (
        FrameSampling.choice
    )
    camera_type: Literal["pinhole", "perspective"] = "pinhole"
    """Camera model. pinhole: images are undistorted, as splats need it. perspective: they keep the lens."""
    depth: Annotated[bool, option(NerfstudioExport, "depth")] = NerfstudioExport.depth
    max_points: Annotated[Budget, tyro.conf.arg(metavar="N|all")] = OutputOptions.max_points
    """Most points of sparse_pc.ply and of the COLMAP model."""

    regressor: Annotated[str, option(NamedChoices, "regressor", REGRESSORS)] = NamedChoices.regressor
    pairs: Annotated[str, option(NamedChoices, "pairs", PAIRS)] = NamedChoices.pairs
    cameras: Annotated[CameraSharing, option(CameraChoice, "cameras")] = CameraChoice.cameras
    focal_px: Annotated[float | None, option(KnownCameras, "focal_px", "PX")] = KnownCameras.focal_px
    known_cameras: Annotated[Path | None, option(KnownCameras, "cameras", "PATH")] = KnownCameras.cameras
    masks: Annotated[Path | None, option(RunChoices, "masks", "DIR")] = RunChoices.masks
    device: Annotated[DeviceChoice, option(NamedChoices, "device")] = NamedChoices.device
    dtype: Annotated[Dtype, option(NetworkChoices, "dtype")] = NetworkChoices.dtype
    batch_size: Annotated[int | None, option(NetworkChoices, "batch_size", "N")] = NetworkChoices.batch_size
    alignment: Annotated[AlignmentChoice, option(NamedChoices, "alignment")] = NamedChoices.alignment
    max_memory: Annotated[float | None, option(RunChoices, "max_memory_gib", "GIB")] = (
        RunChoices.max_memory_gib
    )
    seed: Annotated[int, option(RunChoices, "seed")] = RunChoices.seed
    report_html: bool = True
    """Write dust3r/report.html, the report for people."""
    overwrite: bool = False
    """Start anew where an interrupted run could be continued."""
    reporting: Annotated[ReportingOptions, tyro.conf.OmitArgPrefixes] = field(
        default_factory=ReportingOptions
    )
