"""The options of `dust3r-sfm export`. Nothing heavy is imported."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

EXPORT_HELP = """Write a reconstruction in the form that another program reads, without computing it again.

examples:
  dust3r-sfm export out/ --format nerfstudio --output dataset/
  dust3r-sfm export out/ --format colmap --output dataset/ --long-edge 1600
  dust3r-sfm export out/ --format colmap --output model/ --images leave
  dust3r-sfm export out/ --format colmap-dense --output dense/

exit codes:
  0 written     2 unusable scene, photos or options     3 unusable output folder
  1 the system gave up (full disk, memory)     130 stopped by Ctrl-C"""

Format = Literal["colmap", "nerfstudio", "ply", "glb", "depth", "colmap-dense"]

_Int = Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")]
_Points = Annotated[int | Literal["all"] | None, tyro.conf.arg(metavar="N|all", help_behavior_hint="")]


@dataclass(frozen=True)
class ImageOptions:
    """The images: colmap, nerfstudio, colmap-dense."""

    photos: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None
    """Where the photos are now. Default: where they were."""
    images: Annotated[
        Literal["copy", "link", "leave"] | None,
        tyro.conf.arg(metavar="copy|link|leave", help_behavior_hint=""),
    ] = None
    """Photos that need no change are copied (default) or hard-linked; the others are written anew. leave
    (colmap only): no images, and the model is of the photos as they are stored."""
    long_edge: _Int = None
    """Most pixels of an image's longer side. Default: as the photo."""
    keep_distortion: bool = False
    """colmap, nerfstudio: leave the lens in the images (OPENCV cameras instead of PINHOLE)."""
    downscales: _Int = None
    """nerfstudio: how many of images_2, images_4, images_8, ... (default 3)."""
    no_depth: bool = False
    """nerfstudio: no depth maps."""


@dataclass(frozen=True)
class PointOptions:
    """The points."""

    max_points: _Points = None
    """Most points of the model (default 100000), or of the cloud of ply and glb (default 1000000)."""
    min_observations: _Int = None
    """colmap, nerfstudio, colmap-dense: least photos that a point is seen in (default 2)."""
    min_views: _Int = None
    """ply, glb: least photos whose depths agree on a point (default 2)."""
    min_confidence: Annotated[float | None, tyro.conf.arg(metavar="C", help_behavior_hint="")] = None
    """Depth trusted less is left out (default 1.5; 1 is no trust at all)."""
    mesh: bool = False
    """ply: a surface as well, mesh.ply."""


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
    overwrite: bool = False
    """Replace what has the same name in DIR; everything else there stays."""
    quiet: bool = False
    """No progress on stderr."""
