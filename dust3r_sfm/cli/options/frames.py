"""The options of `dust3r-sfm frames`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from dust3r_sfm.cli.options.library import option
from dust3r_sfm.cli.options.reporting import ReportingOptions
from dust3r_sfm.images.sampling import FrameSampling


@dataclass(frozen=True)
class TakeFrames:
    """Write frames of a video as photos, spread over its length and sharp, for reconstruct."""

    video: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="VIDEO")]
    """The film; needs pip install 'dust3r-sfm[video]'."""
    out: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OUT")]
    """Folder to make."""
    count: Annotated[int, option(FrameSampling, "count", "N")] = FrameSampling.count
    frame_choice: Annotated[Literal["sharpest", "even"], option(FrameSampling, "choice")] = (
        FrameSampling.choice
    )
    reporting: Annotated[ReportingOptions, tyro.conf.OmitArgPrefixes] = field(
        default_factory=ReportingOptions
    )
