"""The options of `dust3r-sfm view`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

VIEW_HELP = """Look at a result in the browser: points, cameras and their photos, pairs, tracks, distances.

examples:
  dust3r-sfm view out/
  dust3r-sfm view colmap/ --images photos/ --compare out/
  dust3r-sfm view out/ --queries poses.txt

It needs viser: pip install 'dust3r-sfm[viewer]'. On a machine elsewhere, keep the host and forward its port:
ssh -L 8080:127.0.0.1:8080 MACHINE.

exit codes:
  2 unusable result, photos or options, or no viser     130 stopped by Ctrl-C, 143 by SIGTERM"""


@dataclass(frozen=True)
class ViewResult:
    out: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OUT")]
    """Folder that reconstruct wrote, the scene.npz of one of its scenes, or a COLMAP model."""
    images: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None
    """Photos of a COLMAP model. Default: images/ beside or above it."""
    compare: Annotated[Path | None, tyro.conf.arg(metavar="OTHER", help_behavior_hint="")] = None
    """Another result of the same photos, to show beside it: before and after."""
    queries: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """What localize wrote with --output or --json: these photos are shown too."""
    host: str = "127.0.0.1"
    """Address to listen on. Another than this lets other machines see the photos."""
    origin: Annotated[str | None, tyro.conf.arg(metavar="URL", help_behavior_hint="")] = None
    """Where a proxy serves the page, such as https://hub.example.org. Default: only pages from here."""
    port: Annotated[int, tyro.conf.arg(metavar="N")] = 8080
    """Port to listen on, or the next one that is free; 0: any."""
