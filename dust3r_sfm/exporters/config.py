"""What may be chosen about folders for other programs. Nothing heavy is imported: the help of the commands is
made of these."""

from dataclasses import dataclass, field
from typing import Literal

from dust3r_sfm.dense.choices import CloudChoices

Transfer = Literal["copy", "link"]
"""Photos that need no change are copied, or hard-linked where the file system can."""


@dataclass(frozen=True)
class ImageForm:
    """What written images are like. They are always upright: no reader then asks which way up."""

    undistorted: bool = True
    """As a pinhole with the principal point at the centre sees it; else the lens stays in the images, and
    cameras are OPENCV ones."""
    long_edge: int | None = None
    """Most pixels of an image's longer side. None: as many as the photo has."""
    centred_px: float = 1e-3
    """A principal point this near the centre is there, but for rounding: such a photo is not resampled."""
    edge_samples: int = 65
    """Points of each edge of a photo by which its undistorted size is found: the lens bends slowly between
    them."""

    def __post_init__(self) -> None:
        if self.long_edge is not None and self.long_edge < 1:
            raise ValueError(f"long_edge is {self.long_edge}: give 1 or more, or None")


@dataclass(frozen=True)
class ColmapExport:
    """A COLMAP model of the stored photos, which stay where they are; and the model in every other folder."""

    max_points: int | None = 100_000
    """Most points of the COLMAP model. None: all."""
    text: bool = True
    """Whether the .txt files are written."""
    binary: bool = True
    """Whether the .bin files are written."""
    min_observations: int = 2
    """Least photos that a point is seen in."""
    cells_a_side: int = 16
    """Of more points than `max_points` those are kept that cover the cells of such a grid over each image."""

    def __post_init__(self) -> None:
        if self.max_points is not None and self.max_points < 0:
            raise ValueError(f"max_points is {self.max_points}: give 0 or more, or None")
        if self.min_observations < 2:
            raise ValueError(f"min_observations is {self.min_observations}: give 2 or more")
        if not (self.text or self.binary):
            raise ValueError("text and binary are both off: leave at least one on")


@dataclass(frozen=True)
class ColmapDataset:
    """A COLMAP model together with the images it is of."""

    form: ImageForm = field(default_factory=ImageForm)
    """How the images look."""
    transfer: Transfer = "copy"
    """How they get there."""
    model: ColmapExport = field(default_factory=ColmapExport)
    """What the model holds."""


@dataclass(frozen=True)
class ColmapDense:
    """COLMAP's dense workspace: undistorted images, their model, and our depth maps."""

    long_edge: int | None = None
    """Most pixels of an image's longer side. None: as many as the photo has."""
    transfer: Transfer = "copy"
    """How the images get there."""
    model: ColmapExport = field(default_factory=ColmapExport)
    """What the model holds."""
    min_confidence: float = CloudChoices.min_confidence
    """Depth trusted less is left out; 1 is no trust at all."""


@dataclass(frozen=True)
class NerfstudioExport:
    """The folder that `ns-process-data` would write."""

    form: ImageForm = field(default_factory=ImageForm)
    """How the images look."""
    transfer: Transfer = "copy"
    """How they get there."""
    model: ColmapExport = field(default_factory=ColmapExport)
    """What the model holds."""
    downscales: int = 3
    """How many smaller copies of the images are written, each half as large as the one before: images_2,
    images_4, images_8, ..."""
    depth: bool = True
    """Write depth maps, for methods that are supervised with depth."""
    min_confidence: float = CloudChoices.min_confidence
    """Depth trusted less is left out; 1 is no trust at all."""

    def __post_init__(self) -> None:
        if not 0 <= self.downscales <= 8:
            raise ValueError(f"downscales is {self.downscales}: give 0 to 8")


@dataclass(frozen=True, kw_only=True)
class MeshChoice:
    """Part of `PlyExport` and `GlbExport`."""

    mesh: bool = False
    """A surface: of ply as well, in mesh.ply; of glb in place of the points."""


CameraLook = Literal["frames", "transparent", "photos", "none"]


@dataclass(frozen=True, kw_only=True)
class GlbChoices:
    """Part of `GlbExport`."""

    cameras: CameraLook = "frames"
    """How cameras are drawn: as frames, see-through frames, frames with their photo, or not at all."""
    camera_size: float = 0.05
    """How long, of the scene's typical depth."""

    def __post_init__(self) -> None:
        if not 0 < self.camera_size < float("inf"):
            raise ValueError(f"camera_size is {self.camera_size}: give a positive number")


@dataclass(frozen=True)
class ReportPageConfig:
    """How much report.html holds: it is one file that can be mailed, below 15 MB for a thousand photos."""

    max_points: int = 150_000
    """Most points of the clouds of all scenes together: as many as a browser draws fluently without a
    graphics card, 1.8 MB of the file."""
    picture_px: int = 256
    """Longer side of the pictures of photos, depth and confidence."""
    smallest_picture_px: int = 96
    """With many photos pictures are made smaller, down to this; what then is too much has none."""
    pictures_bytes: int = 6_000_000
    """Most of all pictures, before base64 adds a third."""
    picture_pixel_bytes: float = 0.6
    """Of a photo with its depth and confidence together: 0.3 to 0.6 on the sets of docs/benchmarks.md."""
    jpeg_quality: int = 75
    """Of the pictures."""
    max_pairs: int = 60_000
    """Most directed pairs, the used ones first: 30 bytes each."""
    histogram_bins: int = 40
    """Bars of the histogram of reprojection errors."""
    histogram_share: float = 0.99
    """Of the errors, what the bars divide evenly; the rest is in the last one."""
    far: float = 6.0
    """Points farther from the middle than so many times the scene's radius are left out, as 16 bits have to
    divide what is shown."""

    def __post_init__(self) -> None:
        if not 0 < self.smallest_picture_px <= self.picture_px:
            raise ValueError(
                f"smallest_picture_px is {self.smallest_picture_px}, picture_px {self.picture_px}: give 1 or "
                "more, and not more than picture_px"
            )
